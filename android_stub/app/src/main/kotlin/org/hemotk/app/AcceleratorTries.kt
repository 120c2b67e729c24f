package org.hemotk.app

import android.content.Context
import android.os.Build
import org.hemotk.core.Admission
import org.hemotk.core.Admitted
import org.hemotk.core.Bundle
import org.hemotk.core.Runtime
import org.hemotk.core.Tries

/**
 * The model at [place], on what it was admitted to.
 *
 * Accelerators are tried one at a time in this process: a try that is open is then one that ended an earlier process.
 */
internal fun admitted(place: ModelPlace, bundle: Bundle, cpu: Runtime, accelerators: List<Runtime>, tries: Tries): Admitted {
    val admission = Admission(bundle, place.golden(bundle), threads()) { file, name -> decode(file, bundle.card.preprocess, name) }
    if (!tries.wanted) return admission.admit(cpu, accelerators, tries)
    return synchronized(ONE) { admission.admit(cpu, accelerators, tries) }
}

private val ONE = Any()

/** Whether accelerators are tried on this device, which is off by default; and the tries that ended the app. */
class AcceleratorTries(private val context: Context) : Tries {
    private val settings = context.getSharedPreferences("accelerator", Context.MODE_PRIVATE)

    /** Asking anew forgets what happened before. */
    override var wanted: Boolean
        get() = settings.getBoolean(WANTED, false)
        set(value) = settings.edit().clear().putBoolean(WANTED, value).apply()

    override fun isOpen(name: String) = settings.contains(here(name))

    /** Written before anything is tried: the app may end at any moment after it. */
    override fun begin(name: String) {
        settings.edit().putBoolean(here(name), true).commit()
    }

    override fun end(name: String) {
        settings.edit().remove(here(name)).apply()
    }

    /** Another version of the app or of the system is another try. */
    private fun here(name: String): String {
        val updated = context.packageManager.getPackageInfo(context.packageName, 0).lastUpdateTime
        return "open $name $updated ${Build.FINGERPRINT}"
    }

    private companion object {
        const val WANTED = "wanted"
    }
}
