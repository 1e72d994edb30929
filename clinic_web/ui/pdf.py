"""Paper: a typst template and its data become a PDF, in either direction of writing.

Templates lie in ``templates/pdf/*.typ`` and see nothing else. They get their data as JSON and never as
source text, so whatever a person typed stays text. Words and figures come translated and formatted in the
data (``ui.texts``); a template only places them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import structlog
import typst

from clinic_web.kernel import clock
from clinic_web.ui.texts import RIGHT_TO_LEFT

logger = structlog.get_logger(__name__)

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates" / "pdf"
FONTS = ROOT / "static" / "vendor" / "fonts" / "pdf"
MIMETYPE = "application/pdf"


def render(template_name: str, data: Mapping[str, Any], language: str) -> bytes:
    """Return the PDF that ``templates/pdf/<template_name>.typ`` makes of ``data``.

    ``data`` is anything JSON can say; UUIDs, dates and Decimals become their text. ``language`` is ``en`` or
    ``ar`` and turns the page round. One page takes some 20 ms of CPU: what has many pages belongs in a
    worker. Raises ``typst.TypstError`` when the template is wrong, which is a bug.
    """
    (whole,) = _compile(template_name, data, language, "pdf")
    return whole


def pictures(template_name: str, data: Mapping[str, Any], language: str, *, ppi: float = 144) -> list[bytes]:
    """Return the same pages as PNG pictures of ``ppi`` dots per inch, to look at them."""
    return _compile(template_name, data, language, "png", ppi)


def _compile(
    template_name: str, data: Mapping[str, Any], language: str, form: Any, ppi: float | None = None
) -> list[bytes]:
    inputs = {
        "data": json.dumps(data, default=str, ensure_ascii=False),
        "language": language,
        "direction": "rtl" if language in RIGHT_TO_LEFT else "ltr",
    }
    template = TEMPLATES / f"{template_name}.typ"
    compiler = typst.Compiler(template, root=TEMPLATES, font_paths=_fonts(), sys_inputs=inputs)
    made = compiler.compile(format=form, ppi=ppi, timestamp=clock.now().replace(microsecond=0))
    if made is None:
        raise RuntimeError(f"typst wrote nothing for {template_name}")
    return made if isinstance(made, list) else [made]


@cache
def _fonts() -> typst.Fonts:
    """Only the fonts that the program brings: a page looks the same on every machine."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])
    if not fonts.families():
        logger.error("pdf_fonts_missing", folder=str(FONTS.relative_to(ROOT)))
        return typst.Fonts(include_system_fonts=True, include_embedded_fonts=True)
    return fonts
