package org.hemotk.app

import android.content.ContentResolver
import android.net.Uri
import android.os.Handler
import android.os.Looper
import org.hemotk.core.Admitted
import org.hemotk.core.Card
import org.hemotk.core.HemotkException
import org.hemotk.core.Model
import org.hemotk.core.Problem
import org.hemotk.core.Runtime
import org.hemotk.core.SelfCheck
import org.hemotk.core.Slice
import org.hemotk.core.Tries
import org.hemotk.core.closingOnFailure
import org.hemotk.runtime.ModelFolder
import java.util.concurrent.CancellationException
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.Future

/** The model that is there, and how it did on the golden set. */
class Ready(val card: Card, val sha256: String, val delegate: String, val check: SelfCheck)

/** What opens files and models, and what a check and a verdict are handed to. */
class Sources(
    val resolver: ContentResolver,
    val choice: Choice,
    val runtime: (ModelFolder) -> Runtime,
    val accelerators: (ModelFolder) -> List<Runtime>,
    val tries: Tries,
    val checked: (ModelPlace, Admitted) -> Unit,
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
class Screen(
    private val sources: Sources,
    private val source: Source = Source(sources.resolver),
    private val folders: Folders = Folders(sources.resolver),
    private val most: Int = MOST_PICTURES,
) {
    private val worker: ExecutorService = Executors.newSingleThreadExecutor()
    private val main = Handler(Looper.getMainLooper())
    private var model: Model? = null // the worker's alone, and so is where it is from
    private var from: ModelPlace? = null
    private var accelerated = false
    private var closed = false // the main thread's alone

    @Volatile
    private var asked = 0 // the main thread's to change
    private var pending: Future<*>? = null

    val choice get() = sources.choice

    /** The model that is asked. */
    var place = sources.choice.chosen // the main thread's alone
        private set

    /** The pictures that were asked for last. */
    var uris: List<Uri> = emptyList()
        private set

    /** The folder that was asked for last, if no pictures were asked for since. */
    var tree: Uri? = null
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
        prepare()
    }

    /** Load the model before a picture comes. */
    private fun prepare() {
        val (mine, place) = asked to place
        worker.execute {
            try {
                model(place)
            } catch (error: Throwable) { // also an error of linking, and too little memory
                main.post { if (mine == asked && !closed) change { shown = Shown.Failed(error) } }
            }
        }
    }

    /** Ask another model from now on: what the other one said goes at once, and the same pictures are looked at by this one. */
    fun choose(other: ModelPlace) {
        if (other == place) return
        place = other
        sources.choice.chosen = other
        asked++
        pending?.cancel(true)
        change {
            ready = null
            notKept = null
            shown = Shown.Nothing
        }
        tree?.let { lookInto(it) } ?: if (uris.isEmpty()) prepare() else look(uris)
    }

    /**
     * Look at a picture, or at the pictures of a series; whatever was shown or asked for before is dropped at once.
     *
     * What is looked at [again], because the process died, was kept the first time.
     */
    fun look(uris: List<Uri>, again: Boolean = false) {
        if (uris.isEmpty()) return
        this.uris = uris
        tree = null
        val place = place
        work(Shown.Working(0, uris.size), handOn(again)) { mine ->
            if (uris.size == 1) one(place, uris[0]) else several(place, Listing(uris.map { Listed(it) }, 0), mine)
        }
    }

    /** Look at what lies in the folder as at a series; the rest as in [look]. */
    fun lookInto(tree: Uri, again: Boolean = false) {
        uris = emptyList()
        this.tree = tree
        val place = place
        work(Shown.Working(0, 0), handOn(again)) { mine -> several(place, folders.list(tree), mine) }
    }

    private fun handOn(again: Boolean): (Shown) -> Unit = if (again) { _ -> } else ::keep

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
        tree = null
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

    private fun one(place: ModelPlace, uri: Uri): Shown {
        val model = model(place)
        val read = readPicture(checkNotNull(source.read(uri)).bytes, model.bundle.card.preprocess, uri.toString())
        return seen(looked(model, read, LARGEST_SHOWN), model.bundle.card)
    }

    private fun several(place: ModelPlace, listing: Listing, mine: Int): Shown {
        val files = listing.files
        if (files.count { it.certain } > most) throw tooLong()
        val model = model(place)
        val items = ArrayList<Item>()
        for ((done, file) in files.withIndex()) {
            if (mine != asked) throw CancellationException() // an interruption may have been lost on the way
            tell(mine, Shown.Working(done, files.size))
            item(model, file)?.let(items::add)
            if (items.size > most) throw tooLong()
        }
        if (items.isEmpty()) throw HemotkException(Problem.FOLDER_EMPTY, "")
        return series(items, model.bundle.card, listing.leftOut + files.size - items.size)
    }

    private fun tooLong() = HemotkException(Problem.SERIES_TOO_LONG, "$most")

    /** A picture that cannot be read is no reason to leave the others; null for what is none. */
    private fun item(model: Model, listed: Listed): Item? {
        val uri = listed.uri
        var name = uri.lastPathSegment.orEmpty()
        return try {
            val file = source.read(uri, listed::wanted) ?: return null
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
    private fun model(place: ModelPlace): Model {
        if (from != place || accelerated != sources.tries.wanted) {
            model?.close()
            model = null
            from = place
            accelerated = sources.tries.wanted
        }
        return model ?: load(place).also { model = it }
    }

    private fun load(place: ModelPlace): Model {
        val bundle = place.open()
        val found = admitted(place, bundle, sources.runtime(place.bundle), sources.accelerators(place.bundle), sources.tries)
        val loaded = found.model
        return closingOnFailure(loaded) {
            val ready = Ready(bundle.card, loaded.variant.sha256, found.runtime.delegate, found.check)
            main.post { if (place == this.place && !closed) change { this.ready = ready } }
            sources.checked(place, found)
            if (!found.check.passed) throw HemotkException(Problem.CHECK_FAILED, loaded.variant.file)
            loaded
        }
    }
}
