package org.hemotk.app

import android.content.ContentResolver
import android.database.Cursor
import android.net.Uri
import android.os.CancellationSignal
import android.provider.DocumentsContract
import android.provider.DocumentsContract.Document
import org.hemotk.core.HemotkException
import org.hemotk.core.Problem
import org.hemotk.core.fileKind
import org.hemotk.core.isDicom

/** A picture to be looked at; where it is not [certain] that it is one, how it begins says so. */
class Listed(val uri: Uri, val certain: Boolean = true) {
    /** Whether a file that begins so is to be read. */
    fun wanted(beginning: ByteArray) = certain || fileKind(beginning) != null || isDicom(beginning)
}

/** What lies in a folder: what may be pictures, and how many other things. */
class Listing(val files: List<Listed>, val leftOut: Int)

/**
 * Lists a folder that somebody chose, by its own tree alone: folders in it are not looked into.
 *
 * Another app's provider lists it. It may throw anything, lie about kinds, take its time, and have no end.
 */
class Folders(private val resolver: ContentResolver, private val patienceMs: Long = 30_000) {
    /**
     * What is in the folder [tree].
     *
     * Throws [HemotkException] where the provider refuses, fails, is slow, is still loading the folder itself, or lists more
     * than a series can have, and `CancellationException` where the calling thread was interrupted.
     */
    fun list(tree: Uri): Listing {
        val signal = CancellationSignal()
        return call(
            patienceMs,
            abandon = signal::cancel,
            failed = { if (it is HemotkException) it else HemotkException(Problem.FOLDER_FAILED, tree.toString(), it) },
            slow = { HemotkException(Problem.FOLDER_SLOW, tree.toString(), it) },
        ) { listing(tree, signal) }
    }

    private fun listing(tree: Uri, signal: CancellationSignal): Listing {
        val children = DocumentsContract.buildChildDocumentsUriUsingTree(tree, DocumentsContract.getTreeDocumentId(tree))
        val cursor = resolver.query(children, COLUMNS, null, null, null, signal) ?: throw failed(tree)
        return cursor.use {
            // A part of a series would get a verdict as if it were the whole.
            if (it.extras?.getBoolean(DocumentsContract.EXTRA_LOADING) == true) throw HemotkException(Problem.FOLDER_LOADING, tree.toString())
            if (it.extras?.getString(DocumentsContract.EXTRA_ERROR) != null) throw failed(tree)
            read(it, tree)
        }
    }

    private fun read(cursor: Cursor, tree: Uri): Listing {
        val files = ArrayList<Listed>()
        var rows = 0
        while (cursor.moveToNext()) {
            if (++rows > MOST_ENTRIES) throw HemotkException(Problem.FOLDER_TOO_LARGE, "$MOST_ENTRIES")
            val id = cursor.text(Document.COLUMN_DOCUMENT_ID) ?: throw failed(tree)
            val name = cursor.text(Document.COLUMN_DISPLAY_NAME).orEmpty()
            val kind = cursor.text(Document.COLUMN_MIME_TYPE).orEmpty()
            if (isLeftOut(name, kind)) continue
            val certain = kind.startsWith("image/") || kind == "application/dicom" || name.endsWith(".dcm", ignoreCase = true)
            files.add(Listed(DocumentsContract.buildDocumentUriUsingTree(tree, id), certain))
        }
        return Listing(files, rows - files.size)
    }

    /** Found by name or kind alone, and never opened. */
    private fun isLeftOut(name: String, kind: String) =
        kind == Document.MIME_TYPE_DIR || name.startsWith(".") || name == "DICOMDIR" || kind.substringBefore('/') in OTHERS

    private fun failed(tree: Uri) = HemotkException(Problem.FOLDER_FAILED, tree.toString())

    private fun Cursor.text(column: String): String? = getColumnIndex(column).let { if (it < 0) null else getString(it) }

    companion object {
        /** What a folder may hold, pictures or not. */
        internal const val MOST_ENTRIES = 2000
        private val COLUMNS = arrayOf(Document.COLUMN_DOCUMENT_ID, Document.COLUMN_DISPLAY_NAME, Document.COLUMN_MIME_TYPE)
        private val OTHERS = setOf("audio", "video", "text")
    }
}
