"""`python -m dev.safety.secret_scan`: no password, key or token stands in a file of the checkout.

detect-secrets looks; what it takes for a secret and is none stands in `secrets-known.toml` with the reason.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

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

    settings = {"plugins_used": [_plugin(name) for name in PLUGINS]}
    found: list[Found] = []
    with transient_settings(settings):
        for file in files:
            secrets = SecretsCollection()
            secrets.scan_file(str(file))
            name = str(file.relative_to(root))
            found += [
                Found(name, secret.line_number, secret.type, secret.secret_hash[:12])
                for _, secret in secrets
                if not (name.startswith("tests/") and secret.type in GUESSES)
            ]
    return found


def _plugin(name: str) -> dict[str, object]:
    return {"name": name} | ({"limit": LIMITS[name]} if name in LIMITS else {})


if __name__ == "__main__":
    sys.exit(main())
