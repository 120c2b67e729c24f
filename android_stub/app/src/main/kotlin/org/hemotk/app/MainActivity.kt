package org.hemotk.app

import android.app.Activity
import android.content.Intent
import android.graphics.Bitmap
import android.net.Uri
import android.os.Bundle as State
import android.view.View
import android.widget.Button
import android.widget.CheckBox
import android.widget.ImageView
import android.widget.TextView
import org.hemotk.core.Bundle
import org.hemotk.core.Cam
import org.hemotk.core.Finding
import org.hemotk.core.Gray
import org.hemotk.core.Model
import org.hemotk.core.Runtime
import org.hemotk.core.heatmap
import org.hemotk.core.toPixels
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import kotlin.math.max
import kotlin.math.min

/** Picks or takes in a picture and shows what the model says about it. */
class MainActivity : Activity() {
    private val worker: ExecutorService = Executors.newSingleThreadExecutor()
    private val pictures by lazy { Pictures(contentResolver) }
    private val verdict by lazy { findViewById<TextView>(R.id.verdict) }
    private val status by lazy { findViewById<TextView>(R.id.status) }
    private val picture by lazy { findViewById<ImageView>(R.id.picture) }
    private val showMap by lazy { findViewById<CheckBox>(R.id.show_map) }

    private var model: Model? = null // touched by the worker only
    private var shown: Uri? = null

    override fun onCreate(state: State?) {
        super.onCreate(state)
        setContentView(R.layout.main)
        findViewById<Button>(R.id.pick).setOnClickListener { pick() }
        findViewById<Button>(R.id.bench).setOnClickListener { startActivity(Intent(this, BenchActivity::class.java)) }
        work { load() }
        val kept = state?.getString(SHOWN)
        if (kept != null) look(Uri.parse(kept)) else takeIn(intent)
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        takeIn(intent)
    }

    override fun onSaveInstanceState(state: State) {
        super.onSaveInstanceState(state)
        shown?.let { state.putString(SHOWN, it.toString()) }
    }

    override fun onDestroy() {
        worker.execute { model?.close() }
        worker.shutdown()
        super.onDestroy()
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        super.onActivityResult(request, result, data)
        if (request == PICK && result == RESULT_OK) data?.data?.let(::look)
    }

    private fun pick() {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
        startActivityForResult(intent, PICK)
    }

    /** The system puts a shared picture into the intent's clip data. */
    private fun takeIn(intent: Intent?) {
        if (intent?.action == Intent.ACTION_SEND && (intent.clipData?.itemCount ?: 0) > 0) {
            intent.clipData?.getItemAt(0)?.uri?.let(::look)
        }
    }

    private fun load() {
        val bundle = Bundle(bundleFolder(assets))
        model = Model(bundle, runtime(bundleFolder(assets)), threads())
        val card = bundle.card
        show { findViewById<TextView>(R.id.model).text = getString(R.string.model, card.name, card.preprocess.size) }
    }

    private fun look(uri: Uri) {
        shown = uri
        clear(getString(R.string.working))
        work {
            val model = model ?: return@work // why there is none was said already
            val gray = pictures.read(uri)
            val finding = model.look(gray)
            val seen = seen(gray)
            val card = model.bundle.card
            val plain = bitmap(IntArray(seen.bytes.size) { gray(seen.bytes[it]) }, seen)
            val map = finding.cam?.let { mapped(seen, it, card.preprocess.size) }
            show { result(finding, card.labels[1], card.decision.threshold, plain, map) }
        }
    }

    private fun result(finding: Finding, positive: String, threshold: Double, plain: Bitmap, map: Bitmap?) {
        verdict.text = finding.verdict
        status.text = getString(R.string.probability, positive, finding.probability, threshold)
        showMap.visibility = if (map == null) View.GONE else View.VISIBLE
        showMap.setOnCheckedChangeListener { _, on -> draw(if (on) map else null, plain) }
        draw(if (showMap.isChecked) map else null, plain)
        picture.visibility = View.VISIBLE
    }

    private fun draw(map: Bitmap?, plain: Bitmap) {
        picture.setImageBitmap(map ?: plain)
        picture.contentDescription = getString(if (map == null) R.string.picture else R.string.picture_with_map)
    }

    /** No earlier picture's verdict may stand beside this one. */
    private fun clear(sentence: String) {
        verdict.text = ""
        status.text = sentence
        picture.visibility = View.GONE
        showMap.visibility = View.GONE
    }

    private fun work(step: () -> Unit) = worker.execute {
        try {
            step()
        } catch (error: Exception) {
            show { clear(resources.sentence(error)) }
        }
    }

    private fun show(change: () -> Unit) = runOnUiThread { if (!isDestroyed) change() }

    companion object {
        private const val PICK = 1
        private const val SHOWN = "shown"

        /** What runs models; a test on a machine without Android puts in another. */
        internal var runtime: (ModelFolder) -> Runtime = ::LiteRtRuntime
    }
}

// Larger than any phone's screen is wide, in the pictures that CT makes.
private const val LARGEST_SHOWN = 1024

/** The padded square that the network's view is made from, no larger than needed. */
private fun seen(gray: Gray): Gray {
    val side = min(max(gray.width, gray.height), LARGEST_SHOWN)
    return Gray(side, side, toPixels(gray, side))
}

private fun mapped(seen: Gray, cam: Cam, size: Int) = bitmap(heatmap(seen, cam, size), seen)

private fun bitmap(argb: IntArray, seen: Gray) =
    Bitmap.createBitmap(argb, seen.width, seen.height, Bitmap.Config.ARGB_8888)

private fun gray(byte: Byte): Int = (byte.toInt() and 255) * 0x010101 or (255 shl 24)
