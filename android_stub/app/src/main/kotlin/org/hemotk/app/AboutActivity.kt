package org.hemotk.app

import android.app.Activity
import android.os.Bundle as State
import android.os.Handler
import android.os.Looper
import android.widget.CheckBox
import android.widget.TextView
import org.hemotk.core.Admitted
import java.io.File
import java.io.IOException
import kotlin.concurrent.thread

/** What this app is, what it does with pictures, how this phone did on the golden sets, and the models' cards. */
class AboutActivity : Activity() {
    private val main = Handler(Looper.getMainLooper())
    private val choice by lazy { Choice(applicationContext) }
    private val tries by lazy { AcceleratorTries(applicationContext) }
    private val gpu by lazy { findViewById<CheckBox>(R.id.gpu) }
    private val check by lazy { findViewById<TextView>(R.id.check) }

    override fun onCreate(state: State?) {
        super.onCreate(state)
        setContentView(R.layout.about)
        val info = packageManager.getPackageInfo(packageName, 0)
        findViewById<TextView>(R.id.version).text = getString(R.string.about_version, info.versionName, packageName)
        findViewById<TextView>(R.id.card).text = choice.models.joinToString("\n\n\n", transform = ::card)
        findViewById<TextView>(R.id.licences).text = assets.text("about/LICENCES.txt").orEmpty()
        gpu.isChecked = tries.wanted
        gpu.setOnCheckedChangeListener { _, on ->
            tries.wanted = on
            checkAnew()
        }
        checkAnew()
    }

    /** Checked anew, by models of its own: what is shown is of now, and the other screen is not disturbed. */
    private fun checkAnew() {
        gpu.isEnabled = false
        check.setText(R.string.check_running)
        thread(name = "check") {
            val text = choice.models.joinToString("\n\n\n", transform = ::checked)
            main.post { if (!isDestroyed) show(text) }
        }
    }

    private fun show(text: String) {
        check.text = text
        gpu.isEnabled = true
    }

    /** Several cards stand under their models' names. */
    private fun card(place: ModelPlace): String {
        val text = place.modelCard?.trim() ?: getString(R.string.about_no_card)
        return if (choice.isThere) "${place.name}\n\n$text" else text
    }

    private fun checked(place: ModelPlace): String = try {
        val bundle = place.open()
        val found = admitted(place, bundle, MainActivity.runtime(place.bundle), MainActivity.accelerators(place.bundle), tries)
        found.model.use { lines(place, found) }
    } catch (error: Throwable) { // whatever it was, the screen says it
        listOf(place.name, resources.sentence(error)).filter { it.isNotEmpty() }.joinToString("\n\n")
    }

    private fun lines(place: ModelPlace, found: Admitted): String {
        val outcome = if (found.check.passed) R.string.check_passed else R.string.check_not_passed
        val (model, runtime) = found.model to found.runtime
        val facts = getString(R.string.check_of, model.bundle.card.name, model.variant.sha256, runtime.name, runtime.version)
        val kept = kept { CheckFile(applicationContext, place).write(found) }
        return listOf(getString(outcome), facts, resources.checkLines(found.check), resources.tried(found.tried), kept).joinToString("\n\n")
    }

    private fun kept(write: () -> File): String = try {
        getString(R.string.check_written, write().path)
    } catch (error: IOException) {
        getString(R.string.bench_not_written, error.message)
    }
}
