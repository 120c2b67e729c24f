package org.hemotk.app

import android.app.ActivityManager
import android.app.ActivityManager.RunningAppProcessInfo
import android.content.Context
import android.os.BatteryManager
import android.os.Build
import android.os.PowerManager
import org.hemotk.core.BenchedModel
import org.hemotk.core.Device
import org.hemotk.core.Runtime
import org.hemotk.core.Tried
import org.hemotk.core.deviceBench
import java.io.File
import java.io.IOException
import java.time.OffsetDateTime
import java.time.format.DateTimeFormatter

/**
 * What this phone is, and what it does that makes times longer, from now on until a file is asked for.
 *
 * [importance] is that of the process, as `RunningAppProcessInfo` has it.
 */
class Phone(private val context: Context, private val importance: () -> Int = ::importanceNow) {
    private val power = context.getSystemService(PowerManager::class.java)
    private val before = thermal()
    private var saved = power.isPowerSaveMode
    private var inFront = isInFront()

    /** To be called now and then while the bench runs. */
    fun look() {
        inFront = inFront && isInFront()
    }

    /** The text of a device's bench file; no name in it is a picture's or a person's. */
    fun file(
        runtime: Runtime,
        threads: Int,
        models: List<BenchedModel>,
        app: String = app(),
        tried: List<Tried> = emptyList(),
    ): String {
        look()
        saved = saved || power.isPowerSaveMode
        val created = OffsetDateTime.now().format(DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssxxx"))
        return deviceBench(created, app, device(), runtime, threads, models, tried)
    }

    /** The app's id and version. */
    fun app() = "${context.packageName} ${context.packageManager.getPackageInfo(context.packageName, 0).versionName}"

    private fun device() = Device(
        maker = Build.MANUFACTURER,
        model = Build.MODEL,
        soc = if (Build.VERSION.SDK_INT >= 31) "${Build.SOC_MANUFACTURER} ${Build.SOC_MODEL}" else "",
        system = "Android ${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT})",
        abi = Build.SUPPORTED_ABIS.first(),
        cores = java.lang.Runtime.getRuntime().availableProcessors(),
        thermalBefore = before,
        thermalAfter = thermal(),
        foreground = inFront,
        powerSave = saved,
        charging = context.getSystemService(BatteryManager::class.java)?.isCharging,
    )

    private fun thermal(): Int? = if (Build.VERSION.SDK_INT >= 29) power.currentThermalStatus else null

    private fun isInFront() = importance() == RunningAppProcessInfo.IMPORTANCE_FOREGROUND
}

private fun importanceNow() = RunningAppProcessInfo().also(ActivityManager::getMyMemoryState).importance

/** The most memory that this process held since it began, in bytes; null where the system does not say. */
internal fun peakMemory(status: File = File("/proc/self/status")): Long? = try {
    val line = status.readLines().firstOrNull { it.startsWith("VmHWM:") }
    line?.let { Regex("VmHWM:\\s+([0-9]{1,12}) kB").matchEntire(it) }?.let { it.groupValues[1].toLong() * 1024 }
} catch (error: IOException) {
    null
}
