"""Set-up's tests: a manager's browser, and how to fill in the forms of a page."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

HTMX = {"HX-Request": "true"}
FIELD = re.compile(r'<input[^>]*\sname="([^"]+)"[^>]*>')


@pytest.fixture
def mona(as_person: Callable[[str], FlaskClient]) -> FlaskClient:
    """The browser of the manager, who may set everything up but people's access."""
    return as_person("mona")


def fields_of(page: str, form_class: str = "thing-form") -> dict[str, str | list[str]]:
    """Return what a browser would send back of the page's form, untouched."""
    form = re.search(rf'<form class="[^"]*\b{form_class}\b.*?</form>', page, re.DOTALL)
    assert form, page
    fields: dict[str, str | list[str]] = {}
    for tag in FIELD.finditer(form[0]):
        is_box = 'type="checkbox"' in tag[0]
        if is_box and " checked" not in tag[0]:
            continue
        value = re.search(r'\svalue="([^"]*)"', tag[0])
        text = html.unescape(value[1]) if value else ""
        if is_box:
            fields.setdefault(tag[1], []).append(text)  # type: ignore[union-attr]
        else:
            fields[tag[1]] = text
    for choice in re.finditer(r'<select[^>]*\sname="([^"]+)".*?</select>', form[0], re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', choice[0])
        fields[choice[1]] = html.unescape(chosen[1]) if chosen else ""
    return fields
