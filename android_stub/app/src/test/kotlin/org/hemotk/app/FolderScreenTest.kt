package org.hemotk.app

import android.app.Activity
import android.content.ContentProvider
import android.content.ContentValues
import android.content.Intent
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.Bundle
import android.provider.DocumentsContract
import android.provider.DocumentsContract.Document
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import org.hemotk.core.HemotkException
import org.hemotk.core.Json
import org.hemotk.core.Problem
import org.hemotk.runtime.LiteRtRuntime
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import java.io.ByteArrayInputStream
import java.io.File
import java.io.InputStream
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** A folder as another app lists it. */
class FolderScreenTest : BundleCase() {
    /** What the provider answers; a class of its own makes it, and it has no other way to be told. */
    class Provider : ContentProvider() {
        override fun query(uri: Uri, columns: Array<String>?, selection: String?, values: Array<String>?, order: String?): Cursor? =
            if (uri.lastPathSegment == "children") answer() else null

        override fun onCreate() = true
        override fun getType(uri: Uri): String? = null
        override fun insert(uri: Uri, values: ContentValues?): Uri? = null
        override fun delete(uri: Uri, selection: String?, values: Array<String>?) = 0
        override fun update(uri: Uri, values: ContentValues?, selection: String?, arguments: Array<String>?) = 0

        companion object {
            var answer: () -> Cursor? = { null }
        }
    }

    private val tree = DocumentsContract.buildTreeDocumentUri("slices", "folder")
    private val read = AtomicInteger()

    @Before
    fun provider() {
        Robolectric.setupContentProvider(Provider::class.java, "slices")
    }

    @After
    fun none() {
        Provider.answer = { null }
    }

    private fun uri(id: String) = DocumentsContract.buildDocumentUriUsingTree(tree, id)

    private fun cursor(rows: List<Pair<String?, String>>, extras: Bundle = Bundle.EMPTY) =
        MatrixCursor(arrayOf(Document.COLUMN_MIME_TYPE, Document.COLUMN_DISPLAY_NAME, Document.COLUMN_DOCUMENT_ID)).also { cursor ->
            rows.forEach { (name, kind) -> cursor.addRow(arrayOf(kind, name, name)) }
            cursor.extras = extras
        }

    /** The folder holds these files, of the kinds that the provider says, each with its content. */
    private fun holds(vararg files: Triple<String, String, ByteArray>) {
        Provider.answer = { cursor(files.map { it.first to it.second }) }
        for ((name, _, content) in files) {
            shadowOf(context.contentResolver).registerInputStreamSupplier(uri(name)) {
                read.incrementAndGet()
                ByteArrayInputStream(content)
            }
        }
    }

    private fun dicom(kind: String) = File(expected, "series").listFiles()!!.map { Triple(it.name, kind, it.readBytes()) }

    private fun choose(): MainActivity = start(MainActivity::class.java, Intent()).get().also { answered(it) }

    private fun answered(activity: MainActivity) {
        activity.findViewById<Button>(R.id.pick_folder).performClick()
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_OPEN_DOCUMENT_TREE, asked.intent.action)
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(tree))
    }

    private fun looked(): MainActivity = choose().also { activity -> wait("a verdict or a sentence") { activity.settled } }

    private fun MainActivity.lines() =
        findViewById<ViewGroup>(R.id.slices).let { list -> (0 until list.childCount).map { (list.getChildAt(it) as TextView).text.toString() } }

    private fun leftOut(count: Int) = context.getString(R.string.left_out, count)

    @Test
    fun a_folder_gets_the_verdict_that_python_gives_the_series() {
        val said = Json.parse(File(expected, "series.json").readText()) as Map<*, *>
        for (kind in listOf("application/dicom", "application/octet-stream", "")) {
            holds(*dicom(kind).toTypedArray())
            val activity = looked()
            assertEquals(said["verdict"], activity.text(R.id.verdict))
            val score = Regex("""[01]\.\d{3}""").find(activity.text(R.id.status))!!.value.toDouble()
            assertEquals(said["probability"] as Double, score, 0.005)
            assertEquals((said["slices"] as List<*>).size, activity.lines().size)
            assertTrue(activity.text(R.id.remark), "Left out" !in activity.text(R.id.remark))
        }
    }

    @Test
    fun what_is_no_picture_is_left_out_unread_or_for_how_it_begins_and_is_counted() {
        val more = arrayOf(
            Triple("notes.txt", "text/plain", picture("gray.png")),
            Triple("film.mp4", "video/mp4", picture("gray.png")),
            Triple("voice", "audio/x", picture("gray.png")),
            Triple("deeper", Document.MIME_TYPE_DIR, picture("gray.png")),
            Triple(".hidden.png", "image/png", picture("gray.png")),
            Triple("DICOMDIR", "application/octet-stream", picture("gray.png")),
            Triple("report.pdf", "application/pdf", ByteArray(70_000_000) { 37 }), // over the limit, and left after its beginning
            Triple("empty", "application/octet-stream", ByteArray(0)),
        )
        holds(Triple("a.png", "image/png", picture("gray.png")), *more, Triple("b", "x/y", picture("colour.png")))
        val activity = looked()
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        assertEquals(listOf("1. a.png", "2. b"), activity.lines().map { it.lineSequence().first() })
        assertTrue(activity.text(R.id.remark), leftOut(more.size) in activity.text(R.id.remark))
        assertEquals(4, read.get())
        activity.findViewById<Button>(R.id.share).performClick()
        @Suppress("DEPRECATION")
        val sent = shadowOf(activity).nextStartedActivity.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        val text = sent.getStringExtra(Intent.EXTRA_TEXT)!!
        assertTrue(text, leftOut(more.size) in text && "a.png" !in text)
    }

    @Test
    fun a_damaged_picture_is_not_left_out_but_costs_the_series_its_verdict() {
        val damaged = listOf(
            Triple("b.png", "image/png", ByteArray(9)),
            Triple("b.dcm", "application/octet-stream", ByteArray(900)),
            Triple("b", "application/octet-stream", picture("gray.png").copyOf(5000)),
        )
        for (file in damaged) {
            holds(Triple("a.png", "image/png", picture("gray.png")), file)
            val activity = looked()
            assertEquals(context.getString(R.string.series_failed, 1, 2), activity.text(R.id.status))
            assertEquals("", activity.text(R.id.verdict))
        }
    }

    @Test
    fun a_provider_that_does_not_list_the_folder_gets_a_sentence() {
        val loading = Bundle().also { it.putBoolean(DocumentsContract.EXTRA_LOADING, true) }
        val error = Bundle().also { it.putString(DocumentsContract.EXTRA_ERROR, "no network") }
        val one = listOf<Pair<String?, String>>("a.png" to "image/png")
        val answers = mapOf<() -> Cursor?, String>(
            { null } to context.getString(R.string.problem_folder_failed),
            { throw SecurityException("no") } to context.getString(R.string.problem_folder_failed),
            { throw StackOverflowError() } to context.getString(R.string.problem_folder_failed),
            { cursor(one, error) } to context.getString(R.string.problem_folder_failed),
            { cursor(one + (null to "image/png")) } to context.getString(R.string.problem_folder_failed),
            { MatrixCursor(arrayOf("other")).also { it.addRow(arrayOf("a.png")) } } to context.getString(R.string.problem_folder_failed),
            { cursor(one, loading) } to context.getString(R.string.problem_folder_loading),
            { cursor(emptyList()) } to context.getString(R.string.problem_folder_empty),
            { cursor(listOf("d" to Document.MIME_TYPE_DIR, "t" to "text/html")) } to context.getString(R.string.problem_folder_empty),
            { cursor(List(2001) { "$it" to "text/plain" }) } to context.getString(R.string.problem_folder_too_large, "2000"),
            { cursor(List(MOST_PICTURES + 1) { "$it" to "image/png" }) } to context.getString(R.string.problem_series_too_long, "$MOST_PICTURES"),
        )
        for ((answer, sentence) in answers) {
            Provider.answer = answer
            val activity = looked()
            assertEquals(listOf(sentence, ""), listOf(activity.text(R.id.status), activity.text(R.id.verdict)))
        }
    }

    @Test
    fun files_that_all_turn_out_to_be_no_pictures_are_an_empty_folder() {
        holds(Triple("a", "x/y", ByteArray(9)), Triple("b", "", "some words".toByteArray()))
        assertEquals(context.getString(R.string.problem_folder_empty), looked().text(R.id.status))
    }

    @Test
    fun pictures_that_only_turn_out_to_be_some_are_limited_too() {
        holds(*Array(5) { Triple("$it", "", picture("gray.png")) })
        val sources = Sources(
            context.contentResolver,
            Choice(context),
            runtime = { LiteRtRuntime(it) },
            accelerators = { emptyList() },
            AcceleratorTries(context),
            checked = { _, _ -> },
            keep = { _, _ -> },
        )
        val screen = Screen(sources, most = 2)
        screen.lookInto(tree)
        wait("a sentence") { screen.shown is Shown.Failed }
        assertEquals(Problem.SERIES_TOO_LONG, ((screen.shown as Shown.Failed).error as HemotkException).problem)
        assertEquals(3, read.get())
        screen.close()
    }

    @Test
    fun a_picture_that_is_gone_or_listed_twice_gives_no_verdict() {
        holds(Triple("a.png", "image/png", picture("gray.png")))
        Provider.answer = { cursor(listOf("a.png" to "image/png", "gone.png" to "image/png")) }
        assertEquals(context.getString(R.string.series_failed, 1, 2), looked().text(R.id.status))
        Provider.answer = { cursor(listOf("a.png" to "image/png", "a.png" to "image/png")) }
        assertEquals(context.getString(R.string.problem_series_twice, "a.png"), looked().text(R.id.status))
    }

    @Test
    fun a_provider_that_lists_for_ever_is_left_after_a_while_and_keeps_no_other_look_waiting() {
        val asked = CountDownLatch(1)
        val end = CountDownLatch(1)
        Provider.answer = {
            asked.countDown()
            end.hold()
            null
        }
        val error = assertThrows(HemotkException::class.java) { Folders(context.contentResolver, patienceMs = 20).list(tree) }
        assertEquals(Problem.FOLDER_SLOW, error.problem)
        val activity = choose()
        assertTrue(asked.await(30, TimeUnit.SECONDS))
        assertEquals(context.getString(R.string.working_folder), activity.text(R.id.status))
        assertEquals(View.VISIBLE, activity.findViewById<View>(R.id.cancel).visibility)
        activity.onNewIntentForTest(share(place(picture("gray.png"))))
        wait("a verdict") { activity.settled }
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        assertEquals(null, activity.screen.tree)
        end.countDown()
    }

    @Test
    fun after_the_process_died_the_folder_is_looked_into_again_and_after_cancelling_it_is_not() {
        holds(Triple("a.png", "image/png", picture("gray.png")))
        val first = start(MainActivity::class.java, Intent())
        answered(first.get())
        wait("a verdict") { first.get().settled }
        val state = Bundle().also { first.saveInstanceState(it) }
        val next = Robolectric.buildActivity(MainActivity::class.java, Intent()).setup(state)
        wait("the verdict again") { next.get().settled }
        assertEquals(first.get().text(R.id.verdict), next.get().text(R.id.verdict))
        assertEquals(tree, next.get().screen.tree)
        next.pause().stop().destroy()
        val end = CountDownLatch(1)
        shadowOf(context.contentResolver).registerInputStreamSupplier(uri("a.png")) { Held(end) }
        answered(first.get())
        wait("the work") { step().let { first.get().text(R.id.status) == context.getString(R.string.working) } }
        first.get().findViewById<Button>(R.id.cancel).performClick()
        assertEquals(context.getString(R.string.nothing_yet), first.get().text(R.id.status))
        assertTrue(Bundle().also { first.saveInstanceState(it) }.let { !it.containsKey("folder") && !it.containsKey("shown") })
        end.countDown()
    }

    private class Held(private val end: CountDownLatch) : InputStream() {
        override fun read(): Int = -1.also { end.await() }
    }

    @Test
    fun an_answer_without_a_folder_is_none() {
        val activity = start(MainActivity::class.java, Intent()).get()
        for ((result, data) in listOf(Activity.RESULT_CANCELED to Intent().setData(tree), Activity.RESULT_OK to Intent(), Activity.RESULT_OK to null)) {
            activity.findViewById<Button>(R.id.pick_folder).performClick()
            shadowOf(activity).receiveResult(shadowOf(activity).nextStartedActivityForResult.intent, result, data)
            repeat(3) { step() }
            assertEquals(context.getString(R.string.nothing_yet), activity.text(R.id.status))
        }
    }
}
