"""What the launcher decides before it does anything."""

import dataclasses
from pathlib import Path

import pytest
from sqlalchemy import make_url

from dev import account, postgres, postgres_binaries, prove, run, say, secretsfile, servers, supervise, valkey


def test_the_address_has_defaults() -> None:
    assert run.address({}) == run.Address("127.0.0.1", 8000, "http://localhost:8000")


def test_the_port_changes_the_address() -> None:
    assert run.address({"PORT": "9001"}).public_url == "http://localhost:9001"


@pytest.mark.parametrize("port", ["web", "0", "70000", "-1", "80.5"])
def test_an_impossible_port_is_refused_with_a_sentence(port: str) -> None:
    with pytest.raises(say.Stop, match="must be a number"):
        run.address({"PORT": port})


@pytest.mark.parametrize(("said", "wanted"), [({}, True), ({"DEMO": "no"}, False), ({"DEMO": "yes"}, True)])
def test_the_demo_is_made_unless_one_says_no(said: dict[str, str], wanted: bool) -> None:
    assert run.wants_demo(said) is wanted


def test_each_death_doubles_the_pause_up_to_a_bound() -> None:
    assert [supervise.pause_after(deaths) for deaths in (1, 2, 3, 9)] == [0.5, 1.0, 2.0, 10.0]


def test_addresses_of_our_own_servers_do_not_count_as_given() -> None:
    environment = {"DATABASE_URL": "postgresql://clinic_app:ours@127.0.0.1/x", "REDIS_URL": "redis://theirs"}
    assert servers.outside(environment, {"postgres_app": "ours"}) == {"REDIS_URL": "redis://theirs"}


def test_tests_never_see_the_addresses_a_person_works_with() -> None:
    environment = {"DATABASE_URL": "live", "REDIS_URL": "live", "PATH": "/bin"}
    addresses = {"DATABASE_URL": "a", "DATABASE_OWNER_URL": "b", "REDIS_URL": "c", "SECRET_KEY": "d"}
    env = prove.test_environment(environment, addresses)
    assert "live" not in env.values()
    assert (env["TEST_DATABASE_OWNER_URL"], env["TEST_REDIS_URL"], env["APP_ENV"]) == ("b", "c", "test")


def test_servers_given_for_tests_have_names_of_their_own() -> None:
    environment = {"DATABASE_URL": "live", "TEST_DATABASE_URL": "trial"}
    assert prove.given_for_tests(environment) == {"DATABASE_URL": "trial"}


@pytest.mark.parametrize(
    ("said", "major"),
    [
        ("postgres (PostgreSQL) 18.6\n", 18),
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15),
        ("", 0),
    ],
)
def test_a_server_says_its_version(said: str, major: int) -> None:
    assert postgres_binaries.major_version(said) == major


def test_the_env_file_refuses_a_line_break() -> None:
    with pytest.raises(ValueError, match="line break"):
        secretsfile.env_text({"A": "1\nB=2"})


def test_a_table_is_as_wide_as_its_words() -> None:
    rows = [{"role": "desk", "page": "/desk"}, {"role": "administrator", "page": "/"}]
    assert say.table(rows, ["role", "page"]).splitlines() == [
        "role           page",
        "desk           /desk",
        "administrator  /",
    ]


def test_tests_reach_their_server_by_its_socket_where_it_has_one(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("21000\n")
    (tmp_path / ".s.PGSQL.21000").touch()
    me, found = account.Account(None, 0, 0), postgres_binaries.Binaries(tmp_path, 15)
    tests = postgres.Postgres(tmp_path, me, found, "", is_for_tests=True)
    assert make_url(tests.url("a", "b", "c")).query == {"host": str(tmp_path), "port": "21000"}
    others = dataclasses.replace(tests, is_for_tests=False)
    assert others.url("a", "b", "c") == "postgresql://a:b@127.0.0.1:21000/c"
    deep = dataclasses.replace(tests, folder=tmp_path / ("d" * 100))
    assert deep.socket_folder is None


def test_only_the_tests_own_server_does_not_wait_for_the_disk() -> None:
    assert {postgres.SETTINGS[name] for name in ("fsync", "synchronous_commit", "full_page_writes")} == {"on"}
    assert "synchronous_commit" not in postgres.FOR_TESTS
    assert not postgres.Postgres.is_for_tests, "who does not say so waits"


def test_redis_keeps_what_it_accepted() -> None:
    assert {"appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction"} <= set(
        valkey.SETTINGS.splitlines()
    )
