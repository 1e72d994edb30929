"""``python -m bench [names]``: measure, print one table, keep it in .local/bench.json."""

from __future__ import annotations

import importlib
import os
import sys
import time
import traceback

from bench import figures
from bench.figures import Figure
from bench.world import World, new_world

NAMES = (
    "calls",
    "walkins",
    "booking",
    "boards",
    "idle",
    "receptions",
    "doctors",
    "listing",
    "killed",
    "search",
    "imports",
    "history",
    "audit",
    "access",
    "sagas",
)


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"There is no {', '.join(unknown)}; there are {', '.join(NAMES)}.")
        return 2
    found: list[Figure] = []
    with new_world() as world:
        for name in names or NAMES:
            found += _measured(name, world)
        print("\n" + figures.table(found), flush=True)
        figures.keep(found)
    return 0 if all(figure.is_met is not False for figure in found) else 1


def _measured(name: str, world: World) -> list[Figure]:
    """A scenario that breaks is a bar that is not met; the others are measured all the same."""
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        found: list[Figure] = importlib.import_module(f"bench.scenarios.{name}").run(world)
    except Exception as error:
        traceback.print_exc()
        found = [Figure(what=name, ours=f"FAILED: {type(error).__name__}: {error}"[:200], is_met=False)]
    load = os.getloadavg()[0]
    print(f"{time.monotonic() - began:.0f} s, load {load:.1f}", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
