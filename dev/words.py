"""The words of the program in other languages: collected from code and templates, compiled for use."""

from __future__ import annotations

from pathlib import Path

from dev import places, say, shell, stamps

CATALOGUES = places.ROOT / "clinic_web" / "translations"
MAPPING = places.ROOT / "pyproject.toml"
COLLECTED = places.LOCAL / "words.pot"
STAMP = places.LOCAL / "words.stamp"
MARKS = ["_", "N_", "gettext", "ngettext:1,2", "pgettext:1c,2", "lazy_gettext", "_l"]
PYBABEL = [str(places.PYTHON), "-m", "babel.messages.frontend"]


def collect(languages: list[str]) -> None:
    """Brings each catalogue up to the texts of the program; a language named for the first time gets one."""
    COLLECTED.parent.mkdir(parents=True, exist_ok=True)
    _pybabel(*extraction(COLLECTED))
    for language in languages:
        if not _catalogue(language).exists():
            _pybabel(
                "init", f"--input-file={COLLECTED}", f"--output-dir={CATALOGUES}", f"--locale={language}"
            )
    if CATALOGUES.exists():
        _pybabel("update", f"--input-file={COLLECTED}", f"--output-dir={CATALOGUES}",
                 "--no-fuzzy-matching", "--ignore-obsolete", "--ignore-pot-creation-date")  # fmt: skip
    ensure_compiled()


def extraction(into: Path) -> list[str]:
    """How the texts are collected: one way for the catalogues and for the test that compares them."""
    marks = [f"--keyword={mark}" for mark in MARKS]
    return ["extract", f"--mapping-file={MAPPING}", "--no-default-keywords", *marks, "--sort-by-file",
            "--no-location", "--add-comments=Translators:", "--project=Clinic Web",
            f"--output-file={into}", "clinic_web", "templates"]  # fmt: skip


def ensure_compiled() -> None:
    """The compiled catalogues are never committed, so each checkout makes its own."""
    sources = sorted(CATALOGUES.rglob("*.po"))
    compiled = all(source.with_suffix(".mo").exists() for source in sources)
    digest = stamps.of_files(sources)
    if not sources or (compiled and stamps.matches(STAMP, digest)):
        return
    with say.step("compiling translations"):
        _pybabel("compile", f"--directory={CATALOGUES}")
        stamps.keep(STAMP, digest)


def _catalogue(language: str) -> Path:
    return CATALOGUES / language / "LC_MESSAGES" / "messages.po"


def _pybabel(command: str, *arguments: str) -> None:
    shell.quietly([*PYBABEL, command, *arguments], why=f"pybabel {command}", log_name=f"words-{command}")
