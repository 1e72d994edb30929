"""Both private servers of one home, and the addresses under which the program finds them.

A server whose address is given in the environment is used as it is, and none is started for it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from dev import account, locks, places, postgres, postgres_binaries, postgres_data, say, secretsfile, valkey

ROLES_SQL = places.ROOT / "deploy" / "postgres-roles.sql"
SECRETS = ("postgres_superuser", "postgres_owner", "postgres_app", "valkey", "secret_key", "secret_store_key")
KEYS = ("SECRET_KEY", "SECRET_STORE_KEY")
ADDRESSES = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
# Search by Arabic names is dead, silently, when the database does not see letters in them.
ARABIC_CHECK = "select cardinality(show_trgm('سلام')) > 0"


@dataclass(frozen=True)
class Servers:
    """What runs for a home; None where an outside server was given."""

    home: places.Home
    given: Mapping[str, str]
    postgres: postgres.Postgres | None
    valkey: valkey.Valkey | None

    def ensure_running(self) -> None:
        with locks.waiting(self.home.run_folder / "servers.lock"):
            if self.postgres:
                self.postgres.ensure_running()
                _prepare(self.postgres, self.home)
            if self.valkey:
                self.valkey.ensure_running()

    def mend(self) -> None:
        """Starts again what died. Cheap enough for every second: it only looks for the processes."""
        postgres_died = self.postgres and not postgres_data.running_pid(self.postgres.data)
        valkey_died = self.valkey and not valkey.pid_of(self.valkey.folder)
        if postgres_died or valkey_died:
            self.ensure_running()

    def addresses(self) -> dict[str, str]:
        """Where the program finds its servers, and the keys it signs and encrypts with."""
        secrets, given = _secrets(self.home), self.given
        app, owner, redis = given.get("DATABASE_URL"), given.get("DATABASE_OWNER_URL"), given.get("REDIS_URL")
        if self.postgres:
            app = self.postgres.url("clinic_app", secrets["postgres_app"], "clinic_web")
            owner = self.postgres.url("clinic_owner", secrets["postgres_owner"], "clinic_web")
        if self.valkey:
            redis = self.valkey.url()
        return {
            "DATABASE_URL": app or "",
            "DATABASE_OWNER_URL": owner or app or "",
            "REDIS_URL": redis or "",
            "SECRET_KEY": given.get("SECRET_KEY") or secrets["secret_key"],
            "SECRET_STORE_KEY": given.get("SECRET_STORE_KEY") or secrets["secret_store_key"],
        }


def of(home: places.Home, environment: Mapping[str, str] = os.environ) -> Servers:
    """The servers this home needs, beside what the environment gives. Starts nothing yet."""
    given = outside(environment, _secrets(home))
    return Servers(
        home,
        given,
        None if given.get("DATABASE_URL") else _private_postgres(home),
        None if given.get("REDIS_URL") else _private_valkey(home),
    )


def outside(environment: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The environment without the addresses of our own servers.

    A shell that has read the env file carries them; taken for outside servers they would never be started.
    """
    ours = tuple(secrets.values())
    return {
        name: value
        for name, value in environment.items()
        if not (name in ADDRESSES and any(secret in value for secret in ours))
    }


def bring_up(wanted: Servers) -> None:
    """Running servers, and the env file that says where they are."""
    wanted.ensure_running()
    lines = {wanted.home.prefix + name: value for name, value in wanted.addresses().items()}
    secretsfile.write_private(wanted.home.env_file, secretsfile.env_text(lines))


def stop(home: places.Home) -> None:
    """Stops this home's private servers, whoever started them."""
    if not home.secrets_file.exists():
        return
    base = account.base_folder(account.of_servers(), home)
    with locks.waiting(home.run_folder / "servers.lock"):
        valkey.stop(base / "redis")
        postgres.stop(base / "pg" / "data")
        home.keep_mark.unlink(missing_ok=True)


def remove(home: places.Home) -> None:
    """Removes the data of stopped servers, and the passwords that open them."""
    if not home.secrets_file.exists():
        return
    base = account.base_folder(account.of_servers(), home)
    for name in ("pg", "redis"):
        shutil.rmtree(base / name, ignore_errors=True)
    for file in (home.secrets_file, home.env_file, home.logins_file):
        file.unlink(missing_ok=True)
    account.remove_outside()


def _private_postgres(home: places.Home) -> postgres.Postgres:
    owner = account.of_servers()
    folder = account.base_folder(owner, home) / "pg"
    binaries = postgres_binaries.find(owner, data_major=postgres_data.major_version(folder))
    password = _secrets(home)["postgres_superuser"]
    return postgres.Postgres(folder, owner, binaries, password, is_for_tests=home is places.TEST)


def _private_valkey(home: places.Home) -> valkey.Valkey:
    owner = account.of_servers()
    folder = account.base_folder(owner, home) / "redis"
    return valkey.Valkey(folder, owner, valkey.find(owner), _secrets(home)["valkey"])


def _secrets(home: places.Home) -> dict[str, str]:
    return secretsfile.generated(home.secrets_file, SECRETS)


def _prepare(server: postgres.Postgres, home: places.Home) -> None:
    """Roles, database, extensions: every time, so that the passwords always are the noted ones."""
    secrets = _secrets(home)
    server.sql(
        ROLES_SQL.read_text(),
        CLINIC_OWNER_PASSWORD=secrets["postgres_owner"],
        CLINIC_APP_PASSWORD=secrets["postgres_app"],
    )
    if home is places.TEST:
        # Tests make databases of their own, and drop them under whoever is still connected.
        server.sql("ALTER ROLE clinic_owner CREATEDB; GRANT pg_signal_backend TO clinic_owner")
    if server.sql(ARABIC_CHECK, database="clinic_web") != "t":
        raise say.Stop(
            "This PostgreSQL sees no letters in Arabic words, so people could not be found by name. "
            "Remove the data with `make clean DATA=1` and start again with a UTF-8 locale."
        )
