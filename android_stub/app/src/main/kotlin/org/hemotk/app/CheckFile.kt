package org.hemotk.app

import android.content.Context
import org.hemotk.core.Admitted
import org.hemotk.core.checkedModel
import java.io.File
import java.io.IOException

/** How this phone did on a model's golden set, for `hemotk bench --import`: `check.json`, or a file for each of several. */
class CheckFile(private val context: Context, place: ModelPlace) {
    private val file = File(context.getExternalFilesDir(null) ?: context.filesDir, place.checkFile)

    /** Write it and say where. Throws [IOException] where that cannot be done, as on a full disk. */
    fun write(found: Admitted): File {
        val checked = checkedModel(found.model, found.model.bundle.golden(), found.check)
        val phone = Phone(context)
        val app = "${phone.app()} (self-check)"
        return whole(file, phone.file(found.runtime, threads(), listOf(checked), app, found.tried))
    }

    /** Write it at the first start of an app or of its update. A disk that is full keeps no verdict from anybody. */
    fun writeOnce(found: Admitted) {
        val updated = context.packageManager.getPackageInfo(context.packageName, 0).lastUpdateTime
        if (file.exists() && file.lastModified() >= updated) return
        try {
            write(found)
        } catch (error: IOException) {
            // The screen "About this app" writes it too, and says why it cannot.
        }
    }
}
