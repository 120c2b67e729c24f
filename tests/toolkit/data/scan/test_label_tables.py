"""Tables as people save them: each is read where its meaning is plain, and says how."""

import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from hemotk.data.scan.folder import FoundFolder, scan
from hemotk.errors import HemotkError

NAMES = [f"{index:05}.png" for index in range(8)]
LABELS = [1, 0, 1, 1, 0, 0, 1, 0]


def draw(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (20, 20), shade).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight pictures below images/."""
    for index, name in enumerate(NAMES):
        draw(tmp_path / "images" / name, index)
    return tmp_path


def text(header: str, separator: str = ",", labels: tuple[str, str] = ("0", "1"), names: list[str] = NAMES) -> str:
    rows = [separator.join((name, labels[label])) for name, label in zip(names, LABELS, strict=True)]
    return "\n".join([header, *rows]) + "\n"


def check(folder: Path) -> FoundFolder:
    found = scan(folder)
    assert [image.label for image in found.images] == LABELS
    assert found.reading[0].startswith("read ")
    return found


def said(found: FoundFolder) -> str:
    return "\n".join(found.lines())


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (text("id;hemorrhage", ";"), "semicolon"),
        (text("id\themorrhage", "\t"), "tab"),
        (text("id|hemorrhage", "|"), "bar"),
        ("sep=;\n" + text("id;hemorrhage", ";"), "semicolon"),
        ('"sep=;"\r\n' + text("id;hemorrhage", ";"), "semicolon"),
        ("sep=,\n" + text("id,hemorrhage"), "labels.csv"),
    ],
)
def test_separators(folder: Path, content: str, word: str) -> None:
    (folder / "labels.csv").write_text(content)
    assert word in said(check(folder))


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        ("utf-8-sig", ""),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_encodings(folder: Path, encoding: str, word: str) -> None:
    rows = text("id,hemorrhage,größe").replace(".png,0", ".png,0,klein").replace(".png,1", ".png,1,groß")
    (folder / "labels.csv").write_bytes(rows.encode(encoding))
    assert word in said(check(folder))


@pytest.mark.parametrize(
    ("labels", "header"),
    [
        (("0.0", "1.0"), "id,hemorrhage"),
        (("no", "yes"), "id,hemorrhage"),
        (("N", "Y"), "id,hemorrhage"),
        (("False", "TRUE"), "id,hemorrhage"),
        (("negative", "positive"), "id,hemorrhage"),
        (("Normal", "Hemorrhage"), "id,label"),
        (("NORMAL", "HEMORRHAGE"), "id,class"),
        (("normal", "haemorrhage"), "id,label"),
        (("no hemorrhage", "hemorrhage"), "id,label"),
        (("non-hemorrhagic", "hemorrhagic"), "id,label"),
        (("healthy", "bleed"), "id,diagnosis"),
        (("0", "1"), "id,haemorrhage"),
        (("0", "1"), "image,ICH"),
        (("0", "1"), "Image ID,Any"),
        (("0", "1"), "File Name,Target"),
        (("1", "0"), "id,No_Hemorrhage"),
        (("yes", "no"), "id,normal"),
    ],
)
def test_words_for_labels_and_columns(folder: Path, labels: tuple[str, str], header: str) -> None:
    (folder / "labels.csv").write_text(text(header, labels=labels))
    check(folder)


@pytest.mark.parametrize("bad", ["-1", "2", "0.5", "1/2", "maybe", "1e9", "nan", "normal?0"])
def test_what_is_no_label_is_refused(folder: Path, bad: str) -> None:
    (folder / "labels.csv").write_text(text("id,hemorrhage").replace("00003.png,1", f"00003.png,{bad}"))
    with pytest.raises(HemotkError, match=r"line 5: label .* is unknown"):
        scan(folder)


def test_two_unknown_words_are_offered_as_classes(folder: Path) -> None:
    (folder / "labels.csv").write_text(text("id,label", labels=("clear", "blood")))
    with pytest.raises(HemotkError, match=r"classes blood,clear .*8 such lines: 2, 3, 4"):
        scan(folder)


@pytest.mark.parametrize(
    "name",
    [
        "images\\{}",
        "images/{}",
        "./images/{}",
        "C:\\Users\\anna\\set\\images\\{}",
        "/home/anna/set/images/{}",
        "D:/other/{}",
        "IMAGES/{}",
    ],
)
def test_paths_of_another_machine(folder: Path, name: str) -> None:
    (folder / "labels.csv").write_text(text("filename,label", names=[name.format(one) for one in NAMES]))
    check(folder)


@pytest.mark.parametrize(
    "change", [lambda name: name.replace(".png", ".PNG"), lambda name: name.replace(".png", ".dcm")]
)
def test_another_letter_case_or_suffix(folder: Path, change: object) -> None:
    (folder / "labels.csv").write_text(text("id,label", names=[change(one) for one in NAMES]))  # type: ignore[operator]
    check(folder)


def test_identifiers_with_points_are_no_suffixes(tmp_path: Path) -> None:
    names = [f"1.2.840.{index}" for index in range(8)]
    for name in names:
        draw(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text(text("SOPInstanceUID,label", names=names))
    check(tmp_path)
    (tmp_path / "labels.csv").write_text(text("SOPInstanceUID,label", names=[*names[:-1], "1.2.841.7"]))
    assert scan(tmp_path).missing == 1


def test_names_in_other_unicode_forms(tmp_path: Path) -> None:
    names = [f"schädel{index}.png" for index in range(8)]
    for name in names:
        draw(tmp_path / unicodedata.normalize("NFC", name))
    (tmp_path / "labels.csv").write_text(text("id,label", names=[unicodedata.normalize("NFD", one) for one in names]))
    check(tmp_path)


@pytest.mark.parametrize("name", ["Labels.csv", "LABELS.CSV", "labels.tsv", "label.csv", "labels.txt", "all.csv"])
def test_names_of_the_table(folder: Path, name: str) -> None:
    separator = "\t" if name.endswith("tsv") else ","
    (folder / name).write_text(text(f"id{separator}hemorrhage", separator))
    assert name in said(check(folder))


def test_several_tables_are_not_guessed_among(folder: Path) -> None:
    for name in ("Labels.csv", "labels.tsv"):
        (folder / name).write_text(text("id,hemorrhage"))
    with pytest.raises(HemotkError, match=r"several tables of labels \(Labels\.csv, labels\.tsv\)"):
        scan(folder)


def test_excel(folder: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["id", "hemorrhage"])
    for index, label in enumerate(LABELS):
        book.active.append([float(index), bool(label)])
    book.save(folder / "labels.xlsx")
    assert "Excel" in said(check(folder))
    (folder / "labels.xlsx").write_bytes(b"PK broken")
    with pytest.raises(HemotkError, match="is no Excel file"):
        scan(folder)


def test_an_index_column_without_name_is_passed_over(folder: Path) -> None:
    rows = [f"{index},{name},{label}" for index, (name, label) in enumerate(zip(NAMES, LABELS, strict=True))]
    (folder / "labels.csv").write_text("\n".join([",id,hemorrhage", *rows]))
    check(folder)


def test_one_column_for_each_class(folder: Path) -> None:
    rows = [f"{name},{1 - label},{label}" for name, label in zip(NAMES, LABELS, strict=True)]
    (folder / "labels.csv").write_text("\n".join(["image,normal,hemorrhage", *rows]))
    check(folder)
    rows[2] = f"{NAMES[2]},1,1"
    (folder / "labels.csv").write_text("\n".join(["image,normal,hemorrhage", *rows]))
    with pytest.raises(
        HemotkError, match=r"columns 'hemorrhage' and 'normal'; .*contradict each other in 1 row \(line 4\)"
    ):
        scan(folder)


def test_kinds_of_hemorrhage_without_a_column_for_any(folder: Path) -> None:
    rows = [f"{name},{label},0,{label}" for name, label in zip(NAMES, LABELS, strict=True)]
    (folder / "labels.csv").write_text("\n".join(["id,epidural,subdural,subarachnoid", *rows]))
    assert "where any of" in said(check(folder))


def test_a_kind_of_hemorrhage_beside_label_0_is_refused(folder: Path) -> None:
    rows = [f"{name},{label},{label}" for name, label in zip(NAMES, LABELS, strict=True)]
    rows[1] = f"{NAMES[1]},0,1"
    (folder / "labels.csv").write_text("\n".join(["id,hemorrhage,subdural", *rows]))
    with pytest.raises(HemotkError, match=r"label 0 beside a kind of hemorrhage in 1 row \(line 3\)"):
        scan(folder)


def test_rows_that_say_the_same_twice_are_counted(folder: Path) -> None:
    (folder / "labels.csv").write_text(text("id,hemorrhage") + "00000.png,1\n")
    assert "1 row twice" in said(check(folder))


def test_pictures_that_are_not_there_are_counted_if_they_are_few(folder: Path) -> None:
    (folder / "labels.csv").write_text(text("id,hemorrhage") + "00099.png,1\n")
    assert check(folder).missing == 1
    (folder / "labels.csv").write_text(text("id,hemorrhage") + "".join(f"x{k}.png,1\n" for k in range(5)))
    with pytest.raises(HemotkError, match=r"line 10: no image for 'x0\.png' .*\(5 of 13 lines: 10, 11, 12, 13, 14\)"):
        scan(folder)


def test_a_table_without_header_is_told_so(folder: Path) -> None:
    (folder / "labels.csv").write_text(text("id,hemorrhage").partition("\n")[2])
    with pytest.raises(HemotkError, match="begins with a row and not with a header"):
        scan(folder)


def test_rsna_with_a_row_an_image(folder: Path) -> None:
    rows = [f"{name.removesuffix('.png')},{label},0,0,0,{label},0" for name, label in zip(NAMES, LABELS, strict=True)]
    header = "Image,any,epidural,intraparenchymal,intraventricular,subarachnoid,subdural"
    (folder / "train.csv").write_text("\n".join([header, *rows]))
    assert "label 'any'" in said(check(folder))


def test_blank_labels_are_named_all_at_once(folder: Path) -> None:
    (folder / "labels.csv").write_text(
        text("id,hemorrhage").replace("00002.png,1", "00002.png,").replace("7.png,0", "7.png,")
    )
    with pytest.raises(HemotkError, match=r"line 4: column 'hemorrhage' is blank; .*2 such lines: 4, 9"):
        scan(folder)


@pytest.mark.parametrize(
    "column",
    [
        "PatientID",
        "patient_id",
        "Patient ID",
        "subject",
        "case_id",
        "PatientNumber",
        "StudyInstanceUID",
        "MRN",
        "participant_id",
    ],
)
def test_usual_names_for_patients_count(folder: Path, column: str) -> None:
    rows = [f"{name},{label},K{index // 2}" for index, (name, label) in enumerate(zip(NAMES, LABELS, strict=True))]
    (folder / "labels.csv").write_text("\n".join([f"id,hemorrhage,{column}", *rows]))
    found = check(folder)
    assert [image.patient for image in found.images] == ["K0", "K0", "K1", "K1", "K2", "K2", "K3", "K3"]
    assert f"patient '{column}' (4 patients)" in said(found)


def test_a_column_that_may_be_of_patients_is_named_and_can_be_chosen(folder: Path) -> None:
    labels = [1, 1, 0, 0, 1, 1, 0, 0]
    rows = [f"{name},{label},K{index // 2}" for index, (name, label) in enumerate(zip(NAMES, labels, strict=True))]
    (folder / "labels.csv").write_text("\n".join(["id,hemorrhage,Kennung", *rows]))
    found = scan(folder)
    assert {image.patient for image in found.images} == {None} and "--patient 'Kennung'" in said(found)
    assert len({image.patient for image in scan(folder, patient="Kennung").images}) == 4
    with pytest.raises(HemotkError, match=r"no column 'Nummer' for patients; it has id, hemorrhage, Kennung"):
        scan(folder, patient="Nummer")


def test_columns_travel_with_the_pictures(folder: Path) -> None:
    rows = [f"{name},{label},{'A' if label else 'B'}" for name, label in zip(NAMES, LABELS, strict=True)]
    (folder / "labels.csv").write_text("\n".join(["id,hemorrhage,Scanner", *rows]))
    assert [image.columns["scanner"] for image in scan(folder).images] == ["A" if label else "B" for label in LABELS]


def test_ct_ich_is_known_by_its_numbers(tmp_path: Path) -> None:
    kinds = "Intraventricular,Intraparenchymal,Subarachnoid,Epidural,Subdural"
    header = f"PatientNumber,SliceNumber,{kinds},No_Hemorrhage,Fracture_Yes_No"
    rows = []
    for patient in (49, 50):
        for number in (1, 2, 3, 4):
            for window in ("brain", "bone"):
                draw(tmp_path / "Patients_CT" / f"{patient:03}" / window / f"{number}.jpg", patient + number)
            draw(tmp_path / "Patients_CT" / f"{patient:03}" / "brain" / f"{number}_HGE_Seg.jpg")
            rows.append(f"{patient},{number},0,{number % 2},0,0,0,{1 - number % 2},0")
    (tmp_path / "hemorrhage_diagnosis_raw_ct.csv").write_text("\n".join([header, *rows]))
    found = scan(tmp_path)
    assert [image.path for image in found.images][:2] == ["Patients_CT/049/brain/1.jpg", "Patients_CT/049/brain/2.jpg"]
    assert [image.label for image in found.images] == [1, 0, 1, 0, 1, 0, 1, 0]
    assert {image.patient for image in found.images} == {"49", "50"} and found.unlabelled == 16


def test_cq500_is_known_by_its_three_readers(tmp_path: Path) -> None:
    rows = ["name,Category,R1:ICH,R1:IPH,R2:ICH,R2:IPH,R3:ICH,R3:IPH"]
    for scan_number, votes in enumerate([(1, 1, 0), (0, 0, 1), (1, 1, 1), (0, 0, 0)]):
        for index in range(2):
            draw(tmp_path / f"CQ500CT{scan_number} CQ500CT{scan_number}" / "CT Plain" / f"CT{index:06}.png", index)
        rows.append(f"CQ500-CT-{scan_number},B1," + ",".join(f"{vote},0" for vote in votes))
    (tmp_path / "reads.csv").write_text("\n".join(rows))
    found = scan(tmp_path)
    assert [image.label for image in found.images] == [1, 1, 0, 0, 1, 1, 0, 0]
    assert "majority of three readers" in said(found) and "labels are of whole scans" in said(found)
    assert len({image.patient for image in found.images}) == 4


def test_a_label_of_a_whole_scan_is_no_label_of_a_slice(tmp_path: Path) -> None:
    for name in "abcd":
        for index in range(3):
            draw(tmp_path / f"scan{name}" / f"{index}.png")
    (tmp_path / "labels.csv").write_text(
        "id,hemorrhage\n" + "".join(f"scan{name},{int(name < 'c')}\n" for name in "abcd")
    )
    with pytest.raises(HemotkError, match="name folders of slices"):
        scan(tmp_path)


def test_drawn_cases_are_read(cases: Path) -> None:
    for folder in sorted((cases / "label_tables").iterdir()):
        if folder.is_dir():
            found = scan(folder)
            assert min(found.counts()) >= 10, folder
            assert found.reading, folder


@pytest.mark.parametrize("column", ["study", "series", "case", "PatientID"])
def test_a_column_of_one_value_names_no_patients(folder: Path, column: str) -> None:
    rows = [f"{name},{label},head CT 2019" for name, label in zip(NAMES, LABELS, strict=True)]
    (folder / "labels.csv").write_text("\n".join([f"id,hemorrhage,{column}", *rows]))
    assert {image.patient for image in check(folder).images} == {None}


def test_words_of_classes_in_a_text_file_are_no_table(tmp_path: Path) -> None:
    for word in ("normal", "hemorrhage"):
        for index in range(3):
            draw(tmp_path / word / f"{index}.png")
    (tmp_path / "labels.txt").write_text("normal\nhemorrhage\n")
    assert scan(tmp_path).counts() == (3, 3)


@pytest.mark.parametrize("name", ["metadata.csv", "Labels.csv", "scores.csv"])
def test_a_table_of_something_else_beside_class_folders_is_said_and_not_used(tmp_path: Path, name: str) -> None:
    for word in ("normal", "hemorrhage"):
        for index in range(3):
            draw(tmp_path / word / f"{index}.png")
    (tmp_path / name).write_text("scanner,kV\nA,120\n")
    found = scan(tmp_path)
    assert found.counts() == (3, 3) and f"not used   {name}: has no column" in said(found)


def test_numbers_that_are_no_labels_are_not_offered_as_classes(folder: Path) -> None:
    (folder / "labels.csv").write_text(text("id,label", labels=("1", "2")))
    with pytest.raises(HemotkError, match="label '2' is unknown") as error:
        scan(folder)
    assert "as in classes" not in str(error.value)


def with_column(name: str, cells: list[str]) -> str:
    rows = zip(NAMES, LABELS, cells, strict=True)
    return "\n".join([f"id,hemorrhage,{name}", *(f"{file},{label},{cell}" for file, label, cell in rows)]) + "\n"


@pytest.mark.parametrize(
    ("name", "cells", "says"),
    [
        ("split", ["test", "test", *[""] * 6], r"column 'split' puts 6 rows into no part, since its cell is blank"),
        ("Usage", ["Training", "PublicTest"] * 4, r"column 'Usage' puts 4 rows into no part, such as 'PublicTest'"),
        ("dataset", ["train", "val", *["external"] * 6], r"column 'dataset' puts 6 rows into no part"),
        ("fold", ["train", "test", "test 2", *["train"] * 5], r"puts 1 row into no part, such as 'test 2' \(line 4\)"),
    ],
)
def test_a_column_that_puts_some_rows_into_a_part_is_refused(
    folder: Path, name: str, cells: list[str], says: str
) -> None:
    (folder / "labels.csv").write_text(with_column(name, cells))
    with pytest.raises(HemotkError, match=rf"{says}.*; write train, validation or test into each row, or rename"):
        scan(folder)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("fold", [str(index % 5) for index in range(8)]),
        ("split", ["A", "B"] * 4),
        ("is_valid", ["True", "False"] * 4),
        ("test", ["0", "1"] * 4),
        ("dataset", ["train", "internal test"] * 4),
    ],
)
def test_a_column_that_may_say_parts_is_named_if_it_is_not_used(folder: Path, name: str, cells: list[str]) -> None:
    (folder / "labels.csv").write_text(with_column(name, cells))
    found = check(folder)
    assert all(image.part is None for image in found.images)
    assert f"not used   column '{name}', which may name parts" in said(found)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("split", ["train"] * 8),
        ("dataset", ["Ulm", "Bern"] * 4),
        ("phase", ["arterial", "venous"] * 4),
        ("test", [str(index) for index in range(8)]),
    ],
)
def test_a_column_that_says_no_parts_is_not_spoken_of(folder: Path, name: str, cells: list[str]) -> None:
    (folder / "labels.csv").write_text(with_column(name, cells))
    assert "may name parts" not in said(check(folder))


def test_with_a_column_of_parts_no_other_one_is_spoken_of(folder: Path) -> None:
    parts = ["train", "test", "val", "train", "test", "train", "test", "val"]
    (folder / "labels.csv").write_text(
        with_column("split,fold", [f"{part},{index}" for index, part in enumerate(parts)])
    )
    found = check(folder)
    assert [image.part for image in found.images][:3] == ["train", "test", "validation"]
    assert "may name parts" not in said(found)


@pytest.mark.parametrize(
    ("header", "labels", "encoding"),
    [
        ("Datei;Blutung", ("nein", "ja"), "utf-8-sig"),
        ("Fichier;Hémorragie", ("non", "oui"), "cp1252"),
        ("Imagen;Hemorragia", ("no", "sí"), "utf-16"),
        ("immagine;emorragia", ("no", "si"), "utf-8"),
        ("arquivo;hemorragia", ("Não", "Sim"), "cp1252"),
        ("Datei;Blutung", ("FALSCH", "WAHR"), "utf-8"),
        ("fichier;hémorragie", ("FAUX", "VRAI"), "utf-8"),
        ("immagine;emorragia", ("FALSO", "VERO"), "utf-8"),
    ],
)
def test_tables_in_other_languages(folder: Path, header: str, labels: tuple[str, str], encoding: str) -> None:
    (folder / "labels.csv").write_bytes(text(header, ";", labels).encode(encoding))
    check(folder)


@pytest.mark.parametrize("name", ["is_normal", "healthy", "absence_of_haemorrhage", "Normal"])
def test_columns_that_say_the_opposite_are_turned_round(folder: Path, name: str) -> None:
    (folder / "labels.csv").write_text(text(f"id,{name}", labels=("1", "0")))
    assert f"'{name}' (turned round)" in said(check(folder))


@pytest.mark.parametrize(
    "twin", [("7", "7.0"), ("007", "7"), ("P7", "p7"), ("Max Muster", "MAX  MUSTER"), ("7", "7,00")]
)
def test_one_patient_in_two_spellings_stays_one(folder: Path, twin: tuple[str, str]) -> None:
    (folder / "labels.csv").write_text(with_column("patient", [f'"{who}"' for who in (*twin, "8", "70") * 2]))
    found = check(folder)
    assert [image.patient for image in found.images] == [twin[0], twin[0], "8", "70"] * 2
    assert "(3 patients)" in said(found)


@pytest.mark.parametrize("nobody", ["NA", "n/a", "anonymous", "Unknown", "-"])
def test_a_word_for_nobody_joins_no_patients(folder: Path, nobody: str) -> None:
    cells = [nobody, nobody, nobody, "A", "A", "B", "C", "D"]
    (folder / "labels.csv").write_text(with_column("PatientID", cells))
    found = check(folder)
    assert [image.patient for image in found.images] == [None, None, None, "A", "A", "B", "C", "D"]
    assert "(4 patients, 3 rows without)" in said(found)
    (folder / "labels.csv").write_text(with_column("patient", cells))
    with pytest.raises(HemotkError, match=rf"line 2: column 'patient' says '{nobody}', which is nobody; fill it in"):
        scan(folder)


def test_parts_in_a_column_of_any_name_are_taken(folder: Path) -> None:
    cells = ["Training", "Training", "Validierung", "Test"] * 2
    (folder / "labels.csv").write_text(with_column("Teil", cells))
    found = check(folder)
    assert [image.part for image in found.images] == ["train", "train", "validation", "test"] * 2
    assert "part 'Teil'" in said(found)


def test_a_header_in_another_alphabet_is_no_matter_of_encoding(folder: Path) -> None:
    (folder / "labels.csv").write_text(text("файл,кровь"), encoding="utf-8")
    with pytest.raises(HemotkError, match="has no column 'hemorrhage' or 'label'; add one to its header"):
        scan(folder)
