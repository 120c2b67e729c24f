package org.hemotk.core

import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.FileNotFoundException
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/** Files by their names. */
internal class MemoryFolder(private val files: Map<String, ByteArray>) : Folder {
    override fun open(name: String) = ByteArrayInputStream(files[name] ?: throw FileNotFoundException(name))
}

internal const val SIZE = 16

/** A bundle of one uint8 model, whose bytes no interpreter would take; [change] edits the card before it is written. */
internal fun bundleFiles(change: (String) -> String = { it }): Map<String, ByteArray> {
    val model = "a model".toByteArray()
    val golden = npz(npy(listOf(ByteArray(SIZE * SIZE) { it.toByte() })))
    val testset = testset(npy(listOf(ByteArray(SIZE * SIZE), ByteArray(SIZE * SIZE) { 9 })))
    val card = """
        {"schema": "hemotk.bundle/1", "name": "tiny", "labels": ["normal", "hemorrhage"],
         "preprocess": ${preprocess()}, "threshold": 0.5, "temperature": 2.0,
         "variants": [{"kind": "int8", "file": "model.tflite", "sha256": "${sha256(model)}",
           "input": ${tensor("pixels", "[1, $SIZE, $SIZE, 1]", 0.02, 115)},
           "outputs": [${tensor("logit", "[1, 1]", 0.5, 100)}, ${tensor("probability", "[1, 1]", 0.00390625, 0)}]}],
         "files": {"golden.npz": "${sha256(golden)}"}, "testset": "${sha256(testset.getValue("testset.json"))}"}
    """
    return testset + mapOf("bundle.json" to change(card).toByteArray(), "model.tflite" to model, "golden.npz" to golden)
}

private fun testset(images: ByteArray) = mapOf(
    "images.npy" to images,
    "testset.json" to """
        {"schema": "hemotk.testset/1", "preprocess": ${preprocess()}, "images": "${sha256(images)}",
         "items": [{"id": "a.png", "label": 0, "group": "a"}, {"id": "b.png", "label": 1, "group": "b"}]}
    """.toByteArray(),
)

private fun preprocess() = """{"size": $SIZE, "scale": 0.02, "zero_point": 115, "window_level": 40.0, "window_width": 80,
    "hu_offset": null, "gray": "itu-r-601-2",
    "pad": "square-black-right-bottom", "resize": "pillow-bilinear-antialias"}"""

private fun tensor(name: String, shape: String, scale: Double, zeroPoint: Int) =
    """{"name": "$name", "dtype": "uint8", "shape": $shape, "scale": $scale, "zero_point": $zeroPoint}"""

internal fun npy(images: List<ByteArray>): ByteArray {
    val header = "{'descr': '|u1', 'fortran_order': False, 'shape': (${images.size}, $SIZE, $SIZE), }".padEnd(117) + "\n"
    val start = byteArrayOf(0x93.toByte()) + "NUMPY".toByteArray() + byteArrayOf(1, 0, header.length.toByte(), 0)
    return images.fold(start + header.toByteArray()) { all, image -> all + image }
}

private fun npz(pixels: ByteArray): ByteArray {
    val out = ByteArrayOutputStream()
    ZipOutputStream(out).use { zip ->
        for ((name, content) in listOf("other.npy" to ByteArray(3), "pixels.npy" to pixels)) {
            zip.putNextEntry(ZipEntry(name))
            zip.write(content)
        }
    }
    return out.toByteArray()
}
