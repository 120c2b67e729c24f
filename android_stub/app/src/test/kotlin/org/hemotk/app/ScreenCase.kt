package org.hemotk.app

import android.app.Activity
import android.content.ClipData
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.widget.TextView
import org.hemotk.runtime.GpuRuntime
import org.hemotk.runtime.LiteRtRuntime
import org.junit.After
import org.junit.Assert.assertTrue
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.ByteArrayInputStream
import java.io.InputStream
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** Activities on Robolectric, as a user drives them and other apps answer them. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
abstract class ScreenCase {
    protected val context: Context = RuntimeEnvironment.getApplication()
    private val places = AtomicInteger()
    private val controllers = ArrayList<ActivityController<out Activity>>()

    @After
    fun leave() {
        MainActivity.runtime = ::LiteRtRuntime
        MainActivity.accelerators = { listOf(GpuRuntime(it)) }
        Choice.found = ::models
        BenchJob.busy.set(false)
        controllers.filter { !it.get().isDestroyed }.forEach { it.pause().stop().destroy() }
    }

    /** An address whose content is what [open] gives, each time that it is opened. */
    protected fun place(open: () -> InputStream): Uri {
        val uri = Uri.parse("content://pictures/${javaClass.simpleName}/${places.incrementAndGet()}")
        shadowOf(context.contentResolver).registerInputStreamSupplier(uri) { open() }
        return uri
    }

    protected fun place(content: ByteArray) = place { ByteArrayInputStream(content) }

    protected fun share(uri: Uri): Intent = Intent(context, MainActivity::class.java).setAction(Intent.ACTION_SEND).also {
        it.clipData = ClipData.newRawUri("picture", uri)
    }

    protected fun share(uris: List<Uri>): Intent =
        Intent(context, MainActivity::class.java).setAction(Intent.ACTION_SEND_MULTIPLE).also { intent ->
            intent.clipData = ClipData.newRawUri("pictures", uris[0]).also { clip -> uris.drop(1).forEach { clip.addItem(ClipData.Item(it)) } }
        }

    /** A series of these files under their names. */
    protected fun named(files: Map<String, ByteArray>): List<Uri> = files.map { (name, content) ->
        Uri.parse("content://pictures/${javaClass.simpleName}/${places.incrementAndGet()}/$name").also { uri ->
            shadowOf(context.contentResolver).registerInputStreamSupplier(uri) { ByteArrayInputStream(content) }
        }
    }

    protected fun <T : Activity> start(kind: Class<T>, intent: Intent?): ActivityController<T> =
        Robolectric.buildActivity(kind, intent).also(controllers::add).setup()

    /** Counted in steps, not seconds: on a busy machine they take longer, as what is waited for does. */
    protected fun wait(what: String, done: () -> Boolean) {
        var steps = 100 * Integer.getInteger("hemotk.patience", 60)
        while (!done() && steps-- > 0) step()
        assertTrue("nothing came: $what", done())
    }

    /** Let threads work for [ms] milliseconds, and show what they post. */
    protected fun step(ms: Long = 10) {
        Thread.sleep(ms)
        shadowOf(context.mainLooper).idleFor(ms, TimeUnit.MILLISECONDS)
    }

    protected fun Activity.text(id: Int) = findViewById<TextView>(id).text.toString()

    protected fun MainActivity.onNewIntentForTest(intent: Intent) =
        MainActivity::class.java.getDeclaredMethod("onNewIntent", Intent::class.java).invoke(this, intent)

    protected val MainActivity.settled
        get() = screen.shown !is Shown.Working && screen.shown !is Shown.Nothing

    /** The screen after a look at a file of this content. */
    protected fun look(content: ByteArray): MainActivity = look(place(content))

    protected fun look(uri: Uri): MainActivity {
        val activity = start(MainActivity::class.java, share(uri)).get()
        wait("a verdict or a sentence") { activity.settled }
        return activity
    }
}
