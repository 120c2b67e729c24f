package org.hemotk.core

/**
 * What a device says of itself; [soc] is empty, and any other fact null, where it does not say.
 *
 * [foreground] is whether the app was in front whenever it looked, [powerSave] whether power saving was on at the beginning
 * or at the end, [charging] whether it charged at the end.
 */
class Device(
    val maker: String,
    val model: String,
    val soc: String,
    val system: String,
    val abi: String,
    val cores: Int,
    val thermalBefore: Int?,
    val thermalAfter: Int?,
    val foreground: Boolean? = null,
    val powerSave: Boolean? = null,
    val charging: Boolean? = null,
)

/**
 * The file that `hemotk bench --import` reads; [created] is ISO 8601 with its offset, [app] what wrote it.
 *
 * [tried] are the accelerators that a self-check thought of; a bench says nothing of them.
 */
fun deviceBench(
    created: String,
    app: String,
    device: Device,
    runtime: Runtime,
    threads: Int,
    models: List<BenchedModel>,
    tried: List<Tried> = emptyList(),
): String = Json.write(
    mapOf(
        "schema" to "hemotk.device-bench/1",
        "created" to created,
        "app" to app,
        "device" to fields(device),
        "runtime" to runtime.name,
        "runtime_version" to runtime.version,
        "delegate" to runtime.delegate,
        "threads" to threads,
        "models" to models.map(::fields),
    ) + if (tried.isEmpty()) emptyMap() else mapOf("accelerators" to tried.map(::fields)),
) + "\n"

/**
 * What the golden set's pixels, [drawn], become in [model], untimed: so `hemotk bench --import` holds this device against
 * the record. A device that did not pass its own [check] is a failed one.
 */
fun checkedModel(model: Model, drawn: List<ByteArray>, check: SelfCheck): BenchedModel {
    val found = BenchedModel(model.variant.file, model.variant.sha256)
    if (check.passed) {
        drawn.forEachIndexed { row, pixels -> found.images.add(model.stored(row.toString(), pixels)) }
    } else {
        val files = check.pictures.filterNot(check::passes).joinToString { it.file }
        found.failure = "the device did not pass its own check ($files)"
    }
    return found
}

private fun fields(device: Device): Map<String, Any?> = mapOf(
    "maker" to device.maker,
    "model" to device.model,
    "soc" to device.soc,
    "system" to device.system,
    "abi" to device.abi,
    "cores" to device.cores,
    "thermal_before" to device.thermalBefore,
    "thermal_after" to device.thermalAfter,
    "foreground" to device.foreground,
    "power_save" to device.powerSave,
    "charging" to device.charging,
)

private fun fields(model: BenchedModel): Map<String, Any?> = mapOf(
    "file" to model.file,
    "sha256" to model.sha256,
    "failure" to model.failure,
    "load_ns" to model.loadNs,
    "first_ns" to model.firstNs,
    "warmup_ns" to model.warmupNs,
    "rounds_ns" to model.roundsNs,
    "peak_memory_bytes" to model.peakBytes,
    "images" to model.images.map(::fields),
)

private fun fields(image: BenchedImage): Map<String, Any?> = mapOf(
    "id" to image.id,
    "input_sha256" to image.inputSha256,
    "logit" to image.logit,
    "probability" to image.probability,
)
