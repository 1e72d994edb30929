"""``python -m bench [names]``: measure, print one table, keep it in .local/bench.json."""

from __future__ import annotations

import importlib
import sys
import time

from bench import figures
from bench.world import new_world

NAMES = ("calls", "walkins", "booking", "boards", "idle", "receptions", "doctors", "killed")


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"There is no {', '.join(unknown)}; there are {', '.join(NAMES)}.")
        return 2
    found = []
    with new_world() as world:
        for name in names or NAMES:
            began = time.monotonic()
            found += importlib.import_module(f"bench.scenarios.{name}").run(world)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        print("\n" + figures.table(found), flush=True)
        figures.keep(found)
    return 0 if all(figure.is_met is not False for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
