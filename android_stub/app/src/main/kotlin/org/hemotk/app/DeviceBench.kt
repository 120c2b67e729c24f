package org.hemotk.app

import android.content.Context
import org.hemotk.core.Bench
import org.hemotk.core.BenchSettings
import org.hemotk.core.BenchedModel
import org.hemotk.core.Bundle
import org.hemotk.core.Runtime
import org.hemotk.core.TestSet
import org.hemotk.runtime.DiskFolder
import org.hemotk.runtime.ModelFolder
import java.io.File
import java.io.IOException

/** Where the models and the test split are; without one the bundle's drawn pictures are scored. */
class Places(val bundle: ModelFolder, val testset: ModelFolder?)

/** A bundle was to be read from where any app could have put it. */
class WrongFolder(path: String) : Exception(path)

/** What `adb push` put under [path]; only the shell can write there. */
fun pushed(path: String): Places {
    if (!path.startsWith("/data/local/tmp/") || ".." in path.split('/')) throw WrongFolder(path)
    val testset = File(path, "testset")
    return Places(DiskFolder(File(path, "bundle")), if (testset.isDirectory) DiskFolder(testset) else null)
}

/** A finished bench: what was measured, and the file's text. */
class Benched(val models: List<BenchedModel>, val json: String)

/** Runs the bench and says on which device. */
class DeviceBench(private val context: Context, private val runtime: Runtime) {
    fun run(places: Places, settings: BenchSettings, watch: (Int, Int) -> Unit): Benched {
        val bundle = Bundle(places.bundle)
        val testset = places.testset?.let { TestSet(it, bundle.card) }
        val phone = Phone(context)
        val models = Bench(bundle, testset, runtime, settings, watch = { done, total ->
            phone.look()
            watch(done, total)
        }).run()
        // Other models of this process, and pictures, would be counted too.
        if (settings.alone != null) models.single().peakBytes = peakMemory()
        return Benched(models, phone.file(runtime, settings.threads, models))
    }
}

/** `bench.json`, or `bench-TOKEN.json`, in [folder]; it appears whole. A `.error` of that name holds a sentence instead. */
class BenchOutput(private val folder: File, token: String?) {
    private val name = if (token != null && TOKEN.matches(token)) "bench-$token" else "bench"

    fun write(json: String) = whole(File(folder, "$name.json"), json)

    fun fail(sentence: String) = whole(File(folder, "$name.error"), sentence)

    private companion object {
        val TOKEN = Regex("[A-Za-z0-9]{1,32}")
    }
}

/** Write [text] so that [file] appears whole. Throws [IOException] where it cannot be written. */
internal fun whole(file: File, text: String): File {
    val aside = File(file.path + ".tmp")
    aside.writeText(text)
    if (!aside.renameTo(file)) throw IOException(file.path)
    return file
}
