"""A short run of chaos: own servers, real web and workers, each kind of harm. ``make chaos`` is longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAGAS, SEED = 200, 20261121


def test_two_hundred_sagas_survive_every_kind_of_harm() -> None:
    command = [sys.executable, "-m", "chaos", "--sagas", str(SAGAS), "--seed", str(SEED)]
    ran = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-3000:]
    assert "0 violations" in ran.stdout
