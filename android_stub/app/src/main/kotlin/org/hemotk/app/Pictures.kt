package org.hemotk.app

import android.annotation.TargetApi
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ColorSpace
import android.graphics.ImageDecoder
import android.os.Build
import org.hemotk.core.FileKind
import org.hemotk.core.HemotkException
import org.hemotk.core.Picture
import org.hemotk.core.Preprocess
import org.hemotk.core.Problem
import org.hemotk.core.Rows
import org.hemotk.core.SliceHeader
import org.hemotk.core.checkSize
import org.hemotk.core.decodeDicom
import org.hemotk.core.decodePng
import org.hemotk.core.fileKind
import org.hemotk.core.isDicom
import org.hemotk.core.prepare
import java.io.IOException
import java.nio.ByteBuffer

/** A file as it was read: what a DICOM file says of its place in a series, and whether its values had to be put right. */
class Read(val picture: Picture, val header: SliceHeader? = null, val corrected: Boolean = false)

/** The same as [decode], and DICOM slices too, through the card's window. */
fun readPicture(file: ByteArray, preprocess: Preprocess, where: String): Read {
    if (!isDicom(file)) return Read(decode(file, preprocess, where))
    val slice = decodeDicom(file, preprocess.window, where)
    return Read(Picture(slice.gray, null), slice.header, slice.corrected)
}

/**
 * The picture in the bytes of a file, upright: PNG is decoded by the core, other kinds by the system.
 *
 * Throws [HemotkException] for what is no whole single picture of a size within the limits.
 */
fun decode(file: ByteArray, preprocess: Preprocess, where: String): Picture {
    val kind = fileKind(file) ?: throw HemotkException(Problem.NO_PICTURE, where)
    if (kind == FileKind.PNG) return decodePng(file, preprocess, where)
    val prepared = prepare(file, kind, where)
    checkBounds(prepared.bytes, where)
    checkWhole(prepared.bytes, kind, where)
    val bitmap = BitmapFactory.decodeByteArray(prepared.bytes, 0, prepared.bytes.size, exact())
        ?: throw HemotkException(Problem.NO_PICTURE, where)
    try {
        // getPixels would convert the colours, silently.
        if (bitmap.colorSpace != ColorSpace.get(ColorSpace.Named.SRGB)) throw HemotkException(Problem.UNUSUAL_COLOURS, where)
        return Picture.of(BitmapRows(bitmap), where).oriented(prepared.orientation)
    } finally {
        bitmap.recycle()
    }
}

/** Its size is known before its pixels are decoded. */
private fun checkBounds(file: ByteArray, where: String) {
    val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    BitmapFactory.decodeByteArray(file, 0, file.size, bounds)
    if (bounds.outWidth <= 0 || bounds.outHeight <= 0) throw HemotkException(Problem.NO_PICTURE, where)
    checkSize(bounds.outWidth, bounds.outHeight, where)
}

/**
 * BitmapFactory fills up what is missing of a picture without a word; ImageDecoder throws. Its pixels are not used, as it
 * turns some kinds of pictures by their EXIF and others not. It is not there before Android 9, where a JPEG's end alone
 * is looked at, and other kinds are not taken.
 */
private fun checkWhole(file: ByteArray, kind: FileKind, where: String) {
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
        try {
            decoded(file, where).recycle()
        } catch (error: IOException) {
            throw HemotkException(Problem.NO_PICTURE, where, error)
        }
    } else if (kind != FileKind.JPEG) {
        throw HemotkException(Problem.NO_PICTURE, where)
    }
}

@TargetApi(Build.VERSION_CODES.P)
private fun decoded(file: ByteArray, where: String): Bitmap =
    ImageDecoder.decodeBitmap(ImageDecoder.createSource(ByteBuffer.wrap(file))) { decoder, info, _ ->
        if (info.isAnimated) throw HemotkException(Problem.SEVERAL_FRAMES, where)
        decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
        decoder.setTargetSampleSize(CHECK_SAMPLE)
    }

/** Colours as they are stored: not scaled to the screen, not multiplied by their transparency. */
private fun exact() = BitmapFactory.Options().apply {
    inScaled = false
    inPremultiplied = false
    inPreferredConfig = Bitmap.Config.ARGB_8888
}

private class BitmapRows(private val bitmap: Bitmap) : Rows {
    override val width = bitmap.width
    override val height = bitmap.height

    override fun read(y: Int, argb: IntArray) = bitmap.getPixels(argb, 0, width, 0, y, width, 1)
}

// Every byte is read all the same, and little memory is taken.
private const val CHECK_SAMPLE = 8
