package org.hemotk.app

import android.content.ContentResolver
import android.graphics.Bitmap
import android.net.Uri
import android.os.Handler
import android.os.Looper
import org.hemotk.core.Bundle
import org.hemotk.core.Card
import org.hemotk.core.Finding
import org.hemotk.core.GoldenSet
import org.hemotk.core.Gray
import org.hemotk.core.HemotkException
import org.hemotk.core.Model
import org.hemotk.core.Problem
import org.hemotk.core.Runtime
import org.hemotk.core.SelfCheck
import org.hemotk.core.closingOnFailure
import org.hemotk.core.heatmap
import org.hemotk.core.toPixels
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.Future
import kotlin.math.max
import kotlin.math.min

/** What the screen shows of a picture. */
sealed class Shown {
    object Nothing : Shown()

    object Working : Shown()

    class Failed(val error: Throwable) : Shown()

    /** A verdict, with the picture as the network sees it and with its heat map, if there is one. */
    class Seen(val finding: Finding, val card: Card, val plain: Bitmap, val map: Bitmap?) : Shown()
}

/** The model that is there, and how it did on the golden set. */
class Ready(val card: Card, val sha256: String, val runtime: String, val check: SelfCheck)

/** What opens files and models. */
class Sources(val resolver: ContentResolver, val bundle: () -> Bundle, val golden: (Bundle) -> GoldenSet, val runtime: () -> Runtime)

/**
 * What the main screen works on; it outlives a rotation, so that nothing is loaded, checked or asked twice.
 *
 * All of it is for the main thread; the work is done by a thread of its own, one thing at a time. What is asked last
 * wins: earlier work is cancelled, and its result is never shown.
 */
class Screen(private val sources: Sources, private val source: Source = Source(sources.resolver)) {
    private val worker: ExecutorService = Executors.newSingleThreadExecutor()
    private val main = Handler(Looper.getMainLooper())
    private var model: Model? = null // the worker's alone
    private var closed = false // the main thread's alone
    private var asked = 0
    private var pending: Future<*>? = null

    /** The picture that was asked for last. */
    var uri: Uri? = null
        private set
    var shown: Shown = Shown.Nothing
        private set
    var ready: Ready? = null
        private set

    /** Called on the main thread after every change. */
    var watch: () -> Unit = {}

    init {
        worker.execute {
            try {
                model()
            } catch (error: Throwable) { // also an error of linking, and too little memory
                main.post { if (asked == 0 && !closed) change { shown = Shown.Failed(error) } }
            }
        }
    }

    /** Look at the picture at [uri]; whatever was shown or asked for before is dropped at once. */
    fun look(uri: Uri) {
        this.uri = uri
        val mine = ++asked
        pending?.cancel(true)
        change { shown = Shown.Working }
        pending = worker.submit {
            val found = try {
                seen(model(), source.read(uri), uri.toString())
            } catch (error: Throwable) {
                Shown.Failed(error)
            }
            main.post { if (mine == asked && !closed) change { shown = found } }
        }
    }

    /** Close the model after what is running; nothing is shown any more. */
    fun close() {
        closed = true
        watch = {}
        pending?.cancel(true)
        worker.execute { model?.close() }
        worker.shutdown()
    }

    private fun change(step: () -> Unit) {
        step()
        watch()
    }

    /** The model that passed the golden set; one that could not be had is tried again at the next picture. */
    private fun model(): Model = model ?: load().also { model = it }

    private fun load(): Model {
        val bundle = sources.bundle()
        val runtime = sources.runtime()
        val loaded = Model(bundle, runtime, threads())
        return closingOnFailure(loaded) {
            val check = sources.golden(bundle).check(loaded) { file, name -> decode(file, bundle.card.preprocess, name) }
            val ready = Ready(bundle.card, loaded.variant.sha256, "${runtime.name} ${runtime.version}", check)
            main.post { if (!closed) change { this.ready = ready } }
            if (!check.passed) throw HemotkException(Problem.CHECK_FAILED, loaded.variant.file)
            loaded
        }
    }
}

private fun seen(model: Model, file: ByteArray, where: String): Shown.Seen {
    val card = model.bundle.card
    val picture = decode(file, card.preprocess, where)
    val finding = model.look(picture)
    val square = square(picture.gray)
    val plain = bitmap(IntArray(square.bytes.size) { gray(square.bytes[it]) }, square)
    val map = finding.cam?.let { bitmap(heatmap(square, it, card.preprocess.size), square) }
    return Shown.Seen(finding, card, plain, map)
}

// Larger than any phone's screen is wide, in the pictures that CT makes.
private const val LARGEST_SHOWN = 1024

/** The padded square that the network's view is made from, no larger than needed. */
private fun square(gray: Gray): Gray {
    val side = min(max(gray.width, gray.height), LARGEST_SHOWN)
    return Gray(side, side, toPixels(gray, side))
}

private fun bitmap(argb: IntArray, square: Gray) =
    Bitmap.createBitmap(argb, square.width, square.height, Bitmap.Config.ARGB_8888)

private fun gray(byte: Byte): Int = (byte.toInt() and 255) * 0x010101 or (255 shl 24)
