package org.hemotk.app

import android.content.Context
import android.os.Build
import android.os.PowerManager
import org.hemotk.core.Bench
import org.hemotk.core.BenchSettings
import org.hemotk.core.BenchedModel
import org.hemotk.core.Bundle
import org.hemotk.core.Device
import org.hemotk.core.Runtime
import org.hemotk.core.TestSet
import org.hemotk.core.deviceBench
import org.hemotk.runtime.DiskFolder
import org.hemotk.runtime.ModelFolder
import java.io.File
import java.io.IOException
import java.time.OffsetDateTime
import java.time.format.DateTimeFormatter

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
        val before = thermal()
        val models = Bench(bundle, testset, runtime, settings, watch = watch).run()
        val created = OffsetDateTime.now().format(DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssxxx"))
        return Benched(models, deviceBench(created, app(), device(before), runtime, settings.threads, models))
    }

    private fun app() = "${context.packageName} ${context.packageManager.getPackageInfo(context.packageName, 0).versionName}"

    private fun device(before: Int?) = Device(
        maker = Build.MANUFACTURER,
        model = Build.MODEL,
        soc = if (Build.VERSION.SDK_INT >= 31) "${Build.SOC_MANUFACTURER} ${Build.SOC_MODEL}" else "",
        system = "Android ${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT})",
        abi = Build.SUPPORTED_ABIS.first(),
        cores = java.lang.Runtime.getRuntime().availableProcessors(),
        thermalBefore = before,
        thermalAfter = thermal(),
    )

    private fun thermal(): Int? =
        if (Build.VERSION.SDK_INT >= 29) context.getSystemService(PowerManager::class.java).currentThermalStatus else null
}

/** `bench.json`, or `bench-TOKEN.json`, in [folder]; it appears whole. A `.error` of that name holds a sentence instead. */
class BenchOutput(private val folder: File, token: String?) {
    private val name = if (token != null && TOKEN.matches(token)) "bench-$token" else "bench"

    fun write(json: String) = whole("$name.json", json)

    fun fail(sentence: String) = whole("$name.error", sentence)

    private fun whole(name: String, text: String): File {
        val aside = File(folder, "$name.tmp")
        aside.writeText(text)
        val file = File(folder, name)
        if (!aside.renameTo(file)) throw IOException(file.path)
        return file
    }

    private companion object {
        val TOKEN = Regex("[A-Za-z0-9]{1,32}")
    }
}
