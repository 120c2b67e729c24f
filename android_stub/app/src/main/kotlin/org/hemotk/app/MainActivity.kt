package org.hemotk.app

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import android.os.Build
import android.os.Bundle as State
import android.view.View
import android.widget.Button
import android.widget.CheckBox
import android.widget.ImageView
import android.widget.TextView
import org.hemotk.core.Runtime
import org.hemotk.runtime.LiteRtRuntime
import org.hemotk.runtime.ModelFolder

/** Picks or takes in a picture and shows what the model says about it. */
class MainActivity : Activity() {
    private val verdict by lazy { findViewById<TextView>(R.id.verdict) }
    private val status by lazy { findViewById<TextView>(R.id.status) }
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
        findViewById<Button>(R.id.about).setOnClickListener { startActivity(Intent(this, AboutActivity::class.java)) }
        findViewById<Button>(R.id.bench).setOnClickListener { startActivity(Intent(this, BenchActivity::class.java)) }
        share.setOnClickListener { share() }
        showMap.setOnCheckedChangeListener { _, _ -> draw() }
        @Suppress("DEPRECATION") // what replaces it is in a library
        val kept = lastNonConfigurationInstance as Screen?
        screen = kept ?: Screen(sources())
        screen.watch = ::show
        show()
        if (kept == null) {
            val uri = state?.getString(SHOWN)
            if (uri != null) screen.look(Uri.parse(uri)) else takeIn(intent)
        }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        takeIn(intent)
    }

    override fun onSaveInstanceState(state: State) {
        super.onSaveInstanceState(state)
        screen.uri?.let { state.putString(SHOWN, it.toString()) }
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
        if (request == PICK && result == RESULT_OK) data?.data?.let(screen::look)
    }

    private fun sources() = Sources(
        contentResolver,
        bundle = { org.hemotk.core.Bundle(bundleFolder(assets)) },
        golden = { org.hemotk.core.GoldenSet(goldenFolder(assets), it) },
        runtime = { runtime(bundleFolder(assets)) },
    )

    private fun pick() {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
        try {
            startActivityForResult(intent, PICK)
        } catch (error: ActivityNotFoundException) {
            status.text = getString(R.string.no_picker)
        }
    }

    /** The system puts a shared picture into the intent's clip data; some apps know the extra alone. */
    private fun takeIn(intent: Intent?) {
        if (intent?.action != Intent.ACTION_SEND) return
        val clip = intent.clipData?.takeIf { it.itemCount > 0 }?.getItemAt(0)?.uri
        (clip ?: stream(intent))?.let(screen::look)
    }

    private fun stream(intent: Intent): Uri? = try {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
            intent.getParcelableExtra(Intent.EXTRA_STREAM, Uri::class.java)
        } else {
            @Suppress("DEPRECATION")
            intent.getParcelableExtra(Intent.EXTRA_STREAM) as? Uri
        }
    } catch (error: RuntimeException) {
        null // an extra that nobody can unpack
    }

    private fun show() {
        val seen = screen.shown as? Shown.Seen
        verdict.text = seen?.finding?.verdict.orEmpty()
        doubts.text = seen?.finding?.let { resources.doubts(it.doubts) }.orEmpty()
        status.text = when (val shown = screen.shown) {
            is Shown.Nothing -> getString(R.string.nothing_yet)
            is Shown.Working -> getString(R.string.working)
            is Shown.Failed -> resources.sentence(shown.error)
            is Shown.Seen -> resources.probability(shown)
        }
        visible(doubts, doubts.text.isNotEmpty())
        visible(picture, seen != null)
        visible(share, seen != null)
        visible(showMap, seen?.map != null)
        screen.ready?.let {
            findViewById<TextView>(R.id.model).text = getString(R.string.model, it.card.name, it.card.preprocess.size)
        }
        draw()
    }

    private fun draw() {
        val seen = screen.shown as? Shown.Seen
        val map = seen?.map?.takeIf { showMap.isChecked }
        picture.setImageBitmap(map ?: seen?.plain)
        picture.contentDescription = getString(if (map == null) R.string.picture else R.string.picture_with_map)
        visible(legend, map != null)
    }

    private fun visible(view: View, wanted: Boolean) {
        view.visibility = if (wanted) View.VISIBLE else View.GONE
    }

    /** As text, without the picture and its name. */
    private fun share() {
        val seen = screen.shown as? Shown.Seen ?: return
        val text = resources.report(seen, checkNotNull(screen.ready))
        val intent = Intent(Intent.ACTION_SEND).setType("text/plain").putExtra(Intent.EXTRA_TEXT, text)
        startActivity(Intent.createChooser(intent, getString(R.string.share)))
    }

    companion object {
        private const val PICK = 1
        private const val SHOWN = "shown"

        /** What runs models; a test puts in another. */
        internal var runtime: (ModelFolder) -> Runtime = ::LiteRtRuntime
    }
}
