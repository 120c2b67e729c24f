package org.hemotk.app

import android.content.ContentResolver
import android.net.Uri
import org.hemotk.core.HemotkException
import org.hemotk.core.Problem
import java.io.ByteArrayOutputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.util.concurrent.CancellationException
import java.util.concurrent.ExecutionException
import java.util.concurrent.FutureTask
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import java.util.concurrent.atomic.AtomicReference

/**
 * Reads what was picked or shared: once, up to a limit, and not for ever.
 *
 * Another app's provider gives the bytes. It may throw anything, lie about sizes, and take its time; a thread of its own
 * waits for it, so that nothing else does.
 */
class Source(private val resolver: ContentResolver, private val patienceMs: Long = 30_000, private val limit: Int = 64_000_000) {
    /**
     * The file's bytes.
     *
     * Throws [HemotkException] where the provider refuses, fails, is slow, or gives too much, and [CancellationException]
     * where the calling thread was interrupted.
     */
    fun read(uri: Uri): ByteArray {
        val open = AtomicReference<InputStream?>()
        val task = FutureTask { bytes(uri, open) }
        inBackground(task)
        return try {
            task.get(patienceMs, TimeUnit.MILLISECONDS)
        } catch (error: ExecutionException) {
            throw problem(uri, error.cause ?: error)
        } catch (error: TimeoutException) {
            abandon(open)
            throw HemotkException(Problem.PROVIDER_SLOW, uri.toString(), error)
        } catch (error: InterruptedException) {
            abandon(open)
            throw CancellationException()
        }
    }

    private fun bytes(uri: Uri, open: AtomicReference<InputStream?>): ByteArray {
        val stream = resolver.openInputStream(uri) ?: throw FileNotFoundException(uri.toString())
        open.set(stream)
        return stream.use {
            val found = ByteArrayOutputStream()
            val chunk = ByteArray(1 shl 16)
            while (true) {
                val count = it.read(chunk)
                if (count < 0) break
                if (found.size() + count > limit) throw HemotkException(Problem.FILE_TOO_LARGE, uri.toString())
                found.write(chunk, 0, count)
            }
            found.toByteArray()
        }
    }

    private fun problem(uri: Uri, cause: Throwable): Throwable = when (cause) {
        is HemotkException, is OutOfMemoryError -> cause
        is SecurityException -> HemotkException(Problem.PROVIDER_REFUSED, uri.toString(), cause)
        else -> HemotkException(Problem.PROVIDER_FAILED, uri.toString(), cause)
    }

    /** Closing wakes a blocked read, or blocks as well: that is not waited for either. */
    private fun abandon(open: AtomicReference<InputStream?>) = inBackground {
        try {
            open.get()?.close()
        } catch (error: IOException) {
            // nobody wants its bytes any more
        }
    }

    private fun inBackground(work: Runnable) = Thread(work, "source").apply { isDaemon = true }.start()
}
