"""What dev/vendor.toml asks for: files to copy out of node_modules, and the icons of the one SVG sprite."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import PurePosixPath

_SVG = re.compile(r"<svg\b(?P<attributes>[^>]*)>(?P<drawing>.*)</svg>", re.DOTALL)
_VIEW_BOX = re.compile(r'viewBox="([^"]+)"')


@dataclass(frozen=True)
class Wanted:
    files: dict[PurePosixPath, PurePosixPath]
    icons: tuple[str, ...]


def parse(text: str) -> Wanted:
    """`[files]` "source under node_modules" = "target under static/vendor", and `[icons] names = [...]`."""
    table = tomllib.loads(text)
    files = {_inside(source): _inside(target) for source, target in table.get("files", {}).items()}
    names = sorted(set(table.get("icons", {}).get("names", [])))
    return Wanted(files, tuple(names))


def sprite(drawings: dict[str, str]) -> str:
    """One file with a <symbol id="bi-NAME"> per icon, to be used by `<use href="#bi-NAME">`."""
    symbols = "".join(_symbol(name, svg) for name, svg in sorted(drawings.items()))
    return f'<svg xmlns="http://www.w3.org/2000/svg" display="none" aria-hidden="true">{symbols}</svg>\n'


def _symbol(name: str, svg: str) -> str:
    found = _SVG.search(svg)
    view_box = _VIEW_BOX.search(found["attributes"]) if found else None
    if not found or not view_box:
        raise ValueError(f"the icon {name} is no SVG with a viewBox")
    drawing = re.sub(r">\s+<", "><", found["drawing"]).strip()
    return f'\n<symbol id="bi-{name}" viewBox="{view_box[1]}">{drawing}</symbol>'


def _inside(path: str) -> PurePosixPath:
    """A relative path that stays in its folder."""
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts:
        raise ValueError(f"{path} leads out of its folder")
    return relative
