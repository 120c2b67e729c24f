package org.hemotk.app

import android.annotation.TargetApi
import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ImageDecoder
import android.media.ExifInterface
import android.net.Uri
import android.os.Build
import org.hemotk.core.Gray
import org.hemotk.core.HemotkException
import org.hemotk.core.Problem
import org.hemotk.core.checkSize
import org.hemotk.core.isWhole
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream

/** Decodes what was picked or shared; its size is checked before its pixels are decoded. */
class Pictures(private val resolver: ContentResolver) {
    /** The picture at [uri] in gray, turned as its EXIF wants it; one that was cut short is refused, not filled up. */
    fun read(uri: Uri): Gray = try {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        open(uri).use { BitmapFactory.decodeStream(it, null, bounds) }
        if (bounds.outWidth <= 0 || bounds.outHeight <= 0) throw noPicture(uri)
        checkSize(bounds.outWidth, bounds.outHeight, uri.toString())
        checkWhole(uri)
        val bitmap = open(uri).use { BitmapFactory.decodeStream(it, null, exact()) } ?: throw noPicture(uri)
        gray(bitmap).oriented(orientation(uri))
    } catch (error: IOException) {
        throw noPicture(uri, error)
    } catch (error: SecurityException) {
        throw noPicture(uri, error)
    } catch (error: OutOfMemoryError) {
        throw HemotkException(Problem.TOO_LITTLE_MEMORY, uri.toString(), error)
    }

    /**
     * BitmapFactory fills up what is missing of a picture without a word; ImageDecoder throws. Its pixels are not used,
     * as it turns some kinds of pictures by their EXIF and others not.
     */
    private fun checkWhole(uri: Uri) {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            decoded(uri).recycle()
        } else if (!isWhole(open(uri))) {
            throw noPicture(uri)
        }
    }

    @TargetApi(Build.VERSION_CODES.P)
    private fun decoded(uri: Uri): Bitmap =
        ImageDecoder.decodeBitmap(ImageDecoder.createSource(resolver, uri)) { decoder, info, _ ->
            if (info.isAnimated) throw HemotkException(Problem.SEVERAL_FRAMES, uri.toString())
            decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
            decoder.setTargetSampleSize(CHECK_SAMPLE)
        }

    /** Colours as they are stored: not scaled to the screen, not multiplied by their transparency. */
    private fun exact() = BitmapFactory.Options().apply {
        inScaled = false
        inPremultiplied = false
        inPreferredConfig = Bitmap.Config.ARGB_8888
    }

    private fun gray(bitmap: Bitmap): Gray {
        val gray = Gray.black(bitmap.width, bitmap.height)
        val row = IntArray(bitmap.width)
        for (y in 0 until bitmap.height) {
            bitmap.getPixels(row, 0, bitmap.width, 0, y, bitmap.width, 1)
            gray.setRow(y, row)
        }
        bitmap.recycle()
        return gray
    }

    private fun orientation(uri: Uri) = try {
        open(uri).use { ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, 1) }
    } catch (error: IOException) {
        1 // not a kind of file that has EXIF
    }

    private fun open(uri: Uri): InputStream = resolver.openInputStream(uri) ?: throw FileNotFoundException(uri.toString())

    private fun noPicture(uri: Uri, cause: Throwable? = null) = HemotkException(Problem.NO_PICTURE, uri.toString(), cause)

    private companion object {
        // Every byte is read all the same, and little memory is taken.
        const val CHECK_SAMPLE = 8
    }
}
