package org.hemotk.app

import android.content.ContentResolver
import android.net.Uri
import android.provider.OpenableColumns
import org.hemotk.core.HemotkException
import org.hemotk.core.Problem
import java.io.ByteArrayOutputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.util.concurrent.CancellationException
import java.util.concurrent.atomic.AtomicReference

/** A file that was picked or shared: its bytes, and what it is called where it comes from. */
class SourceFile(val bytes: ByteArray, val name: String)

/**
 * Reads what was picked or shared: once, up to a limit, and not for ever.
 *
 * Another app's provider gives the bytes. It may throw anything, lie about sizes, and take its time.
 */
class Source(private val resolver: ContentResolver, private val patienceMs: Long = 30_000, private val limit: Int = 64_000_000) {
    /**
     * The file, or null if it is not [wanted] for how it begins: the rest is not read then.
     *
     * Throws [HemotkException] where the provider refuses, fails, is slow, or gives too much, and [CancellationException]
     * where the calling thread was interrupted.
     */
    fun read(uri: Uri, wanted: (ByteArray) -> Boolean = { true }): SourceFile? {
        val open = AtomicReference<InputStream?>()
        return call(
            patienceMs,
            abandon = { close(open) },
            failed = { problem(uri, it) },
            slow = { HemotkException(Problem.PROVIDER_SLOW, uri.toString(), it) },
        ) { bytes(uri, open, wanted)?.let { SourceFile(it, name(uri)) } }
    }

    private fun bytes(uri: Uri, open: AtomicReference<InputStream?>, wanted: (ByteArray) -> Boolean): ByteArray? {
        val stream = resolver.openInputStream(uri) ?: throw FileNotFoundException(uri.toString())
        open.set(stream)
        return stream.use {
            val found = ByteArrayOutputStream()
            val chunk = ByteArray(1 shl 16)
            var unknown = true
            while (true) {
                val count = it.read(chunk)
                if (unknown && (count < 0 || found.size() + count >= BEGINNING)) {
                    if (!wanted(found.toByteArray() + chunk.copyOf(maxOf(count, 0)))) return null
                    unknown = false
                }
                if (count < 0) break
                if (found.size() + count > limit) throw HemotkException(Problem.FILE_TOO_LARGE, uri.toString())
                found.write(chunk, 0, count)
            }
            found.toByteArray()
        }
    }

    /** A name is a help and no need: a provider that has none keeps no picture from being looked at. */
    private fun name(uri: Uri): String {
        val said = try {
            resolver.query(uri, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)?.use { cursor ->
                if (cursor.moveToFirst()) cursor.getString(0) else null
            }
        } catch (error: Exception) { // whatever another app throws
            null
        }
        return shortName(said ?: uri.lastPathSegment?.substringAfterLast('/') ?: "")
    }

    private fun problem(uri: Uri, cause: Throwable): Throwable = when (cause) {
        is HemotkException, is OutOfMemoryError -> cause
        is SecurityException -> HemotkException(Problem.PROVIDER_REFUSED, uri.toString(), cause)
        else -> HemotkException(Problem.PROVIDER_FAILED, uri.toString(), cause)
    }

    /** Closing wakes a blocked read, or blocks as well: that is not waited for either. */
    private fun close(open: AtomicReference<InputStream?>) {
        try {
            open.get()?.close()
        } catch (error: IOException) {
            // nobody wants its bytes any more
        }
    }
}

/** A name of another app, fit for the screen. */
internal fun shortName(name: String) = name.filterNot { it.isISOControl() }.take(LONGEST_NAME)

private const val LONGEST_NAME = 100

// Enough to see what kind of file it is.
private const val BEGINNING = 4096
