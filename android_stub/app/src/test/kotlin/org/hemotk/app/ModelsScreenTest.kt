package org.hemotk.app

import android.content.Intent
import android.os.Bundle
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.RadioButton
import org.hemotk.core.Json
import org.hemotk.core.Network
import org.hemotk.core.Runtime
import org.hemotk.core.Variant
import org.hemotk.runtime.LiteRtRuntime
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import java.io.File
import java.util.concurrent.CountDownLatch

/** An app with two models: a network with outputs of 8 bits, and the same one with outputs of floats. */
class ModelsScreenTest : BundleCase() {
    private val places = several(context, listOf("small", "other"))
    private val sums = places.map { it.open().int8().sha256 }

    /** They are there already, so that a look costs the inferences of the check alone. */
    private val checkFiles = places.map { File(checkFile.parentFile, it.checkFile).apply { writeText("") } }

    @Before
    fun two() {
        Choice.found = { several(it, listOf("small", "other")) }
    }

    private fun MainActivity.buttons() =
        findViewById<ViewGroup>(R.id.models).let { group -> (0 until group.childCount).mapNotNull { group.getChildAt(it) as? RadioButton } }

    private fun MainActivity.asked() = buttons().single { it.isChecked }.text.toString()

    private fun MainActivity.choose(name: String) = buttons().single { it.text == name }.performClick()

    private fun by(name: String) = context.getString(R.string.by_model, name)

    private fun probability(text: String) = Regex("""[01]\.\d{3}""").find(text)!!.value.toDouble()

    @Test
    fun every_verdict_says_which_model_gave_it_and_another_choice_clears_it_at_once() {
        val said = (Json.parse(File(expected, "other.json").readText()) as Map<*, *>)["predictions"] as List<*>
        val python = (said.single() as Map<*, *>)["probability"] as Double
        val activity = look(picture("gray.png"))
        assertEquals(listOf("small", "other"), activity.buttons().map { it.text })
        assertEquals(listOf("small", by("small")), listOf(activity.asked(), activity.text(R.id.by)))
        assertTrue(activity.text(R.id.model), "small" in activity.text(R.id.model))
        activity.choose("other")
        assertEquals(listOf("", "", "other"), listOf(activity.text(R.id.verdict), activity.text(R.id.by), activity.asked()))
        assertEquals(listOf(View.GONE, View.GONE), listOf(R.id.share, R.id.picture).map { activity.findViewById<View>(it).visibility })
        wait("the other's verdict of the same picture") { activity.settled }
        assertEquals(by("other"), activity.text(R.id.by))
        assertEquals(python, probability(activity.text(R.id.status)), 0.0015)
        activity.findViewById<Button>(R.id.share).performClick()
        @Suppress("DEPRECATION")
        val sent = shadowOf(activity).nextStartedActivity.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        val text = sent.getStringExtra(Intent.EXTRA_TEXT)!!
        assertTrue(text, sums[1] in text && sums[0] !in text && "Model: other" in text)
    }

    @Test
    fun a_series_says_its_model_too() {
        val files = mapOf("a" to picture("gray.png"), "b" to picture("colour.png"))
        val activity = start(MainActivity::class.java, share(named(files))).get()
        wait("a verdict") { activity.settled }
        assertEquals(by("small"), activity.text(R.id.by))
        activity.choose("other")
        assertEquals(listOf("", View.GONE), listOf(activity.text(R.id.by), activity.findViewById<View>(R.id.slices).visibility))
        wait("the other's verdict") { activity.settled }
        assertEquals(by("other"), activity.text(R.id.by))
    }

    @Test
    fun the_choice_is_kept_through_rotation_the_end_of_the_process_and_a_new_start() {
        val watched = Watched().apply { install() }
        val first = start(MainActivity::class.java, share(place(picture("gray.png"))))
        wait("a verdict") { first.get().settled }
        first.get().choose("other")
        wait("the other's verdict") { first.get().settled }
        val inferences = watched.invoked.get()
        first.recreate()
        assertEquals(listOf("other", by("other")), listOf(first.get().asked(), first.get().text(R.id.by)))
        first.get().choose("other") // it is asked already
        repeat(5) { step() }
        assertEquals(listOf(inferences, 2, 1), listOf(watched.invoked, watched.opened, watched.closed).map { it.get() })
        val state = Bundle().also { first.saveInstanceState(it) }
        val next = Robolectric.buildActivity(MainActivity::class.java, Intent()).setup(state)
        wait("the verdict again") { next.get().settled }
        assertEquals(listOf("other", by("other")), listOf(next.get().asked(), next.get().text(R.id.by)))
        next.pause().stop().destroy()
        Choice.found = { several(it, listOf("small")) + several(it, listOf("a", "other")).drop(1) }
        assertEquals("other", Choice(context).chosen.name)
        Choice.found = { several(it, listOf("small", "another")) } // an update without it
        assertEquals("small", Choice(context).chosen.name)
    }

    @Test
    fun what_the_other_model_was_about_to_say_is_never_shown() {
        val go = CountDownLatch(1)
        val watched = Watched { count -> if (count == 5) go.hold() }.apply { install() }
        val activity = start(MainActivity::class.java, share(place(picture("gray.png")))).get()
        wait("the look") { watched.invoked.get() == 5 }
        activity.choose("other")
        go.countDown()
        wait("the other's verdict") { activity.settled }
        assertEquals(by("other"), activity.text(R.id.by))
        assertEquals(sums[1], activity.screen.ready!!.sha256)
        assertEquals(listOf(2, 1), listOf(watched.opened.get(), watched.closed.get()))
    }

    @Test
    fun without_a_picture_the_chosen_model_is_made_ready() {
        val activity = start(MainActivity::class.java, Intent()).get()
        wait("the first") { activity.screen.ready?.sha256 == sums[0] }
        activity.choose("other")
        wait("the other") { activity.screen.ready?.sha256 == sums[1] }
        assertTrue("other" in activity.text(R.id.model))
        assertEquals(context.getString(R.string.nothing_yet), activity.text(R.id.status))
    }

    @Test
    fun a_model_that_becomes_ready_late_is_not_said_to_be_the_one_that_is_asked() {
        val (first, second) = List(2) { CountDownLatch(1) }
        val watched = Watched { count -> if (count == 2) first.hold() else if (count == 5) second.hold() }.apply { install() }
        val activity = start(MainActivity::class.java, Intent()).get()
        wait("the first check") { watched.invoked.get() == 2 }
        activity.choose("other")
        first.countDown()
        wait("the second check") { watched.invoked.get() == 5 }
        repeat(3) { step() }
        assertEquals(null, activity.screen.ready)
        second.countDown()
        wait("the other") { activity.screen.ready?.sha256 == sums[1] }
    }

    @Test
    fun the_sentence_of_a_model_that_did_not_pass_goes_with_it() {
        spoil(sums[0])
        val activity = start(MainActivity::class.java, Intent()).get()
        wait("a sentence") { activity.settled }
        assertEquals(context.getString(R.string.problem_check_failed), activity.text(R.id.status))
        activity.choose("other")
        assertEquals(context.getString(R.string.nothing_yet), activity.text(R.id.status))
        wait("the other") { activity.screen.ready?.sha256 == sums[1] }
        assertEquals(context.getString(R.string.nothing_yet), activity.text(R.id.status))
    }

    /** The runtime that ships, but one model's logits are changed. */
    private fun spoil(sha256: String) {
        MainActivity.runtime = { folder ->
            val inner = LiteRtRuntime(folder)
            object : Runtime by inner {
                override fun open(variant: Variant, threads: Int): Network {
                    val network = inner.open(variant, threads)
                    return if (variant.sha256 != sha256) network else object : Network by network {
                        override fun read(name: String) = network.read(name).also { bytes -> bytes.indices.forEach { bytes[it] = (bytes[it] + 9).toByte() } }
                    }
                }
            }
        }
    }

    @Test
    fun a_phone_that_passes_with_one_model_alone_withholds_the_verdicts_of_the_other() {
        spoil(sums[1])
        val activity = look(picture("gray.png"))
        assertEquals(by("small"), activity.text(R.id.by))
        activity.choose("other")
        wait("a sentence") { activity.settled }
        assertEquals(context.getString(R.string.problem_check_failed), activity.text(R.id.status))
        assertEquals(listOf("", ""), listOf(activity.text(R.id.verdict), activity.text(R.id.by)))
        activity.choose("small")
        wait("a verdict") { activity.settled }
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        val about = start(AboutActivity::class.java, Intent()).get()
        wait("the check") { about.text(R.id.check) != context.getString(R.string.check_running) }
        val (first, second) = about.text(R.id.check).split("\n\n\n")
        assertTrue(first, first.startsWith(context.getString(R.string.check_passed)) && sums[0] in first && "check-1.json" in first)
        assertTrue(second, second.startsWith(context.getString(R.string.check_not_passed)) && sums[1] in second)
        assertTrue("did not pass its own check" in checkFiles[1].readText())
    }

    @Test
    fun each_model_has_its_own_file_of_the_check_and_its_own_card() {
        checkFiles.forEach { it.delete() }
        val activity = look(picture("gray.png"))
        activity.choose("other")
        wait("the other's verdict") { activity.settled }
        assertEquals(listOf("check-1.json", "check-2.json"), checkFiles.map { it.name })
        for ((file, sum) in checkFiles.zip(sums)) assertEquals(sums.map { it == sum }, sums.map { it in file.readText() })
        val about = start(AboutActivity::class.java, Intent()).get()
        val (first, second) = about.text(R.id.card).split("\n\n\n")
        assertTrue(first.startsWith("small\n\n") && second.startsWith("other\n\n"))
        wait("the check, which would count for the next test") { about.text(R.id.check) != context.getString(R.string.check_running) }
    }

    @Test
    fun the_bench_measures_the_model_that_is_chosen_and_names_it() {
        Choice(context).also { it.chosen = it.models[1] }
        val asked = Intent(context, BenchActivity::class.java).putExtra("token", "two").putExtra("warmup", 0).putExtra("runs", 1)
        val activity = start(BenchActivity::class.java, asked).get()
        val file = File(checkFile.parentFile, "bench-two.json")
        wait("a file") { file.exists() && activity.findViewById<View>(R.id.start).isEnabled }
        assertTrue(activity.text(R.id.result), activity.text(R.id.result).startsWith(by("other")))
        assertTrue(sums[1] in file.readText() && sums[0] !in file.readText())
    }

    @Test
    fun the_history_says_of_each_verdict_which_model_gave_it() {
        val store = HistoryStore(context).apply { keeps = true }
        val activity = look(picture("gray.png"))
        wait("one") { step().let { store.read().entries.size == 1 } }
        activity.choose("other")
        wait("two") { step().let { store.read().entries.size == 2 } }
        assertEquals(listOf("other" to sums[1], "small" to sums[0]), store.read().entries.map { it.bundle to it.model })
        store.clear()
    }

    @Test
    fun a_list_that_names_another_model_than_the_card_is_refused() {
        Choice.found = { several(it, listOf("small", "mine")) }
        val activity = look(picture("gray.png"))
        activity.choose("mine")
        wait("a sentence") { activity.settled }
        assertEquals(context.getString(R.string.problem_unreadable_card, "bundle.json: name"), activity.text(R.id.status))
        val about = start(AboutActivity::class.java, Intent()).get()
        wait("the check") { about.text(R.id.check) != context.getString(R.string.check_running) }
        val (first, second) = about.text(R.id.check).split("\n\n\n")
        assertTrue(second, first.startsWith(context.getString(R.string.check_passed)) && second.startsWith("mine\n\n"))
    }

    @Test
    fun an_app_with_one_model_has_no_chooser() {
        Choice.found = ::models
        val activity = look(picture("gray.png"))
        assertFalse(Choice(context).isThere)
        assertEquals(listOf(View.GONE, View.GONE), listOf(R.id.models, R.id.by).map { activity.findViewById<View>(it).visibility })
        assertEquals(emptyList<View>(), activity.buttons())
        assertEquals(listOf("", "check.json"), models(context).single().let { listOf(it.name, it.checkFile) })
    }
}
