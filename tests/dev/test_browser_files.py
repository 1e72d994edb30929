"""The list of browser files and the icon sprite."""

from pathlib import PurePosixPath

import pytest

from dev import vendor

ICON = '<svg class="bi" width="16" viewBox="0 0 16 16">\n  <path d="M8 4"/>\n</svg>'


def test_files_and_icons_are_read() -> None:
    wanted = vendor.parse('[files]\n"a/b.js" = "b.js"\n[icons]\nnames = ["sun", "moon", "sun"]\n')
    assert wanted == vendor.Wanted({PurePosixPath("a/b.js"): PurePosixPath("b.js")}, ("moon", "sun"))


@pytest.mark.parametrize("line", ['"../secret" = "a"', '"a" = "/etc/a"', '"a" = "b/../../c"'])
def test_a_path_out_of_its_folder_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        vendor.parse(f"[files]\n{line}\n")


def test_each_icon_becomes_a_symbol() -> None:
    sprite = vendor.sprite({"sun": ICON})
    assert '<symbol id="bi-sun" viewBox="0 0 16 16"><path d="M8 4"/></symbol>' in sprite


def test_the_sprite_needs_no_inline_style() -> None:
    assert "style=" not in vendor.sprite({"sun": ICON})  # the content security policy would refuse it


def test_a_drawing_without_a_view_box_is_refused() -> None:
    with pytest.raises(ValueError, match="sun"):
        vendor.sprite({"sun": "<svg><path/></svg>"})
