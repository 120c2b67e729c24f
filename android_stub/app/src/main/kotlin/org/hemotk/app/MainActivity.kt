package org.hemotk.app

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.os.Bundle as State
import android.view.Gravity
import android.view.View
import android.widget.Button
import android.widget.CheckBox
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.RadioButton
import android.widget.RadioGroup
import android.widget.ScrollView
import android.widget.TextView
import org.hemotk.core.Admitted
import org.hemotk.core.Runtime
import org.hemotk.runtime.GpuRuntime
import org.hemotk.runtime.LiteRtRuntime
import org.hemotk.runtime.ModelFolder

/** Picks or takes in pictures and shows what the model says about one, or about several as a series. */
class MainActivity : Activity() {
    private val verdict by lazy { findViewById<TextView>(R.id.verdict) }
    private val status by lazy { findViewById<TextView>(R.id.status) }
    private val by by lazy { findViewById<TextView>(R.id.by) }
    private val remark by lazy { findViewById<TextView>(R.id.remark) }
    private val opened by lazy { findViewById<TextView>(R.id.opened) }
    private val cancel by lazy { findViewById<Button>(R.id.cancel) }
    private val slices by lazy { findViewById<LinearLayout>(R.id.slices) }
    private val doubts by lazy { findViewById<TextView>(R.id.doubts) }
    private val picture by lazy { findViewById<ImageView>(R.id.picture) }
    private val showMap by lazy { findViewById<CheckBox>(R.id.show_map) }
    private val legend by lazy { findViewById<View>(R.id.legend) }
    private val share by lazy { findViewById<Button>(R.id.share) }
    internal lateinit var screen: Screen
        private set

    override fun onCreate(state: State?) {
        super.onCreate(state)
        window.keepContentPrivate(resources)
        setContentView(R.layout.main)
        findViewById<Button>(R.id.pick).setOnClickListener { pick() }
        findViewById<Button>(R.id.pick_folder).setOnClickListener { pickFolder() }
        findViewById<Button>(R.id.history).setOnClickListener { startActivity(Intent(this, HistoryActivity::class.java)) }
        findViewById<Button>(R.id.about).setOnClickListener { startActivity(Intent(this, AboutActivity::class.java)) }
        findViewById<Button>(R.id.bench).setOnClickListener { startActivity(Intent(this, BenchActivity::class.java)) }
        share.setOnClickListener { share() }
        cancel.setOnClickListener { screen.cancel() }
        showMap.setOnCheckedChangeListener { _, _ -> draw() }
        @Suppress("DEPRECATION") // what replaces it is in a library
        val kept = lastNonConfigurationInstance as Screen?
        screen = kept ?: Screen(sources())
        offer()
        screen.watch = ::show
        show()
        if (kept == null) {
            val uris = state?.getStringArrayList(SHOWN)
            val tree = state?.getString(FOLDER)
            when {
                uris != null -> screen.look(uris.map(Uri::parse), again = true)
                tree != null -> screen.lookInto(Uri.parse(tree), again = true)
                else -> takeIn(intent)
            }
        }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        takeIn(intent)
    }

    override fun onSaveInstanceState(state: State) {
        super.onSaveInstanceState(state)
        if (screen.uris.isNotEmpty()) state.putStringArrayList(SHOWN, ArrayList(screen.uris.map { it.toString() }))
        screen.tree?.let { state.putString(FOLDER, it.toString()) }
    }

    @Suppress("OVERRIDE_DEPRECATION")
    override fun onRetainNonConfigurationInstance(): Any = screen

    override fun onDestroy() {
        screen.watch = {}
        if (!isChangingConfigurations) screen.close()
        super.onDestroy()
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        super.onActivityResult(request, result, data)
        if (request == PICK && result == RESULT_OK) data?.let { screen.look(clip(it).ifEmpty { listOfNotNull(it.data) }) }
        if (request == PICK_FOLDER && result == RESULT_OK) data?.data?.let { screen.lookInto(it) }
    }

    private fun sources() = Sources(
        contentResolver,
        Choice(applicationContext),
        runtime = { runtime(it) },
        accelerators = { accelerators(it) },
        AcceleratorTries(applicationContext),
        checked = checked(applicationContext),
        keep = HistoryStore(applicationContext)::add,
    )

    /** A name each, where the app has several models. */
    private fun offer() {
        val group = findViewById<RadioGroup>(R.id.models)
        visible(group, screen.choice.isThere)
        if (!screen.choice.isThere) return
        for (place in screen.choice.models) {
            val button = RadioButton(this)
            button.id = View.generateViewId()
            button.isSaveEnabled = false // the choice itself is kept
            button.text = place.name
            button.minHeight = resources.getDimensionPixelSize(R.dimen.finger)
            group.addView(button)
            button.isChecked = place == screen.place
            button.setOnClickListener { screen.choose(place) }
        }
    }

    private fun pick() {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")
            .putExtra(Intent.EXTRA_MIME_TYPES, KINDS).putExtra(Intent.EXTRA_ALLOW_MULTIPLE, true)
        ask(intent, PICK)
    }

    /** What is chosen may be read as long as this screen is there; no permission is needed. */
    private fun pickFolder() = ask(Intent(Intent.ACTION_OPEN_DOCUMENT_TREE), PICK_FOLDER)

    private fun ask(intent: Intent, request: Int) {
        try {
            startActivityForResult(intent, request)
        } catch (error: ActivityNotFoundException) {
            status.text = getString(R.string.no_picker)
        }
    }

    /** The system puts shared pictures into the intent's clip data; some apps know the extra alone. */
    private fun takeIn(intent: Intent?) {
        val clip = intent?.let(::clip).orEmpty()
        when (intent?.action) {
            Intent.ACTION_SEND -> screen.look(clip.ifEmpty { streams(intent) }.take(1))
            Intent.ACTION_SEND_MULTIPLE -> screen.look(clip.ifEmpty { streams(intent) })
        }
    }

    private fun clip(intent: Intent): List<Uri> = intent.clipData?.let { clip ->
        (0 until clip.itemCount).mapNotNull { clip.getItemAt(it).uri }
    }.orEmpty()

    @Suppress("DEPRECATION") // what replaces it is not there before Android 13
    private fun streams(intent: Intent): List<Uri> = try {
        when (val extra = intent.extras?.get(Intent.EXTRA_STREAM)) {
            is Uri -> listOf(extra)
            is List<*> -> extra.filterIsInstance<Uri>()
            else -> emptyList()
        }
    } catch (error: RuntimeException) {
        emptyList() // an extra that nobody can unpack
    }

    private fun show() {
        val shown = screen.shown
        val seen = shown as? Shown.Seen
        val series = shown as? Shown.Series
        verdict.text = seen?.finding?.verdict ?: series?.outcome?.verdict.orEmpty()
        status.text = resources.status(shown)
        fill(by, if (screen.choice.isThere) resources.by(shown) else "")
        fill(doubts, seen?.let { resources.doubts(it.finding.doubts) }.orEmpty())
        fill(remark, listOf(resources.remark(shown), resources.notKept(screen.notKept)).filter { it.isNotEmpty() }.joinToString("\n"))
        fill(opened, series?.let { resources.opened(it) }.orEmpty())
        visible(cancel, shown is Shown.Working)
        visible(share, seen != null || series != null)
        list(series)
        screen.ready?.let {
            findViewById<TextView>(R.id.model).text = resources.model(it)
        }
        draw()
    }

    private fun list(series: Shown.Series?) {
        if (slices.tag === series?.items) return
        slices.tag = series?.items
        slices.removeAllViews()
        visible(slices, series != null)
        series?.items?.forEachIndexed { place, item ->
            // Only what can be opened is a button.
            val line = if (item.looked == null) TextView(this) else Button(this)
            line.text = resources.line(series, place)
            line.isAllCaps = false
            line.gravity = Gravity.START or Gravity.CENTER_VERTICAL
            if (item.looked != null) line.setOnClickListener { open(place) }
            slices.addView(line)
        }
    }

    private fun open(place: Int) {
        screen.open(place)
        findViewById<ScrollView>(R.id.scroll).smoothScrollTo(0, verdict.top)
    }

    private fun draw() {
        val seen = screen.shown as? Shown.Seen ?: (screen.shown as? Shown.Series)?.open
        val map = seen?.map?.takeIf { showMap.isChecked }
        picture.setImageBitmap(map ?: seen?.plain)
        picture.contentDescription = if (map == null) getString(R.string.picture) else getString(R.string.picture_with_map, seen.card.labels[1])
        visible(picture, seen != null)
        visible(showMap, seen?.map != null)
        visible(legend, map != null)
    }

    private fun fill(view: TextView, text: String) {
        view.text = text
        visible(view, text.isNotEmpty())
    }

    private fun visible(view: View, wanted: Boolean) {
        view.visibility = if (wanted) View.VISIBLE else View.GONE
    }

    /** As text, without pictures and their names. */
    private fun share() {
        val text = resources.report(screen.shown, checkNotNull(screen.ready))
        val intent = Intent(Intent.ACTION_SEND).setType("text/plain").putExtra(Intent.EXTRA_TEXT, text)
        startActivity(Intent.createChooser(intent, getString(R.string.share)))
    }

    companion object {
        private const val PICK = 1
        private const val PICK_FOLDER = 2
        private const val SHOWN = "shown"
        private const val FOLDER = "folder"

        /** Few systems know DICOM files as such. */
        private val KINDS = arrayOf("image/*", "application/dicom", "application/octet-stream")

        /** What runs models; a test puts in another. */
        internal var runtime: (ModelFolder) -> Runtime = ::LiteRtRuntime

        /** What is tried before it, where somebody asked for that. */
        internal var accelerators: (ModelFolder) -> List<Runtime> = { listOf(GpuRuntime(it)) }

        /** The screen outlives the activity: nothing of that is to be held. */
        private fun checked(context: Context): (ModelPlace, Admitted) -> Unit = { place, found -> CheckFile(context, place).writeOnce(found) }
    }
}
