"""What one process has compiled the next one need not; what changed is compiled anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, render_template

from clinic_web.ui.compiled import keep_compiled


class Room:
    """A folder of templates and one of compiled ones, and a process after the other that uses them."""

    def __init__(self, folder: Path) -> None:
        self.templates, self.kept = folder / "templates", folder / "kept"
        self.templates.mkdir()
        self.kept.mkdir()
        self.write("Hello {{ name }}")

    def write(self, text: str) -> None:
        (self.templates / "page.html").write_text(text)

    def shows(self) -> tuple[str, int]:
        """What a new process shows, and how many templates it had to compile."""
        app = Flask(__name__, template_folder=str(self.templates))
        keep_compiled(app, self.kept)
        compiled: list[str] = []
        compile_one = app.jinja_env.compile

        def compile_and_count(*given: object, **more: object) -> object:
            compiled.append("one")
            return compile_one(*given, **more)  # type: ignore[call-overload]

        app.jinja_env.compile = compile_and_count  # type: ignore[method-assign,assignment]
        with app.test_request_context():
            return render_template("page.html", name="<Mona>"), len(compiled)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_the_second_process_finds_it_compiled(room: Room) -> None:
    assert room.shows() == ("Hello &lt;Mona&gt;", 1)
    assert room.shows() == ("Hello &lt;Mona&gt;", 0)


def test_a_changed_template_is_compiled_anew(room: Room) -> None:
    room.shows()
    room.write("Good day {{ name }}")
    assert room.shows() == ("Good day &lt;Mona&gt;", 1)


def test_what_is_damaged_is_made_again(room: Room) -> None:
    room.shows()
    for file in room.kept.iterdir():
        file.write_bytes(b"nothing that can be read")
    assert room.shows() == ("Hello &lt;Mona&gt;", 1)


def test_where_nothing_can_be_kept_all_is_shown_all_the_same(room: Room) -> None:
    room.kept.rmdir()
    assert room.shows() == ("Hello &lt;Mona&gt;", 1)
    assert room.shows() == ("Hello &lt;Mona&gt;", 1)
