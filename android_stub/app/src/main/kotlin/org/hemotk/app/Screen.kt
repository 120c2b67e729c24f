package org.hemotk.app

import android.content.ContentResolver
import android.net.Uri
import android.os.Handler
import android.os.Looper
import org.hemotk.core.Bundle
import org.hemotk.core.Card
import org.hemotk.core.GoldenSet
import org.hemotk.core.HemotkException
import org.hemotk.core.Model
import org.hemotk.core.Problem
import org.hemotk.core.Runtime
import org.hemotk.core.SelfCheck
import org.hemotk.core.Slice
import org.hemotk.core.closingOnFailure
import java.util.concurrent.CancellationException
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.Future

/** The model that is there, and how it did on the golden set. */
class Ready(val card: Card, val sha256: String, val runtime: String, val check: SelfCheck)

/** What opens files and models, and what a check and a verdict are handed to. */
class Sources(
    val resolver: ContentResolver,
    val bundle: () -> Bundle,
    val golden: (Bundle) -> GoldenSet,
    val runtime: () -> Runtime,
    val checked: (Model, Runtime, SelfCheck) -> Unit,
    val keep: (Shown, Ready) -> Unit,
)

/** A series of more pictures is no head. */
internal const val MOST_PICTURES = 400

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

    @Volatile
    private var asked = 0 // the main thread's to change
    private var pending: Future<*>? = null

    /** The pictures that were asked for last. */
    var uris: List<Uri> = emptyList()
        private set
    var shown: Shown = Shown.Nothing
        private set
    var ready: Ready? = null
        private set

    /** Why the verdict that is shown could not be kept, or null. */
    var notKept: Throwable? = null
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

    /**
     * Look at a picture, or at the pictures of a series; whatever was shown or asked for before is dropped at once.
     *
     * What is looked at [again], because the process died, was kept the first time.
     */
    fun look(uris: List<Uri>, again: Boolean = false) {
        if (uris.isEmpty()) return
        this.uris = uris
        val done: (Shown) -> Unit = if (again) { _ -> } else ::keep
        work(Shown.Working(0, uris.size), done) { mine -> if (uris.size == 1) one(uris[0]) else several(uris, mine) }
    }

    /** Hand on what is shown now. */
    private fun keep(found: Shown) {
        val mine = asked
        val ready = ready ?: return
        worker.execute {
            try {
                sources.keep(found, ready)
            } catch (error: Exception) { // a full disk, or a damaged history
                main.post { if (mine == asked && !closed) change { notKept = error } }
            }
        }
    }

    /** Give up what is under way; nothing is shown then. */
    fun cancel() {
        if (shown !is Shown.Working) return
        asked++
        pending?.cancel(true)
        uris = emptyList()
        change { shown = Shown.Nothing }
    }

    /** Show the picture at that place of the series. */
    fun open(place: Int) {
        val series = shown as? Shown.Series ?: return
        val looked = series.items[place].looked ?: return
        work(series, {}) { series.opened(place, seen(looked, series.card)) }
    }

    /** Close the model after what is running; nothing is shown any more. */
    fun close() {
        closed = true
        watch = {}
        pending?.cancel(true)
        worker.execute { model?.close() }
        worker.shutdown()
    }

    /** Show [meanwhile] now, and what [step] finds after it, unless something else was asked by then; then it is [done]. */
    private fun work(meanwhile: Shown, done: (Shown) -> Unit, step: (mine: Int) -> Shown) {
        val mine = ++asked
        pending?.cancel(true)
        change {
            shown = meanwhile
            notKept = null
        }
        pending = worker.submit {
            val found = try {
                step(mine)
            } catch (error: Throwable) {
                Shown.Failed(error)
            }
            tell(mine, found, done)
        }
    }

    private fun tell(mine: Int, found: Shown, done: (Shown) -> Unit = {}) {
        main.post {
            if (mine == asked && !closed) {
                change { shown = found }
                done(found)
            }
        }
    }

    private fun one(uri: Uri): Shown {
        val model = model()
        val read = readPicture(source.read(uri).bytes, model.bundle.card.preprocess, uri.toString())
        return seen(looked(model, read, LARGEST_SHOWN), model.bundle.card)
    }

    private fun several(uris: List<Uri>, mine: Int): Shown {
        if (uris.size > MOST_PICTURES) throw HemotkException(Problem.SERIES_TOO_LONG, "$MOST_PICTURES")
        val model = model()
        val items = uris.mapIndexed { place, uri ->
            if (mine != asked) throw CancellationException() // an interruption may have been lost on the way
            tell(mine, Shown.Working(place, uris.size))
            item(model, uri)
        }
        return series(items, model.bundle.card)
    }

    /** A picture that cannot be read is no reason to leave the others. */
    private fun item(model: Model, uri: Uri): Item {
        var name = uri.lastPathSegment.orEmpty()
        return try {
            val file = source.read(uri)
            name = file.name
            val read = readPicture(file.bytes, model.bundle.card.preprocess, name)
            Item(Slice(name, uri.toString(), read.header), looked(model, read, LARGEST_IN_SERIES), null)
        } catch (error: CancellationException) {
            throw error
        } catch (error: Throwable) { // also too little memory
            Item(Slice(name, uri.toString(), null), null, error)
        }
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
            sources.checked(loaded, runtime, check)
            if (!check.passed) throw HemotkException(Problem.CHECK_FAILED, loaded.variant.file)
            loaded
        }
    }
}
