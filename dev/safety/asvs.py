"""`python3 -m dev security`: writes the list of docs/security.md from docs/security/asvs.tsv.

One line per requirement of OWASP's ASVS 5.0.0, levels 1 and 2, in our own short words: its id names the text.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dev import places

ROWS = places.ROOT / "docs" / "security" / "asvs.tsv"
PAGE = places.ROOT / "docs" / "security.md"
BEGIN, END = "<!-- made by `make security` from security/asvs.tsv -->\n", "<!-- until here -->\n"
VERDICTS = ("met", "absent", "partly", "no")
CHAPTERS = {
    "V1": "Encoding and sanitization",
    "V2": "Validation and business logic",
    "V3": "Web frontend",
    "V4": "API and web service",
    "V5": "Files",
    "V6": "Authentication",
    "V7": "Sessions",
    "V8": "Authorization",
    "V11": "Cryptography",
    "V12": "Secure communication",
    "V13": "Configuration",
    "V14": "Data protection",
    "V15": "Coding and architecture",
    "V16": "Logging and errors",
}


@dataclass(frozen=True)
class Row:
    """``evidence``: files, or ``file::test``."""

    id: str
    level: int
    verdict: str
    what: str
    how: str
    evidence: tuple[str, ...]

    @property
    def chapter(self) -> str:
        return self.id.partition(".")[0]


def rows() -> list[Row]:
    with ROWS.open(newline="") as file:
        found = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Row(
            each["id"],
            int(each["level"]),
            each["verdict"],
            each["what"],
            each["how"],
            tuple(part.strip() for part in each["evidence"].split(",") if part.strip()),
        )
        for each in found
    ]


def page_with(text: str, listed: Sequence[Row]) -> str:
    """The page with the list and its counts as they are in the rows."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + _counts(listed) + _list(listed) + END + rest.split(END)[1]


def _counts(listed: Sequence[Row]) -> str:
    lines = ["", "| | level 1 | levels 1 and 2 |", "|---|---|---|"]
    words = {
        "met": "met, by what is built",
        "absent": "met, because there is nothing of the kind",
        "partly": "partly",
        "no": "not met",
    }
    counts = [Counter(row.verdict for row in listed if row.level <= level) for level in (1, 2)]
    for verdict in VERDICTS:
        lines.append(f"| {words[verdict]} | {counts[0][verdict]} | {counts[1][verdict]} |")
    sums = [f"{count['met'] + count['absent']}/{count.total()}" for count in counts]
    return "\n".join([*lines, f"| **met of all** | **{sums[0]}** | **{sums[1]}** |", ""])


def _list(listed: Sequence[Row]) -> str:
    lines: list[str] = []
    for chapter, name in CHAPTERS.items():
        lines += [
            "",
            f"## {chapter} {name}",
            "",
            "| id | level | | what | how | shown by |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_line(row) for row in listed if row.chapter == chapter]
    return "\n".join([*lines, ""])


def _line(row: Row) -> str:
    shown = "<br>".join(f"`{each}`" for each in row.evidence)
    return f"| {row.id} | {row.level} | {row.verdict} | {row.what} | {row.how} | {shown} |"


def write() -> None:
    PAGE.write_text(page_with(PAGE.read_text(), rows()))
