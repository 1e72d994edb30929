"""``python -m attack [classes] [--seed N] [--sample N]``: attack the program, print tried and succeeded."""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import time
from dataclasses import dataclass, field

from attack.arena import Arena, Tried, try_all
from attack.evidence import changed, mentions, rows_as_owner
from attack.world import running

# Those that end sessions or make people wait come last.
NAMES = (
    "rights",
    "foreign",
    "csrf",
    "fetched",
    "sessions",
    "tokens",
    "api",
    "sockets",
    "probes",
    "injection",
    "shown",
    "typed",
    "mass",
    "repeated",
    "kept",
    "signing_in",
)
MOST_SHOWN = 12


@dataclass
class Tally:
    """What became of one class of attacks."""

    name: str
    what: str
    ids: str
    tried: int = 0
    seconds: float = 0.0
    succeeded: list[Tried] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m attack", description=__doc__)
    parser.add_argument("classes", nargs="*", metavar="class", help=", ".join(NAMES))
    parser.add_argument("--seed", type=int, default=1, help="which sample")
    parser.add_argument("--sample", type=int, default=0, help="so many cases of each class; 0: all")
    asked = parser.parse_args(arguments)
    if unknown := sorted(set(asked.classes) - set(NAMES)):
        print(f"There is no {', '.join(unknown)}; there are {', '.join(NAMES)}.")
        return 2
    with running() as arena:
        tallies = [_attack(arena, name, asked) for name in asked.classes or NAMES]
        tallies.append(_evidence_of(arena))
    print(_table(tallies))
    return 1 if any(tally.succeeded for tally in tallies) else 0


def _attack(arena: Arena, name: str, asked: argparse.Namespace) -> Tally:
    module = importlib.import_module(f"attack.classes.{name}")
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    began = time.monotonic()
    cases = list(module.cases(arena))
    if asked.sample and len(cases) > asked.sample:
        cases = random.Random(asked.seed).sample(cases, asked.sample)
    tally = Tally(name, module.WHAT, module.IDS)
    for tried in try_all(arena, cases):
        tally.tried += 1
        if tried.problem:
            tally.succeeded.append(tried)
    tally.seconds = time.monotonic() - began
    print(f"{tally.tried} in {tally.seconds:.0f} s", file=sys.stderr, flush=True)
    for tried in tally.succeeded[:MOST_SHOWN]:
        print(f"    SUCCEEDED {tried.what}: {tried.problem}", file=sys.stderr, flush=True)
    return tally


def _evidence_of(arena: Arena) -> Tally:
    """After all of it the other tenant's rows are as they were, and no row of ours names a thing of theirs."""
    tally = Tally("evidence", "the other tenant's rows afterwards", "A01 A02 A10 A17")
    theirs = arena.theirs
    moved = changed(arena.untouched, rows_as_owner(arena.app, theirs.organization_id))
    named = mentions(arena.app, arena.ours.organization_id, theirs.things.values())
    tally.tried = 2 * len(arena.untouched)
    tally.succeeded += [Tried(name, "rows of the other tenant are others now") for name in moved]
    tally.succeeded += [Tried(name, "a row of ours names a thing of the other tenant's") for name in named]
    for tried in tally.succeeded:
        print(f"    SUCCEEDED {tried.what}: {tried.problem}", file=sys.stderr, flush=True)
    return tally


def _table(tallies: list[Tally]) -> str:
    rows = [("class", "what is tried", "tried", "succeeded", "seconds", "attacks")]
    rows += [
        (each.name, each.what, str(each.tried), str(len(each.succeeded)), f"{each.seconds:.0f}", each.ids)
        for each in tallies
    ]
    tried, succeeded = sum(each.tried for each in tallies), sum(len(each.succeeded) for each in tallies)
    rows.append(("all", "", str(tried), str(succeeded), f"{sum(each.seconds for each in tallies):.0f}", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n" + "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
