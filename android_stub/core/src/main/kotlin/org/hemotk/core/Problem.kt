package org.hemotk.core

/** What can be wrong with a picture or a bundle; the app has a sentence in its resources for each. */
enum class Problem {
    NO_PICTURE,
    SEVERAL_FRAMES,
    UNUSUAL_COLOURS,
    WHOLLY_TRANSPARENT,
    FEW_LEVELS,
    FILE_TOO_LARGE,
    PROVIDER_REFUSED,
    PROVIDER_FAILED,
    PROVIDER_SLOW,
    PICTURE_TOO_LARGE,
    PICTURE_TOO_SMALL,
    FILE_MISSING,
    WRONG_CHECKSUM,
    UNREADABLE_CARD,
    NO_INT8_MODEL,
    UNUSABLE_MODEL,
    BROKEN_MODEL,
    NO_RUNTIME,
    NO_ACCELERATOR,
    DICOM_MODALITY,
    DICOM_CAPTURE,
    DICOM_LOCALIZER,
    DICOM_ORIENTATION,
    DICOM_COLOURS,
    DICOM_UNIT,
    DICOM_RESCALE,
    DICOM_SLOPE,
    DICOM_BITS,
    DICOM_SYNTAX,
    SERIES_MIXED,
    SERIES_SEVERAL,
    SERIES_TWICE,
    SERIES_TOO_LONG,
    FOLDER_FAILED,
    FOLDER_SLOW,
    FOLDER_LOADING,
    FOLDER_EMPTY,
    FOLDER_TOO_LARGE,
    CHECK_FAILED,
    TOO_LITTLE_MEMORY,
}

/** Bad input; [where] names the file, field or picture. */
class HemotkException(val problem: Problem, val where: String, cause: Throwable? = null) :
    Exception("$where: $problem", cause)
