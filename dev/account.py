"""Under which account, and in which folder, the private servers live.

PostgreSQL refuses to run as root. As root we therefore run the servers as `postgres`, or `nobody`
where there is no such account. That account must be able to reach its data: a checkout below a folder
that only root may enter (such as /root) keeps them in /var/tmp instead, and the binaries with them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev import places, say

CANDIDATES = ("postgres", "nobody")
OUTSIDE = Path("/var/tmp")  # noqa: S108 - survives a restart of the machine; see _outside() for the guard


@dataclass(frozen=True)
class Account:
    """The account the servers run under; None means: the person who called us."""

    user: str | None
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, folder: Path, mode: int = 0o700) -> Path:
        """Makes the folder and gives it to the account."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.user is not None:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(mode)
        return folder

    def may_enter(self, folder: Path) -> bool:
        if self.user is None:
            return True
        probe = ["/bin/sh", "-c", 'cd "$0" && test -r .', str(folder)]
        answer = subprocess.run(
            probe,
            capture_output=True,
            cwd="/",
            check=False,
            **self.popen_arguments(),
        )
        return answer.returncode == 0


def of_servers() -> Account:
    if os.geteuid() != 0:
        return Account(None, os.getuid(), os.getgid())
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise say.Stop(
        "PostgreSQL does not run as root, and this machine has neither an account `postgres` nor "
        "`nobody`. Start as another user, or set DATABASE_URL and REDIS_URL."
    )


def base_folder(account: Account, home: places.Home) -> Path:
    """Where the data of this home's servers lies: inside the checkout wherever that can be reached."""
    home.folder.mkdir(parents=True, exist_ok=True)
    if account.may_enter(home.folder):
        return home.folder
    return _outside(account) / home.name


def reachable(account: Account, package: Path) -> Path:
    """The same folder of binaries, or a copy of it in a place that the account can enter."""
    if account.may_enter(package):
        return package
    target = _outside(account) / "bin" / package.name
    if not target.exists():
        beside = target.with_name(target.name + ".new")
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(package, beside, symlinks=True)
        beside.rename(target)
    return target


def _outside(account: Account) -> Path:
    """A folder of ours in a place where anybody may write: it must be root's own and no link."""
    folder = _outside_path()
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise say.Stop(
            f"{folder} belongs to somebody else. Remove it, or move the checkout to a folder "
            f"that `{account.user}` may enter."
        )
    return folder


def remove_outside() -> None:
    shutil.rmtree(_outside_path(), ignore_errors=True)


def _outside_path() -> Path:
    return OUTSIDE / f"clinic-web-{places.checkout_id()}"
