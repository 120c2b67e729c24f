package org.hemotk.core

/** What became of an accelerator on this device; [text] is how the check's file says it. */
enum class Outcome(val text: String) {
    NOT_ASKED("not asked"),
    PASSED("passed"),
    NOT_PASSED("not passed"),
    FAILED("failed"),
    ENDED_THE_APP("ended the app"),
}

/** An accelerator by its [delegate]'s name: with its [check] if it gave results, and the [error] if it failed. */
class Tried(val delegate: String, val outcome: Outcome, val check: SelfCheck? = null, val error: Throwable? = null)

/**
 * Whether accelerators are to be tried at all, and which try began and never ended.
 *
 * A driver may end the whole app, and nothing catches that: a try is written down before it begins.
 */
interface Tries {
    val wanted: Boolean

    /** Whether a try of that name began, and the app was gone before it ended. */
    fun isOpen(name: String): Boolean

    fun begin(name: String)

    fun end(name: String)
}

/** A model that was loaded, what runs it, how it did on the golden set, and the accelerators that were thought of. */
class Admitted(val model: Model, val runtime: Runtime, val check: SelfCheck, val tried: List<Tried>)

/**
 * The model of a bundle on the first of the [accelerators] that does on this device what the golden set says, else on the [cpu].
 *
 * An accelerator may fail in any way: then the processor runs the model. What the processor throws is thrown, and its check
 * may not have passed.
 */
class Admission(private val bundle: Bundle, private val golden: GoldenSet, private val threads: Int, private val decode: (ByteArray, String) -> Picture) {
    fun admit(cpu: Runtime, accelerators: List<Runtime>, tries: Tries): Admitted {
        val tried = ArrayList<Tried>()
        for (accelerator in accelerators) {
            val (found, model) = tryOut(accelerator, tries)
            tried.add(found)
            if (model != null) return Admitted(model, accelerator, checkNotNull(found.check), tried)
        }
        val (model, check) = checked(cpu)
        return Admitted(model, cpu, check, tried)
    }

    private fun tryOut(accelerator: Runtime, tries: Tries): Pair<Tried, Model?> {
        val delegate = accelerator.delegate
        val name = "$delegate ${bundle.int8().sha256}"
        if (!tries.wanted) return Tried(delegate, Outcome.NOT_ASKED) to null
        if (tries.isOpen(name)) return Tried(delegate, Outcome.ENDED_THE_APP) to null
        tries.begin(name)
        return try {
            val (model, check) = checked(accelerator)
            if (check.passed) return Tried(delegate, Outcome.PASSED, check) to model
            model.close()
            Tried(delegate, Outcome.NOT_PASSED, check) to null
        } catch (error: Throwable) { // also an error of linking, and too little memory
            Tried(delegate, Outcome.FAILED, error = error) to null
        } finally {
            tries.end(name)
        }
    }

    private fun checked(runtime: Runtime): Pair<Model, SelfCheck> {
        val model = Model(bundle, runtime, threads)
        return closingOnFailure(model) { model to golden.check(model, decode) }
    }
}

/** What the check's file says of it: its name, its outcome, and why. */
internal fun fields(tried: Tried): Map<String, Any?> = mapOf(
    "delegate" to tried.delegate,
    "outcome" to tried.outcome.text,
    "reason" to (tried.error?.let(::reason) ?: tried.check?.let(::differences).orEmpty()),
)

/** The first line of what an error says; a name of its kind where it says nothing. */
fun reason(error: Throwable): String = (error.message ?: error.javaClass.simpleName).lineSequence().first().take(LONGEST_REASON)

private fun differences(check: SelfCheck): String {
    val (logit, map) = listOf(check.pictures.map { it.logit }, check.pictures.map { it.map }).map { it.max() }
    return "logit differs by up to $logit (at most ${check.tolerance}), map by up to $map (at most ${check.mapTolerance})"
}

private const val LONGEST_REASON = 200
