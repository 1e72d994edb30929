"""Reading a list whoever wrote it: which encoding, what parts the columns, row by row."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

UTF_8, UTF_8_BOM, UTF_16 = "utf-8", "utf-8-sig", "utf-16"
WINDOWS_1256, ISO_8859_6 = "cp1256", "iso8859-6"
NAMES = {
    UTF_8: "UTF-8",
    UTF_8_BOM: "UTF-8 with a byte order mark",
    UTF_16: "UTF-16",
    WINDOWS_1256: "Windows-1256",
    ISO_8859_6: "ISO-8859-6",
}
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
SAMPLE = 1 << 16
BLOCK = 1 << 20
# Two thirds of any Arabic text; read in the wrong one of the two encodings most of them become others.
COMMON = frozenset("اليمنوهرتبةعدسفحكق")


class BadList(Exception):
    """The file is no list that can be read; the sentence says why."""


@dataclass(frozen=True)
class Shape:
    """How the file is written."""

    encoding: str
    delimiter: str
    header: list[str]


def shape_of(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Shape:
    """Look at the file and return how it is written; raise BadList when it has no header."""
    encoding = encoding or encoding_of(path)
    with open_list(path, encoding) as file:
        first = file.readline()
        delimiter = delimiter or max(DELIMITERS, key=first.count)
        file.seek(0)
        header = next((values for _, values in records(file, delimiter) if values), None)
    if not header or len([name for name in header if name.strip()]) < 1:
        raise BadList(f"{path} has no header line with the names of its columns.")
    return Shape(encoding, delimiter, [name.strip() for name in header])


def encoding_of(path: Path) -> str:
    """Return the encoding: by the byte order mark, UTF-8 where all of it is, else the likelier Arabic one."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
        if sample.startswith(codecs.BOM_UTF8):
            return UTF_8_BOM
        if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return UTF_16
        file.seek(0)
        if _is_utf_8(iter(lambda: file.read(BLOCK), b"")):
            return UTF_8
    return max((WINDOWS_1256, ISO_8859_6), key=lambda each: _likeness(sample, each))


def _is_utf_8(blocks: Iterator[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _likeness(sample: bytes, encoding: str) -> float:
    """Return the share of common Arabic letters among all that is not ASCII."""
    letters = [each for each in sample.decode(encoding, errors="replace") if ord(each) > 127]  # noqa: PLR2004
    return sum(each in COMMON for each in letters) / max(1, len(letters))


def open_list(path: Path, encoding: str) -> TextIO:
    """Open it as text; what its encoding does not know becomes a sign that is refused with its row."""
    return path.open(encoding=encoding, errors="replace", newline="")


def records(file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Yield each record with the number of the line it begins on; None for what is no CSV."""
    reader = csv.reader(file, delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield line, None
            continue
        if any(value.strip() for value in values):
            yield line, values
