"""docs/security.md says what is true: complete, counted, and nothing named that does not exist."""

import ast
import re
from collections import Counter
from pathlib import Path

from dev.lock import pins
from dev.safety import asvs

ROOT = Path(__file__).parents[2]
ROWS = asvs.rows()
# Requirements of level 1, of levels 1 and 2, in each chapter that concerns us, counted from OWASP's own list.
COUNTS = {
    "V1": (8, 27), "V2": (4, 11), "V3": (8, 19), "V4": (2, 10), "V5": (4, 9), "V6": (13, 35), "V7": (6, 18),
    "V8": (4, 7), "V11": (3, 14), "V12": (3, 9), "V13": (1, 13), "V14": (2, 9), "V15": (3, 13),
    "V16": (0, 16),
}  # fmt: skip
NEVER_IMPORTED = {"pickle", "marshal", "shelve", "xml", "lxml", "ldap", "ldap3", "graphql", "requests",
                  "httpx", "urllib3", "yaml", "subprocess", "memcache", "pymemcache"}  # fmt: skip
NEVER_CALLED = re.compile(r"(?<![\w.])(eval|exec|render_template_string|urlopen)\(")
NEVER_REQUIRED = {"python-ldap", "ldap3", "lxml", "graphene", "graphql-core", "pymemcache", "requests",
                  "httpx", "python3-saml", "authlib", "markdown", "bleach"}  # fmt: skip
# What is put on a page as it stands: our own templates rendered it.
RENDERED_BY_US = {"part.html", "line", "paper"}
PROGRAM = [*sorted((ROOT / "clinic_web").rglob("*.py")), ROOT / "wsgi.py", ROOT / "worker.py"]


def test_every_requirement_is_in_the_list_once() -> None:
    ids = Counter(row.id for row in ROWS)
    assert [each for each, times in ids.items() if times > 1] == []
    for chapter, (first, both) in COUNTS.items():
        of_it = [row for row in ROWS if row.chapter == chapter]
        assert (sum(row.level == 1 for row in of_it), len(of_it)) == (first, both), chapter
    assert len(ROWS) == 210 and sum(row.level == 1 for row in ROWS) == 61
    assert all(re.fullmatch(r"V\d+\.\d+\.\d+", row.id) and row.verdict in asvs.VERDICTS for row in ROWS)
    assert all(row.what and row.how and row.evidence for row in ROWS)


def test_the_page_is_what_the_list_says() -> None:
    """Somebody changed the list and forgot `make security`?"""
    text = asvs.PAGE.read_text()
    assert asvs.page_with(text, ROWS) == text


def test_what_a_line_names_exists() -> None:
    for row in ROWS:
        for each in row.evidence:
            file, _, test = each.partition("::")
            assert (ROOT / file).exists(), (row.id, each)
            if test:
                assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE), (row.id, each)


def test_as_much_is_met_as_was_promised() -> None:
    met = [row for row in ROWS if row.verdict in ("met", "absent")]
    assert sum(row.level == 1 for row in met) == 61
    assert len(met) >= 190


def test_what_is_absent_is_absent() -> None:
    found = []
    for file in PROGRAM:
        text = file.read_text()
        for node in ast.walk(ast.parse(text)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            found += [f"{file.name}: {name}" for name in names if name.partition(".")[0] in NEVER_IMPORTED]
            found += [f"{file.name}: {name}" for name in names if name in ("urllib.request", "http.client")]
        found += [f"{file.name}: {each}" for each in NEVER_CALLED.findall(text)]
    assert found == []
    required = pins((ROOT / "requirements.txt").read_text()).keys()
    assert required & NEVER_REQUIRED == set()
    scripts = "".join(file.read_text() for file in sorted((ROOT / "static" / "js").glob("*.js")))
    for word in ("postMessage", "eval(", "new Function", "document.cookie", "document.write"):
        assert word not in scripts, word
    templates = "".join(file.read_text() for file in sorted((ROOT / "templates").rglob("*.html")))
    assert set(re.findall(r"([\w.]+)\s*\|\s*safe\b", templates)) <= RENDERED_BY_US


def test_browser_storage_holds_one_switch() -> None:
    scripts = "".join(file.read_text() for file in sorted((ROOT / "static" / "js").glob("*.js")))
    assert set(re.findall(r"localStorage\.\w+\((\w+)", scripts)) <= {"SWITCH"}
    for word in ("sessionStorage", "indexedDB", "caches.open"):
        assert word not in scripts, word


def test_scripts_in_pages_hold_no_values_but_as_json() -> None:
    for file in sorted((ROOT / "templates").rglob("*.html")):
        for script in re.findall(r"<script[^>]*>(.*?)</script>", file.read_text(), re.DOTALL):
            values = re.findall(r"\{\{.*?\}\}(?!\})", script, re.DOTALL)
            assert all(re.search(r"\|\s*tojson\b[^|]*$", each) for each in values), (file.name, values)


def test_what_is_typed_as_a_password_is_masked_and_may_be_filled_in() -> None:
    fields = [
        each
        for file in sorted((ROOT / "templates").rglob("*.html"))
        for each in re.findall(r"ui\.text_field\(.*?\) \}\}", file.read_text(), re.DOTALL)
        if "password" in each
    ]
    typed = [each for each in fields if 'type="password"' in each]
    assert len(typed) >= 10
    assert all(re.search(r'autocomplete="(new|current)-password"', each) for each in typed)
    assert all(each in typed for each in fields if "-password" in each)
    scripts = "".join(file.read_text() for file in sorted((ROOT / "static" / "js").glob("*.js")))
    assert not re.search(r"""["']paste["']""", scripts)
