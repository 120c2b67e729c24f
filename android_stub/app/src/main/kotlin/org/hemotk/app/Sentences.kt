package org.hemotk.app

import android.content.res.Resources
import android.view.Window
import android.view.WindowManager
import org.hemotk.core.Doubt
import org.hemotk.core.HemotkException
import org.hemotk.core.Problem
import org.hemotk.core.SelfCheck
import java.util.Locale

/** What went wrong as one sentence for the user. */
fun Resources.sentence(error: Throwable): String = when (error) {
    is HemotkException -> getString(sentenceOf(error.problem), error.where)
    is OutOfMemoryError -> getString(R.string.problem_too_little_memory)
    is LinkageError -> getString(R.string.problem_no_runtime)
    else -> getString(R.string.problem_interpreter, (error.message ?: error.javaClass.simpleName).lineSequence().first())
}

private fun sentenceOf(problem: Problem) = when (problem) {
    Problem.NO_PICTURE -> R.string.problem_no_picture
    Problem.SEVERAL_FRAMES -> R.string.problem_several_frames
    Problem.UNUSUAL_COLOURS -> R.string.problem_unusual_colours
    Problem.WHOLLY_TRANSPARENT -> R.string.problem_wholly_transparent
    Problem.FEW_LEVELS -> R.string.problem_few_levels
    Problem.FILE_TOO_LARGE -> R.string.problem_file_too_large
    Problem.PROVIDER_REFUSED -> R.string.problem_provider_refused
    Problem.PROVIDER_FAILED -> R.string.problem_provider_failed
    Problem.PROVIDER_SLOW -> R.string.problem_provider_slow
    Problem.PICTURE_TOO_LARGE -> R.string.problem_picture_too_large
    Problem.PICTURE_TOO_SMALL -> R.string.problem_picture_too_small
    Problem.FILE_MISSING -> R.string.problem_file_missing
    Problem.WRONG_CHECKSUM -> R.string.problem_wrong_checksum
    Problem.UNREADABLE_CARD -> R.string.problem_unreadable_card
    Problem.NO_INT8_MODEL -> R.string.problem_no_int8_model
    Problem.UNUSABLE_MODEL -> R.string.problem_unusable_model
    Problem.BROKEN_MODEL -> R.string.problem_broken_model
    Problem.NO_RUNTIME -> R.string.problem_no_runtime
    Problem.NO_ACCELERATOR -> R.string.problem_no_accelerator
    Problem.DICOM_MODALITY -> R.string.problem_dicom_modality
    Problem.DICOM_CAPTURE -> R.string.problem_dicom_capture
    Problem.DICOM_LOCALIZER -> R.string.problem_dicom_localizer
    Problem.DICOM_ORIENTATION -> R.string.problem_dicom_orientation
    Problem.DICOM_COLOURS -> R.string.problem_dicom_colours
    Problem.DICOM_UNIT -> R.string.problem_dicom_unit
    Problem.DICOM_RESCALE -> R.string.problem_dicom_rescale
    Problem.DICOM_SLOPE -> R.string.problem_dicom_slope
    Problem.DICOM_BITS -> R.string.problem_dicom_bits
    Problem.DICOM_SYNTAX -> R.string.problem_dicom_syntax
    Problem.SERIES_MIXED -> R.string.problem_series_mixed
    Problem.SERIES_SEVERAL -> R.string.problem_series_several
    Problem.SERIES_TWICE -> R.string.problem_series_twice
    Problem.SERIES_TOO_LONG -> R.string.problem_series_too_long
    Problem.FOLDER_FAILED -> R.string.problem_folder_failed
    Problem.FOLDER_SLOW -> R.string.problem_folder_slow
    Problem.FOLDER_LOADING -> R.string.problem_folder_loading
    Problem.FOLDER_EMPTY -> R.string.problem_folder_empty
    Problem.FOLDER_TOO_LARGE -> R.string.problem_folder_too_large
    Problem.CHECK_FAILED -> R.string.problem_check_failed
    Problem.TOO_LITTLE_MEMORY -> R.string.problem_too_little_memory
}

/** The probability of class 1 with the threshold that it is held against. */
fun Resources.probability(seen: Shown.Seen): String {
    val card = seen.card
    return getString(R.string.probability, card.labels[1], seen.finding.probability, card.decision.threshold)
}

/** Why the picture may be none that the network knows; empty without a reason. */
fun Resources.doubts(doubts: List<Doubt>): String =
    if (doubts.isEmpty()) "" else getString(R.string.doubts, doubts.joinToString { getString(reasonOf(it)) })

private fun reasonOf(doubt: Doubt) = when (doubt) {
    Doubt.CONTRAST -> R.string.doubt_contrast
    Doubt.COLOUR -> R.string.doubt_colour
    Doubt.NARROW -> R.string.doubt_narrow
    Doubt.CORNERS -> R.string.doubt_corners
    Doubt.NO_SKULL -> R.string.doubt_no_skull
}

/** How the phone did on the golden set: one line a picture, with differences and what they may be. */
fun Resources.checkLines(check: SelfCheck): String {
    val lines = check.pictures.map {
        val (logit, map) = listOf(it.logit, it.map).map { difference -> String.format(Locale.ROOT, "%.4g", difference) }
        getString(R.string.check_line, it.file, it.levels, it.mostLevels, logit, map)
    }
    val (logit, map) = listOf(check.tolerance, check.mapTolerance).map { String.format(Locale.ROOT, "%.4g", it) }
    return (lines + getString(R.string.check_limits, logit, map)).joinToString("\n")
}

/** No screenshots and no picture in the list of recent apps, where the app was built so. */
fun Window.keepContentPrivate(resources: Resources) {
    if (resources.getBoolean(R.bool.secure)) addFlags(WindowManager.LayoutParams.FLAG_SECURE)
}
