package org.hemotk.app

import android.content.Intent
import android.graphics.BitmapFactory
import org.hemotk.core.Json
import org.hemotk.core.Model
import org.hemotk.core.Network
import org.hemotk.core.Runtime
import org.hemotk.core.Variant
import org.hemotk.core.decodePng
import org.hemotk.core.hexadecimal
import org.hemotk.core.sha256
import org.hemotk.runtime.LiteRtRuntime
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import java.io.File

class SelfCheckTest : BundleCase() {
    private val folder = only.bundle
    private val bundle = only.open()

    @Test
    fun this_device_passes_and_the_about_screen_says_so() {
        val activity = start(AboutActivity::class.java, Intent()).get()
        wait("the check") { activity.text(R.id.check) != context.getString(R.string.check_running) }
        val text = activity.text(R.id.check)
        assertTrue(text, text.startsWith(context.getString(R.string.check_passed)))
        for (part in listOf("0.png", "1.png", "2.jpg", "3.jpg", bundle.int8().sha256, "2.16.1")) assertTrue(text, part in text)
        assertTrue("hemotk" in activity.text(R.id.card))
        assertTrue(activity.text(R.id.version).startsWith("Version 1 (org.hemotk.app"))
        assertTrue("Apache" in activity.text(R.id.licences))
    }

    @Test
    fun the_first_start_writes_what_bench_import_reads_and_later_ones_leave_it() {
        checkFile.delete()
        assertTrue(look(picture("gray.png")).text(R.id.verdict).isNotEmpty())
        val written = checkFile.readText()
        val model = (((Json.parse(written) as Map<*, *>)["models"]) as List<*>).single() as Map<*, *>
        assertEquals(listOf(bundle.int8().sha256, "", 4), listOf(model["sha256"], model["failure"], (model["images"] as List<*>).size))
        checkFile.copyTo(File(work, "device-check.json"), overwrite = true)
        checkFile.writeText("kept")
        look(picture("gray.png"))
        assertEquals("kept", checkFile.readText())
        shadowOf(context.packageManager).getInternalMutablePackageInfo(context.packageName).lastUpdateTime = Long.MAX_VALUE
        look(picture("gray.png"))
        assertTrue(checkFile.readText().startsWith("{"))
    }

    @Test
    fun a_disk_that_is_full_costs_no_verdict_and_is_said_on_the_about_screen() {
        checkFile.delete()
        File(checkFile.path + ".tmp").mkdirs() // nothing can be written there
        assertTrue(look(picture("gray.png")).text(R.id.verdict).isNotEmpty())
        val about = start(AboutActivity::class.java, Intent()).get()
        wait("the check") { about.text(R.id.check) != context.getString(R.string.check_running) }
        assertTrue(about.text(R.id.check), context.getString(R.string.bench_not_written, "").trim() in about.text(R.id.check))
        assertFalse(checkFile.exists())
    }

    /** The runtime that ships, whose outputs are changed by [steps] levels. */
    private fun changed(steps: Int, only: String? = null) {
        MainActivity.runtime = { folder ->
            val inner = LiteRtRuntime(folder)
            object : Runtime by inner {
                override fun open(variant: Variant, threads: Int): Network {
                    val network = inner.open(variant, threads)
                    return object : Network by network {
                        override fun read(name: String) = network.read(name).also { bytes ->
                            if (only == null || only == name) bytes.indices.forEach { bytes[it] = (bytes[it] + steps).toByte() }
                        }
                    }
                }
            }
        }
    }

    @Test
    fun a_phone_with_other_results_gives_no_verdict() {
        for ((steps, only) in listOf(5 to "logit", -5 to "logit", 5 to "cam")) {
            changed(steps, only)
            val activity = look(picture("gray.png"))
            assertEquals(context.getString(R.string.problem_check_failed), activity.text(R.id.status))
            assertEquals("", activity.text(R.id.verdict))
            val about = start(AboutActivity::class.java, Intent()).get()
            wait("the check") { about.text(R.id.check) != context.getString(R.string.check_running) }
            assertTrue(about.text(R.id.check).startsWith(context.getString(R.string.check_not_passed)))
            assertTrue(checkFile.readText(), "did not pass its own check (0.png" in checkFile.readText())
            assertTrue(about.text(R.id.check), checkFile.path in about.text(R.id.check))
        }
        changed(1, "probability")
        assertTrue(look(picture("gray.png")).text(R.id.verdict).isNotEmpty())
    }

    @Test
    fun a_decoder_with_other_pixels_does_not_pass() {
        Model(bundle, LiteRtRuntime(folder), 1).use { model ->
            val golden = only.golden(bundle)
            assertTrue(golden.check(model) { file, name -> decode(file, bundle.card.preprocess, name) }.passed)
            val brighter = golden.check(model) { file, name ->
                decode(file, bundle.card.preprocess, name).also { picture ->
                    picture.gray.bytes.indices.forEach { at -> if (picture.gray.bytes[at] in 50..100) picture.gray.bytes[at]++ }
                }
            }
            assertFalse(brighter.passed)
            assertEquals(listOf(0, 0, 2, 2), brighter.pictures.map { it.mostLevels })
            val none = golden.check(model) { file, name -> decodePng(file, bundle.card.preprocess, name) }
            assertEquals(listOf(0, 0, 256, 256), none.pictures.map { it.levels })
            assertFalse(none.passed)
        }
    }

    @Test
    fun a_model_is_mapped_from_where_it_lies_in_the_assets() {
        val mapped = folder.map(bundle.int8().file)
        assertEquals(bundle.int8().sha256, sha256(mapped))
        assertEquals("TFL3", String(ByteArray(4) { mapped[4 + it] }))
        assertNotNull(hexadecimal(ByteArray(1)))
    }

    @Test
    fun pictures_of_the_set_are_decoded_by_the_system_where_they_are_no_png() {
        val file = context.assets.open("selfcheck/2.jpg").readBytes()
        val bitmap = BitmapFactory.decodeByteArray(file, 0, file.size)
        val picture = decode(file, bundle.card.preprocess, "2.jpg")
        assertEquals(bitmap.width to bitmap.height, picture.gray.width to picture.gray.height)
    }
}
