"""The words that people use for classes, parts, patients and columns, in any spelling."""

import functools
import re
import unicodedata

from hemotk.artifacts import Part

DEFAULT_CLASSES = ("normal", "hemorrhage")

_NO = {
    "0", "no", "n", "false", "f", "negative", "neg", "absent", "none", "nein", "non", "nao", "nee", "falsch", "faux",
    "falso", "onwaar", "negativ", "negatif", "negativo",
}  # fmt: skip
_YES = {
    "1", "yes", "y", "true", "t", "positive", "pos", "present", "ja", "oui", "si", "sim", "wahr", "vrai", "vero",
    "verdadero", "verdadeiro", "waar", "positiv", "positif", "positivo",
}  # fmt: skip
YES_NO = _NO | _YES
_WITHOUT = {
    "normal", "normals", "nohemorrhage", "nohemorrhages", "nonhemorrhage", "nonhemorrhagic", "withouthemorrhage",
    "healthy", "control", "controls", "nobleed", "nobleeding", "nonbleed", "nonbleeding", "noich", "nonich",
}  # fmt: skip
_WITH = {
    "hemorrhage", "hemorrhages", "hemorrhagic", "withhemorrhage", "intracranialhemorrhage", "intracranialhemorrhages",
    "bleed", "bleeding", "bleeds", "ich", "hemorrhagepresent",
}  # fmt: skip
_WORDS: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training", "tr", "trainset", "trainingset", "trainingsdaten", "entrainement", "apprentissage",
              "entrenamiento", "addestramento", "treinamento", "treino"),
    "validation": ("validation", "validate", "valid", "val", "dev", "development", "validationset", "valset",
                   "validierung", "validacion", "validazione", "validacao"),
    "test": ("test", "testing", "tst", "holdout", "testset", "eval", "evaluation", "testdaten", "prueba", "prova",
             "teste"),
}  # fmt: skip
_OF_ANY_PART = {
    "data", "set", "dataset", "image", "images", "imgs", "img", "picture", "pictures", "slice", "slices", "ct", "png",
    "jpg", "jpeg", "dicom", "dcm", "cases", "folder",
}  # fmt: skip
_PARTS = {word: part for part, words in _WORDS.items() for word in words}
_NOBODY = {
    "", "na", "nan", "none", "null", "unknown", "anonymous", "anonymized", "anonymised", "anonym", "anon",
    "unbekannt", "inconnu", "desconocido", "deidentified", "removed", "notavailable",
}  # fmt: skip
SUBTYPES = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")

# In the order in which they are preferred.
ID_COLUMNS = (
    "path", "filepath", "file", "filename", "id", "image", "imageid", "imagename", "imagefile", "imagepath", "img",
    "imgid", "imgname", "picture", "sliceid", "slicename", "sopinstanceuid", "sopuid", "instanceuid", "png", "jpg",
    "dicom", "name", "datei", "dateiname", "bild", "bildname", "fichier", "archivo", "imagen", "immagine",
)  # fmt: skip
LABEL_COLUMNS = (
    "hemorrhage", "label", "labels", "anyhemorrhage", "any", "ich", "intracranialhemorrhage", "bleed", "bleeding",
    "hashemorrhage", "hemorrhagepresent", "hemorrhageyesno", "class", "classname", "classid", "classlabel", "target",
    "groundtruth", "gt", "y", "diagnosis", "blutung", "hirnblutung", "hemorragie", "hemorragia", "emorragia",
    "sangrado",
)  # fmt: skip
INVERTED_COLUMNS = (
    "nohemorrhage", "normal", "nobleed", "nobleeding", "noich", "isnormal", "healthy", "ishealthy",
    "absenceofhemorrhage", "hemorrhageabsent", "withouthemorrhage", "nonhemorrhage",
)  # fmt: skip
PATIENT_COLUMNS = (
    "patient", "patientid", "patientnumber", "patientno", "patientnr", "patientkey", "patientname", "patientcode",
    "patientuid", "patid", "pat", "patno", "patnr", "pid", "ptid", "subject", "subjectid", "subjectnumber", "subj",
    "subjid", "participant", "participantid", "person", "personid", "individual", "mrn", "caseid",
    "casenumber", "caseno", "patientennummer", "patientenid", "fallnummer", "paciente", "paziente",
    "idpatient", "numeropatient", "idpaciente", "idpaziente", "anonid",
)  # fmt: skip
STUDY_COLUMNS = (  # keep together what lies close, where no patient is named
    "studyinstanceuid", "studyuid", "study", "studyid", "accession", "accessionnumber", "scan", "scanid", "exam",
    "examid", "series", "seriesid", "seriesinstanceuid", "seriesuid", "volume", "volumeid", "case", "fall",
)  # fmt: skip
# Those of the first line mean the parts, whatever they hold; those of the second where they hold such words.
SURE_PART_COLUMNS = ("split", "partition", "subset", "usage", "fold")
PART_COLUMNS = (*SURE_PART_COLUMNS, "part", "set", "phase", "dataset", "group")
ONE_PART_COLUMNS = (  # yes or no, for one part
    "train", "istrain", "training", "istraining", "valid", "isvalid", "val", "isval", "validation", "isvalidation",
    "test", "istest", "holdout", "isholdout",
)  # fmt: skip
SLICE_COLUMNS = ("slicenumber", "sliceno", "slicenr", "slice", "sliceindex", "instancenumber")


def plain(text: str) -> str:
    """Lower case letters and digits alone, in American spelling: `No_Haemorrhage` → `nohemorrhage`."""
    folded = unicodedata.normalize("NFKD", text).casefold().replace("haem", "hem").replace("hæm", "hem")
    return "".join(letter for letter in folded if letter.isalnum())


def label_of(cell: str, classes: tuple[str, str]) -> int | None:
    """0 or 1 if `cell` plainly says so: a number, yes or no, or a word for a class; else None."""
    text = cell.strip()
    if text in classes:
        return classes.index(text)
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return _word_label(plain(text), classes)
    return int(number) if number in (0, 1) else None


def class_of(word: str, classes: tuple[str, str]) -> int | None:
    """0 or 1 if a folder called `word` is plainly that of a class; else None."""
    if word in classes:
        return classes.index(word)
    name = plain(word)
    return None if name in YES_NO else _word_label(name, classes)


@functools.lru_cache(maxsize=1024)
def part_of(word: str) -> Part | None:
    """The part that `word` plainly means, alone or beside what adds nothing: `train_images`, `2_val`; else None.

    `test_01` is none: patients are called so.
    """
    if told := _PARTS.get(plain(word)):
        return told
    words = [plain(each) for each in re.findall(r"[^\W\d_]+|\d+", re.sub(r"^\d{1,2}[-_. ]+", "", word))]
    telling = [each for each in words if each not in _OF_ANY_PART]
    return _PARTS.get(telling[0]) if len(telling) == 1 else None


def looks_like_fold(name: str) -> bool:
    """Whether a folder's name counts folds or parts: `fold_2`."""
    return re.fullmatch(r"(cv)?(fold|split|part|partition|subset|set)s?\d{1,3}", plain(name)) is not None


@functools.lru_cache(maxsize=1 << 16)
def patient_of(cell: str) -> str | None:
    """The patient that `cell` names, None if it names nobody: blank, `NA`, `anonymous`.

    Tables that passed through Excel spell one patient in several ways: `007`, `7` and `7.0`, or `P7` and `p7`.
    """
    name = " ".join(unicodedata.normalize("NFKC", cell).casefold().split())
    if plain(name) in _NOBODY:
        return None
    number = re.fullmatch(r"0*(\d+?)(?:[.,]0+)?", name)
    return number[1] if number else name


def looks_like_patient(name: str) -> bool:
    """Whether a folder's name may be that of a patient: a number, perhaps after a short word."""
    counted = re.fullmatch(r"[A-Za-z]{0,12}[-_ .]?\d{1,12}[A-Za-z]?", name)
    return counted is not None and not looks_like_fold(name)


def _word_label(word: str, classes: tuple[str, str]) -> int | None:
    names = [plain(name) for name in classes]
    if word and names[0] != names[1] and word in names:
        return names.index(word)
    known = ((_NO, _YES), (_NO | _WITHOUT, _YES | _WITH))[classes == DEFAULT_CLASSES]
    for label, words in enumerate(known):
        if word in words:
            return label
    return None
