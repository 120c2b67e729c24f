"""A table as people save it, as a header and rows of text: any usual separator and encoding, and Excel's files."""

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hemotk.data.scan.offenders import listed
from hemotk.errors import HemotkError
from hemotk.files import unpacked_size

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE = 65_536
_MOST_BYTES = 500_000_000

Row = tuple[int, list[str]]  # line number and cells


@dataclass(frozen=True)
class TableText:
    """The header and the rows of a table, cells without blanks around them; `how` says how the file was read."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    how: str


def read_table(path: Path) -> TableText:
    """Read the table at `path`.

    Raises:
        HemotkError: it cannot be read as text, is empty, or holds rows of another length than its header.
    """
    if path.suffix.lower() == ".xlsx":
        lines, how = list(_excel(path)), "Excel"
    else:
        text, encoding = _text(path)
        lines, separator = _split(path, text)
        how = ", ".join(word for word in (encoding, separator) if word)
    lines = [(number, row) for number, row in lines if any(row)]
    if not lines:
        raise HemotkError(f"{path}: is empty; it needs a header such as 'id,hemorrhage' and a line per image.")
    header = tuple(lines[0][1])
    sure = not how.startswith(("Windows-1252", "UTF-16"))  # which may be any bytes
    if not any(letter.isalnum() and (sure or letter.isascii()) for cell in header for letter in cell):
        raise _no_text(path)
    return TableText(path, header, tuple(_even(path, header, lines[1:])), how)


def _even(path: Path, header: tuple[str, ...], lines: list[Row]) -> Iterator[Row]:
    """The rows with as many cells as the header; blank cells at the end of a line do not count."""
    odd = [(number, row) for number, row in lines if len(row) != len(header) and any(row[len(header) :] or [True])]
    if odd:
        number, row = odd[0]
        more = f" ({len(odd)} such lines: {listed([str(number) for number, _ in odd])})" if len(odd) > 1 else ""
        raise HemotkError(
            f"{path}, line {number}: has {len(row)} cells, the header has {len(header)}; mend the line{more}."
        )
    return ((number, row[: len(header)]) for number, row in lines)


def _text(path: Path) -> tuple[str, str]:
    """The text, and the name of its encoding where that is not UTF-8."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise HemotkError(f"{path}: is larger than {_MOST_BYTES // 1_000_000} MB; give the table of labels alone.")
        data = path.read_bytes()
    except OSError as error:
        raise HemotkError(f"{path}: cannot be read; check the path and its rights.") from error
    try:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16"), "UTF-16"
        zeros = data[:_SAMPLE].count(0)
        if zeros > len(data[:_SAMPLE]) // 4:
            little = data[1:_SAMPLE:2].count(0) > data[:_SAMPLE:2].count(0)
            return data.decode("utf-16-le" if little else "utf-16-be"), "UTF-16"
        try:
            return data.decode("utf-8-sig"), ""
        except UnicodeDecodeError:
            if zeros:
                raise
            return data.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError as error:
        raise _no_text(path) from error


def _no_text(path: Path) -> HemotkError:
    return HemotkError(
        f"{path}: cannot be read as text with a header (UTF-8, UTF-16 or Windows-1252); save it again as "
        "comma-separated UTF-8."
    )


def _split(path: Path, text: str) -> tuple[list[Row], str]:
    """Lines of cells, and the name of the separator where it is no comma."""
    text = unicodedata.normalize("NFC", text)
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.strip().strip('"').lower().startswith("sep=") and len(first.strip().strip('"')) == len("sep=") + 1:
        separator, text, skipped = first.strip().strip('"')[-1], rest, 1
    elif first.strip("\r\n").lower() == "sep=\t":
        separator, text, skipped = "\t", rest, 1
    else:
        separator = _separator(first, text)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=False)
        lines = [(reader.line_num + skipped, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise HemotkError(
            f"{path}: cannot be read as a table ({error}); save it again as comma-separated text."
        ) from error
    name = _SEPARATORS.get(separator, f"'{separator}'")
    return lines, "" if separator == "," else f"{name} between cells"


def _separator(first: str, text: str) -> str:
    there = [separator for separator in _SEPARATORS if separator in first]
    if len(there) == 1:
        return there[0]
    if there:
        try:
            return csv.Sniffer().sniff(text[:_SAMPLE], delimiters="".join(there)).delimiter
        except csv.Error:
            return max(there, key=first.count)
    return ","


def _excel(path: Path) -> Iterator[Row]:
    """The rows of the first sheet; whole numbers without a point, as they look on the screen."""
    try:
        import openpyxl
    except ImportError as error:
        raise HemotkError(
            f"{path}: reading Excel files needs openpyxl; `pip install 'hemotk[xlsx]'`, or save the sheet as "
            "comma-separated text (labels.csv)."
        ) from error
    _check_unpacked(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, [_shown(cell) for cell in cells]
    except HemotkError:
        raise
    except Exception as error:  # whatever the library meets in a broken file
        raise HemotkError(f"{path}: is no Excel file that can be read; save it again, or as labels.csv.") from error


def _check_unpacked(path: Path) -> None:
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            size = unpacked_size(archive)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise HemotkError(f"{path}: is no Excel file that can be read; save it again, or as labels.csv.") from error
    if size > _MOST_BYTES:
        raise HemotkError(f"{path}: unpacks to more than {_MOST_BYTES // 1_000_000} MB; save it as labels.csv.")


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return unicodedata.normalize("NFC", str(cell)).strip()
