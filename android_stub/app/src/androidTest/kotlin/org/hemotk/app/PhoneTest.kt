package org.hemotk.app

import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import org.hemotk.core.Model
import org.hemotk.runtime.LiteRtRuntime
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith

/** On a phone: its decoder, arithmetic and runtime against the recorded ones. `./gradlew connectedDebugAndroidTest`. */
@RunWith(AndroidJUnit4::class)
class PhoneTest {
    @Test
    fun this_phone_gives_the_recorded_results() {
        val context = InstrumentationRegistry.getInstrumentation().targetContext
        for (place in models(context)) {
            val bundle = place.open()
            Model(bundle, LiteRtRuntime(place.bundle), threads()).use { model ->
                val check = place.golden(bundle).check(model) { file, name -> decode(file, bundle.card.preprocess, name) }
                assertTrue(place.name + context.resources.checkLines(check), check.passed)
            }
        }
    }

    @Test
    fun the_app_holds_no_permission() {
        val context = InstrumentationRegistry.getInstrumentation().targetContext
        val flags = android.content.pm.PackageManager.GET_PERMISSIONS
        val asked = context.packageManager.getPackageInfo(context.packageName, flags).requestedPermissions.orEmpty()
        assertTrue(asked.toList().toString(), asked.all { it.endsWith(".DYNAMIC_RECEIVER_NOT_EXPORTED_PERMISSION") })
    }
}
