"""`python -m dev.safety.code_scan`: bandit on the files that are new or have changed.

Ruff's S rules are bandit's own, kept in the line they excuse; what both know, ruff alone reports (the list
stands in pyproject.toml).
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

from dev import places, say
from dev.safety.seen import Seen, files_below

ROOTS = ("clinic_web", "dev", "migrations", "bench")
SETTINGS = places.ROOT / "pyproject.toml"


def main() -> int:
    files = [places.ROOT / name for name in ("wsgi.py", "worker.py", "gunicorn.conf.py")]
    files += [file for root in ROOTS for file in files_below(places.ROOT / root) if file.suffix == ".py"]
    seen = Seen("bandit", version("bandit") + SETTINGS.read_text())
    unseen = seen.unseen(files)
    if unseen:
        bandit = [sys.executable, "-m", "bandit", "--quiet", "--configfile", str(SETTINGS)]
        done = subprocess.run([*bandit, *map(str, unseen)], check=False)
        if done.returncode:
            return done.returncode
        seen.remember(unseen)
    say.plain(f"bandit: nothing in {len(files)} files ({len(unseen)} of them new or changed)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
