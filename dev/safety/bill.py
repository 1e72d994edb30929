"""`python3 -m dev sbom`: the software bill of materials, CycloneDX 1.6, of all that is in the image.

Made from the two locks alone: what they name, with these hashes, is what is installed.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from dev import places

FILE = places.LOCAL / "sbom.json"
NAMED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def write(file: Path = FILE) -> int:
    """Write the bill; return how many components it lists."""
    bill = of_locks(
        (places.ROOT / "requirements.lock").read_text(), (places.ROOT / "package-lock.json").read_text()
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bill, indent=1) + "\n")
    return len(bill["components"])


def of_locks(python: str, npm: str) -> dict[str, Any]:
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "clinic-web"}},
        "components": [*_of_python(python), *_of_npm(npm)],
    }


def _of_python(lock: str) -> list[dict[str, Any]]:
    """Each file that pip may install has a hash of its own; the bill lists them all."""
    components: list[dict[str, Any]] = []
    for line in lock.splitlines():
        if named := NAMED.match(line):
            components.append(_component("pypi", named[1].lower(), named[2]))
        if found := HASH.search(line):
            components[-1].setdefault("hashes", []).append({"alg": "SHA-256", "content": found[1]})
    return components


def _of_npm(lock: str) -> list[dict[str, Any]]:
    components: list[dict[str, Any]] = []
    for path, entry in json.loads(lock)["packages"].items():
        if not path or entry.get("dev"):
            continue
        algorithm, _, digest = entry["integrity"].partition("-")
        component = _component("npm", path.rpartition("node_modules/")[2], entry["version"])
        content = base64.b64decode(digest).hex()
        component["hashes"] = [{"alg": algorithm.upper().replace("SHA", "SHA-"), "content": content}]
        components.append(component)
    return components


def _component(kind: str, name: str, version: str) -> dict[str, Any]:
    purl = f"pkg:{kind}/{name.replace('@', '%40')}@{version}"
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}
