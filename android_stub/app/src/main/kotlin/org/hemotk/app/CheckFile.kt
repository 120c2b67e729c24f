package org.hemotk.app

import android.content.Context
import org.hemotk.core.Model
import org.hemotk.core.Runtime
import org.hemotk.core.SelfCheck
import org.hemotk.core.checkedModel
import java.io.File
import java.io.IOException

/** How this phone did on a model's golden set, for `hemotk bench --import`: `check.json`, or a file for each of several. */
class CheckFile(private val context: Context, place: ModelPlace) {
    private val file = File(context.getExternalFilesDir(null) ?: context.filesDir, place.checkFile)

    /** Write it and say where. Throws [IOException] where that cannot be done, as on a full disk. */
    fun write(model: Model, runtime: Runtime, check: SelfCheck): File {
        val found = checkedModel(model, model.bundle.golden(), check)
        val phone = Phone(context)
        return whole(file, phone.file(runtime, threads(), listOf(found), "${phone.app()} (self-check)"))
    }

    /** Write it at the first start of an app or of its update. A disk that is full keeps no verdict from anybody. */
    fun writeOnce(model: Model, runtime: Runtime, check: SelfCheck) {
        val updated = context.packageManager.getPackageInfo(context.packageName, 0).lastUpdateTime
        if (file.exists() && file.lastModified() >= updated) return
        try {
            write(model, runtime, check)
        } catch (error: IOException) {
            // The screen "About this app" writes it too, and says why it cannot.
        }
    }
}
