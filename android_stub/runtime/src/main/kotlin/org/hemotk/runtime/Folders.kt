package org.hemotk.runtime

import android.content.res.AssetManager
import org.hemotk.core.Folder
import java.io.File
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/** A folder whose models can be mapped into memory. */
interface ModelFolder : Folder {
    /** The file's content, not copied. */
    fun map(name: String): ByteBuffer
}

/** A folder of the app's assets; models must be stored uncompressed, see `noCompress`. */
class AssetFolder(private val assets: AssetManager, private val path: String) : ModelFolder {
    override fun open(name: String) = assets.open("$path/$name")

    override fun map(name: String): ByteBuffer = assets.openFd("$path/$name").use { file ->
        FileInputStream(file.fileDescriptor).channel.use {
            it.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
        }
    }
}

/** A folder that was pushed to the device. */
class DiskFolder(private val folder: File) : ModelFolder {
    override fun open(name: String) = FileInputStream(File(folder, name))

    override fun map(name: String): ByteBuffer =
        open(name).channel.use { it.map(FileChannel.MapMode.READ_ONLY, 0, it.size()) }
}
