package org.hemotk.app

import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import org.hemotk.core.Network
import org.hemotk.core.Runtime
import org.hemotk.core.Variant
import org.hemotk.runtime.LiteRtRuntime
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.ByteArrayInputStream
import java.io.IOException
import java.io.InputStream
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger

/** Loads that fail, providers that misbehave, rotations, and what comes late. */
class LifecycleTest : BundleCase() {
    /** A provider that gives nothing until it is let go or closed. */
    private class Blocking : InputStream() {
        val opened = CountDownLatch(1)
        private val end = CountDownLatch(1)

        override fun read(): Int {
            opened.countDown()
            end.await()
            return -1
        }

        override fun close() = end.countDown()

        val isClosed get() = end.count == 0L
    }

    private fun check(error: Throwable, sentence: Int) {
        val thrown = AtomicBoolean()
        MainActivity.runtime = { folder ->
            val inner = LiteRtRuntime(folder)
            object : Runtime by inner {
                override fun open(variant: Variant, threads: Int): Network =
                    if (thrown.getAndSet(true)) inner.open(variant, threads) else throw error
            }
        }
        val activity = start(MainActivity::class.java, Intent()).get()
        wait("the sentence for $error") { activity.settled }
        assertEquals(context.getString(sentence), activity.text(R.id.status))
        activity.screen.look(listOf(place(picture("gray.png"))))
        wait("a verdict after $error") { activity.settled }
        assertTrue(activity.text(R.id.status), activity.text(R.id.verdict).isNotEmpty())
    }

    @Test
    fun a_load_that_fails_says_so_and_is_tried_again_with_the_next_picture() {
        check(UnsatisfiedLinkError("no such library"), R.string.problem_no_runtime)
        check(OutOfMemoryError(), R.string.problem_too_little_memory)
        check(NoClassDefFoundError("org/tensorflow"), R.string.problem_no_runtime)
    }

    @Test
    fun a_load_that_always_fails_hangs_no_picture() {
        val errors = mapOf(
            IllegalStateException("never") to context.getString(R.string.problem_interpreter, "never"),
            UnsatisfiedLinkError("never") to context.getString(R.string.problem_no_runtime),
        )
        for ((error, sentence) in errors) {
            MainActivity.runtime = { throw error }
            val activity = look(picture("gray.png"))
            assertEquals(sentence, activity.text(R.id.status))
            assertEquals("", activity.text(R.id.verdict))
        }
    }

    @Test
    fun a_provider_that_throws_gets_a_sentence_that_speaks_of_it() {
        val errors = mapOf<() -> InputStream, Int>(
            { throw SecurityException("no") } to R.string.problem_provider_refused,
            { throw IllegalStateException("odd") } to R.string.problem_provider_failed,
            { throw StackOverflowError() } to R.string.problem_provider_failed,
            { throwing(IOException("gone")) } to R.string.problem_provider_failed,
            { throwing(SecurityException("gone")) } to R.string.problem_provider_refused,
        )
        for ((open, sentence) in errors) {
            val activity = look(place(open))
            assertEquals(context.getString(sentence), activity.text(R.id.status))
            assertEquals("", activity.text(R.id.verdict))
        }
    }

    private fun throwing(error: Exception) = object : InputStream() {
        override fun read(): Int = throw error
    }

    @Test
    fun a_provider_is_opened_once_a_look() {
        val opened = AtomicInteger()
        val activity = look(place { opened.incrementAndGet().let { ByteArrayInputStream(picture("gray.jpg")) } })
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        assertEquals(1, opened.get())
    }

    @Test
    fun a_provider_without_an_end_is_stopped_at_the_limit() {
        val endless = object : InputStream() {
            override fun read() = 7

            override fun read(buffer: ByteArray, from: Int, length: Int) = length
        }
        assertEquals(context.getString(R.string.problem_file_too_large), look(place { endless }).text(R.id.status))
    }

    @Test
    fun a_slow_provider_is_left_after_a_while_and_closed() {
        val blocking = Blocking()
        val source = Source(context.contentResolver, patienceMs = 20)
        val began = System.nanoTime()
        val error = assertThrows(org.hemotk.core.HemotkException::class.java) { source.read(place { blocking }) }
        assertEquals(org.hemotk.core.Problem.PROVIDER_SLOW, error.problem)
        assertTrue("waited too long", System.nanoTime() - began < TimeUnit.SECONDS.toNanos(10))
        wait("its end") { blocking.isClosed }
    }

    @Test
    fun a_new_picture_is_not_kept_waiting_by_a_blocked_one() {
        val blocking = Blocking()
        val activity = start(MainActivity::class.java, share(place { blocking })).get()
        assertTrue(blocking.opened.await(30, TimeUnit.SECONDS))
        assertEquals(context.getString(R.string.working), activity.text(R.id.status))
        activity.onNewIntentForTest(share(place(picture("gray.png"))))
        wait("the second picture's verdict") { activity.settled }
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        wait("the first one's end") { blocking.isClosed }
    }

    @Test
    fun no_verdict_of_an_earlier_picture_stands_beside_a_later_one() {
        val go = CountDownLatch(1)
        val held = CountDownLatch(1)
        val checks = 4 // inferences of the golden set
        val watched = Watched { count ->
            if (count == checks + 1) {
                held.countDown()
                go.hold()
            }
        }
        watched.install()
        val activity = start(MainActivity::class.java, share(place(picture("gray.png")))).get()
        assertTrue(held.await(60, TimeUnit.SECONDS))
        val blocking = Blocking()
        activity.onNewIntentForTest(share(place { blocking }))
        go.countDown() // the first picture's result comes now
        assertTrue(blocking.opened.await(30, TimeUnit.SECONDS))
        repeat(10) { step() }
        assertEquals(context.getString(R.string.working), activity.text(R.id.status))
        assertEquals("", activity.text(R.id.verdict))
        assertEquals(View.GONE, activity.findViewById<View>(R.id.picture).visibility)
        blocking.close()
    }

    @Test
    fun a_verdict_goes_at_once_when_another_picture_comes() {
        val activity = look(picture("gray.png"))
        assertTrue(activity.text(R.id.verdict).isNotEmpty())
        val blocking = Blocking()
        activity.onNewIntentForTest(share(place { blocking }))
        assertEquals("", activity.text(R.id.verdict))
        assertEquals(context.getString(R.string.working), activity.text(R.id.status))
        assertEquals(View.GONE, activity.findViewById<View>(R.id.share).visibility)
        blocking.close()
    }

    @Test
    fun a_rotation_keeps_the_verdict_and_loads_and_asks_nothing_again() {
        val watched = Watched().apply { install() }
        val opened = AtomicInteger()
        val uri = place { opened.incrementAndGet().let { ByteArrayInputStream(picture("gray.png")) } }
        val controller = start(MainActivity::class.java, share(uri))
        wait("a verdict") { controller.get().settled }
        val (verdict, inferences) = controller.get().text(R.id.verdict) to watched.invoked.get()
        controller.recreate()
        assertEquals(verdict, controller.get().text(R.id.verdict))
        assertEquals(View.VISIBLE, controller.get().findViewById<View>(R.id.picture).visibility)
        repeat(10) { step() }
        assertEquals(listOf(1, 1, inferences, 0), listOf(opened.get(), watched.opened.get(), watched.invoked.get(), watched.closed.get()))
    }

    @Test
    fun a_look_that_is_under_way_ends_on_the_screen_after_the_rotation() {
        val go = CountDownLatch(1)
        Watched { count -> if (count == 5) go.hold() }.install()
        val controller = start(MainActivity::class.java, share(place(picture("gray.png"))))
        val before = controller.get()
        repeat(5) { step() }
        controller.recreate()
        go.countDown()
        wait("a verdict") { controller.get().settled }
        assertTrue(controller.get().text(R.id.verdict).isNotEmpty())
        assertEquals("", before.text(R.id.verdict))
    }

    @Test
    fun after_the_process_died_the_picture_is_looked_at_again() {
        val uri = place(picture("gray.png"))
        val first = start(MainActivity::class.java, share(uri))
        wait("a verdict") { first.get().settled }
        val state = Bundle().also { first.saveInstanceState(it) }
        val next = org.robolectric.Robolectric.buildActivity(MainActivity::class.java, Intent()).setup(state)
        wait("the verdict again") { next.get().settled }
        assertEquals(first.get().text(R.id.verdict), next.get().text(R.id.verdict))
        assertEquals(listOf(uri), next.get().screen.uris)
        next.pause().stop().destroy()
    }

    @Test
    fun leaving_closes_the_model_and_nothing_late_is_shown() {
        val go = CountDownLatch(1)
        val watched = Watched { count -> if (count == 5) go.hold() }.apply { install() }
        val controller = start(MainActivity::class.java, share(place(picture("gray.png"))))
        val activity = controller.get()
        wait("the look") { watched.invoked.get() == 5 }
        controller.pause().stop().destroy()
        assertEquals(0, watched.closed.get())
        go.countDown()
        wait("the end") { watched.closed.get() == 1 }
        repeat(10) { step() }
        assertEquals("", activity.text(R.id.verdict))
        assertFalse(activity.settled)
    }

    @Test
    fun a_look_at_nothing_that_exists_is_a_sentence() {
        assertEquals(
            context.getString(R.string.problem_provider_failed),
            look(Uri.parse("content://nobody/1")).text(R.id.status),
        )
    }
}
