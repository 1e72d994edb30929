"""`python -m dev.safety.secret_scan`: no password, key or token stands in a file of the checkout.

detect-secrets looks; what it takes for a secret and is none stands in `secrets-known.toml` with the reason.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dev import places, say
from dev.safety.seen import Seen, files_below

KNOWN = Path(__file__).with_name("secrets-known.toml")
# Pictures and generated hashes hold nothing that a person wrote.
SKIPPED = {".png", ".svg", ".woff2", ".lock", ".csv", ".po", ".pyc", ".mo"}
SKIPPED_NAMES = {"package-lock.json", "secrets-known.toml"}
PLUGINS = (
    "AWSKeyDetector", "BasicAuthDetector", "GitHubTokenDetector", "GitLabTokenDetector",
    "HexHighEntropyString", "Base64HighEntropyString", "JwtTokenDetector", "KeywordDetector",
    "NpmDetector", "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector",
    "StripeDetector", "TwilioKeyDetector",
)  # fmt: skip
LIMITS = {"HexHighEntropyString": 3.0, "Base64HighEntropyString": 4.5}
# People who exist only in tests have passwords there; real keys would still be found by their shapes.
GUESSES = {"Secret Keyword", "Hex High Entropy String", "Base64 High Entropy String"}
GUESSING = {"KeywordDetector", "HexHighEntropyString", "Base64HighEntropyString"}
# Where a string stands in quotes; in settings and the like it may stand without.
QUOTING = {".py", ".html", ".js", ".css", ".md", ".sh", ".sql", ".tsv"}


@dataclass(frozen=True)
class Found:
    """Something that looks like a secret; ``mark`` names it without saying it."""

    file: str
    line: int
    kind: str
    mark: str


def main() -> int:
    known = {(each["file"], each["mark"]) for each in tomllib.loads(KNOWN.read_text())["known"]}
    seen = Seen("secrets", f"{version('detect-secrets')} {PLUGINS} {sorted(known)}")
    files = [file for file in files_below(places.ROOT) if not is_skipped(file)]
    unseen = seen.unseen(files)
    found = [each for each in look(unseen, places.ROOT) if (each.file, each.mark) not in known]
    for each in found:
        say.plain(f"{each.file}:{each.line}: {each.kind} (mark {each.mark})")
    guilty = {each.file for each in found}
    seen.remember(file for file in unseen if str(file.relative_to(places.ROOT)) not in guilty)
    if found:
        say.plain(f"Take them out and change them; what is no secret goes into {KNOWN.name} with the reason.")
    else:
        say.plain(f"no secrets in {len(files)} files ({len(unseen)} of them new or changed)")
    return 1 if found else 0


def is_skipped(file: Path) -> bool:
    return file.suffix in SKIPPED or file.name in SKIPPED_NAMES


def look(files: list[Path], root: Path) -> list[Found]:
    """What looks like a secret in these files, in their order."""
    from detect_secrets.core.secrets_collection import SecretsCollection
    from detect_secrets.settings import transient_settings

    found: dict[Path, list[Found]] = {}
    for plugins, alike in _by_plugins(files, root).items():
        with transient_settings({"plugins_used": [_plugin(name) for name in sorted(plugins)]}):
            for file in alike:
                secrets = SecretsCollection()
                secrets.scan_file(str(file))
                name = str(file.relative_to(root))
                found[file] = [
                    Found(name, secret.line_number, secret.type, secret.secret_hash[:12])
                    for _, secret in secrets
                    if not (name.startswith("tests/") and secret.type in GUESSES)
                ]
    return [each for file in files for each in found.get(file, [])]


def _by_plugins(files: list[Path], root: Path) -> dict[frozenset[str], list[Path]]:
    """Files by the plugins that can find anything in them: each asks every line, and most ask in vain."""
    shapes = _shapes()
    grouped: dict[frozenset[str], list[Path]] = defaultdict(list)
    for file in files:
        plugins = frozenset(PLUGINS)
        if file.suffix in QUOTING:
            text = file.read_text(encoding="utf-8", errors="replace")
            plugins = frozenset(name for name, shape in shapes.items() if shape.search(text))
        if str(file.relative_to(root)).startswith("tests/"):
            plugins -= GUESSING
        if plugins:
            grouped[plugins].append(file)
    return grouped


def _shapes() -> dict[str, re.Pattern[str]]:
    """By plugin: what a file must hold for it to find something.

    A string of n characters has at most log2(n) bits of entropy each, so shorter ones stay below the limits.
    """
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.keyword import DENYLIST

    shapes = {
        "HexHighEntropyString": r"""(['"])[0-9a-fA-F]{9,}\1""",
        "Base64HighEntropyString": r"""(['"])[a-zA-Z0-9+/\\_=-]{23,}\1""",
        "KeywordDetector": f"(?i:{'|'.join(DENYLIST)})",
    }
    known: Iterable[Any] = get_mapping_from_secret_type_to_class().values()
    for plugin in known:
        if plugin.__name__ in PLUGINS and plugin.__name__ not in shapes:
            shapes[plugin.__name__] = "|".join(_inline(each) for each in plugin().denylist)
    return {name: re.compile(shape, re.MULTILINE) for name, shape in shapes.items()}


def _inline(pattern: re.Pattern[str]) -> str:
    return f"(?i:{pattern.pattern})" if pattern.flags & re.IGNORECASE else f"(?:{pattern.pattern})"


def _plugin(name: str) -> dict[str, object]:
    return {"name": name} | ({"limit": LIMITS[name]} if name in LIMITS else {})


if __name__ == "__main__":
    sys.exit(main())
