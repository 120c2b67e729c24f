"""Patients of slices as numbers, so that no artefact holds a patient's name from a file or a table.

A hash of an id would not do: ids are few enough to try them all.
"""

from collections.abc import Iterable, Sequence

from hemotk.data.scan.words import patient_of


def owners(slices: Sequence[tuple[str, str]]) -> list[str]:
    """The patient of each slice, given the patient and the study that it names, one of them not empty.

    A slice without a patient gets the patient of the study's other slices. If those name none or several, it gets the
    study. Spellings of one patient are one, and words for nobody are none, if some slices name somebody.
    """
    known = [(patient_of(patient) or ("" if study else patient), study) for patient, study in slices]
    if not any(patient for patient, _ in known):
        known = list(slices)  # one word for nobody in all files is told as what it is
    patients: dict[str, set[str]] = {}
    for patient, study in known:
        if patient and study:
            patients.setdefault(study, set()).add(patient)
    alone = {study: next(iter(names)) for study, names in patients.items() if len(names) == 1}
    named = ((patient or alone.get(study), study) for patient, study in known)
    return [f"patient {patient}" if patient else f"study {study}" for patient, study in named]


def numbered(who: Iterable[str]) -> list[str]:
    """Each name as a number of five digits, in the order of first appearance."""
    numbers: dict[str, str] = {}
    return [numbers.setdefault(one, f"{len(numbers):05d}") for one in who]
