package org.hemotk.app

import android.content.res.Resources
import org.hemotk.core.HemotkException
import org.hemotk.core.Problem

/** What went wrong as one sentence for the user. */
fun Resources.sentence(error: Exception): String =
    if (error is HemotkException) {
        getString(sentenceOf(error.problem), error.where)
    } else {
        getString(R.string.problem_interpreter, error.message ?: error.javaClass.simpleName)
    }

private fun sentenceOf(problem: Problem) = when (problem) {
    Problem.NO_PICTURE -> R.string.problem_no_picture
    Problem.SEVERAL_FRAMES -> R.string.problem_several_frames
    Problem.PICTURE_TOO_LARGE -> R.string.problem_picture_too_large
    Problem.PICTURE_TOO_SMALL -> R.string.problem_picture_too_small
    Problem.FILE_MISSING -> R.string.problem_file_missing
    Problem.WRONG_CHECKSUM -> R.string.problem_wrong_checksum
    Problem.UNREADABLE_CARD -> R.string.problem_unreadable_card
    Problem.NO_INT8_MODEL -> R.string.problem_no_int8_model
    Problem.UNUSABLE_MODEL -> R.string.problem_unusable_model
    Problem.TOO_LITTLE_MEMORY -> R.string.problem_too_little_memory
}
