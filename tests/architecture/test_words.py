"""The program's words: all of them are marked, and each is in the Arabic catalogue, whole."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel import Locale
from babel.messages import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from dev import words

ROOT = Path(__file__).parents[2]
ARABIC = words.CATALOGUES / "ar" / "LC_MESSAGES" / "messages.po"
PLACEHOLDER = re.compile(r"%\((\w+)\)s|\{(\w+)\}")
COUNT = "num"
# A person counts one and two with the word's own form; from three on the figure must stand there.
FORMS = ("zero", "one", "two", "few", "many", "other")
WITHOUT_FIGURE = ("zero", "one", "two")

COMMENT_OR_SCRIPT = re.compile(
    r"\{#.*?#\}|<script.*?</script>|\{% block (?:\w*class|state) %\}.*?\{% endblock %\}", re.DOTALL
)
STATEMENT = re.compile(r"\{%.*?%\}", re.DOTALL)
OUTPUT = re.compile(r"\{\{.*?\}\}", re.DOTALL)
TEXT = re.compile(r">([^<>]*)<|\b(?:title|alt|placeholder|aria-label|data-busy|data-key-label)=\"([^\"]*)\"")
OWN_NAMES = {"English", "العربية"}  # a language is offered in its own words


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Every text that code and templates mark, collected as `make words` does."""
    file = tmp_path_factory.mktemp("words") / "words.pot"
    with pytest.MonkeyPatch.context() as here:
        here.chdir(ROOT)
        CommandLineInterface().run(["pybabel", "--quiet", *words.extraction(file)])
    with file.open("rb") as texts:
        yield read_po(texts)


@pytest.fixture(scope="module")
def arabic() -> Catalog:
    with ARABIC.open("rb") as texts:
        return read_po(texts)


def messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def texts_of(value: str | tuple[str, ...] | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def placeholders(text: str) -> set[str]:
    return {name or braced for name, braced in PLACEHOLDER.findall(text)}


def test_every_text_has_an_arabic_one(collected: Catalog, arabic: Catalog) -> None:
    translated = {
        message.id
        for message in messages(arabic)
        if not message.fuzzy and all(texts_of(message.string)) and message.string
    }
    missing = [message.id for message in messages(collected) if message.id not in translated]
    assert not missing, "`make words`, then translate these"


def test_the_arabic_catalogue_holds_nothing_that_is_fuzzy_or_gone(
    collected: Catalog, arabic: Catalog
) -> None:
    known = {message.id for message in messages(collected)}
    assert not [message.id for message in messages(arabic) if message.fuzzy or message.id not in known]
    assert not arabic.obsolete


def test_a_translation_keeps_every_placeholder(arabic: Catalog) -> None:
    lost = []
    for message in messages(arabic):
        wanted = placeholders("".join(texts_of(message.id)))
        for form, text in zip(FORMS, texts_of(message.string), strict=False):
            free = {COUNT} if message.pluralizable and form in WITHOUT_FIGURE else set()
            if placeholders(text) | free != wanted | free:
                lost.append((message.id, text))
    assert not lost


def test_a_translation_can_be_filled_in(arabic: Catalog) -> None:
    """A percent sign that is not doubled breaks only when the sentence is shown."""
    for message in messages(arabic):
        values = dict.fromkeys(placeholders("".join(texts_of(message.id))), "7")
        for text in texts_of(message.string):
            assert "%(" not in text % values


def test_arabic_counts_in_its_six_forms(arabic: Catalog) -> None:
    incomplete = [
        message.id
        for message in messages(arabic)
        if message.pluralizable and (len(message.string) != len(FORMS) or not all(message.string))
    ]
    assert not incomplete


def test_a_number_chooses_the_form_that_the_language_has_for_it(arabic: Catalog) -> None:
    """The header that Babel writes by itself swaps the last two forms: eleven would sound like a hundred."""
    compiled = io.BytesIO()
    write_mo(compiled, arabic)
    compiled.seek(0)
    chosen = GNUTranslations(compiled).plural
    in_the_language = Locale("ar").plural_form
    assert [FORMS[chosen(n)] for n in range(205)] == [in_the_language(n) for n in range(205)]


def test_every_word_of_a_template_is_marked() -> None:
    bare = [
        f"{file.relative_to(ROOT)}: {text.strip()}"
        for file in sorted((ROOT / "templates").rglob("*.html"))
        for text in unmarked(file.read_text(encoding="utf-8"))
    ]
    assert not bare


def unmarked(template: str) -> Iterator[str]:
    plain = OUTPUT.sub("", STATEMENT.sub("", COMMENT_OR_SCRIPT.sub("", template)))
    for between, attribute in TEXT.findall(plain):
        text = between or attribute
        if re.search(r"[^\W\d_]{2,}", text) and text.strip() not in OWN_NAMES:
            yield text
