"""A hundred thousand patients by CSV: rows in a second, and whether the memory grows with the file."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.crowd_names import Names
from bench.figures import ROUNDS, Figure
from bench.world import World

ROWS, FEW = (100_000, 20_000) if ROUNDS >= 5 else (40_000, 10_000)
REACH, FLAT = 2000, 1.10
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """``memory`` is the most that the process had resident, in MiB."""

    seconds: float
    memory: float


def run(world: World) -> list[Figure]:
    with TemporaryDirectory() as folder:
        few = _imported(world, _list(Path(folder) / "few.csv", FEW, "F"))
        many = _imported(world, _list(Path(folder) / "many.csv", ROWS, "M"))
        again = _imported(world, Path(folder) / "many.csv")
    there = world.sql("SELECT count(*) FROM patients.patients")[0][0]
    per_second = ROWS / many.seconds
    growth = many.memory / few.memory
    return [
        Figure(
            what="import of patients by CSV, rows in a second",
            ours=f"{per_second:,.0f}",
            reach=f">= {REACH:,}",
            is_met=per_second >= REACH and there == ROWS + FEW,
            rests_on=f"{ROWS:,} rows in {many.seconds:.1f} s; again, changing nothing, {again.seconds:.1f} s",
        ),
        Figure(
            what="import of patients by CSV, memory",
            ours=f"{many.memory:.0f} MiB",
            floor=f"{few.memory:.0f} MiB for {FEW:,}",
            ratio=growth,
            reach=f"<= {FLAT} x",
            is_met=growth <= FLAT,
            rests_on="most resident memory of the process",
        ),
    ]


def _list(path: Path, count: int, prefix: str) -> Path:
    """A file as a clinic's old program writes it: two scripts, telephones with spaces, ages and dates."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(("File no", "Name", "Mobile", "Born", "Sex", "City"))
        for number, (first, father, last, is_female) in enumerate(Names(seed=5).draw(count), start=1):
            phone = f"01{number % 3} {number * 7919 % 10_000:04d} {number % 10_000:04d}" if number % 4 else ""
            born = (
                str(number % 90)
                if number % 2
                else f"{number % 28 + 1}/{number % 12 + 1}/{1940 + number % 80}"
            )
            sex = "F" if is_female else "ذكر"
            writer.writerow((f"{prefix}{number}", f"{first} {father} {last}", phone, born, sex, "Giza"))
    return path


def _imported(world: World, path: Path) -> Run:
    """Run the command as an operator does, in a process of its own, and ask the system what it took."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "import", "patients", str(path), "--yes"]
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | world.env, stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the import ended with {process.returncode}")
    return Run(time.monotonic() - began, usage.ru_maxrss / 1024)
