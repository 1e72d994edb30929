"""``python -m chaos --sagas 200 --seed 7``: the run, its progress, and its figures. Ends with 1 where one broke."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from pathlib import Path

from chaos import run

ROOT = Path(__file__).parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--sagas", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=12, help="who press at once")
    parser.add_argument(
        "--durable", action="store_true", help="PostgreSQL waits for the disk, as in production"
    )
    parser.add_argument("--calm", action="store_true", help="break nothing: how quick is it by itself?")
    asked = parser.parse_args()
    git = ["git", "rev-parse", "--short", "HEAD"]
    sha = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip() or "?"
    wanted = run.Wanted(
        sagas=asked.sagas, seed=asked.seed, people=asked.people, is_durable=asked.durable, is_calm=asked.calm
    )
    print(f"chaos: {asked.sagas} sagas, seed {asked.seed}, git {sha}", flush=True)
    signal.signal(
        signal.SIGTERM, lambda _signal, _frame: sys.exit(143)
    )  # whoever ends us finds nothing running
    outcome = run.run(wanted)
    print(outcome.text())
    if outcome.wrong:
        print(f"\nFAILED with seed {asked.seed}, git {sha}:")
        print("\n".join(f"  {each}" for each in outcome.wrong))
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
