"""The house's rules as tests: what would otherwise live in somebody's memory."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import create_engine

from clinic_web.config import ConfigError, Settings
from clinic_web.kernel import bus, jobs
from clinic_web.kernel.db import Model
from clinic_web.ui import shell

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "clinic_web"
TEMPLATES = ROOT / "templates"
OPEN_TO_EVERY_MODULE = {"kernel", "events", "ui", "config", "audit"}
LONGEST_FILE = 400
LONGEST_FUNCTION = 50


def sources() -> list[Path]:
    return sorted(PROGRAM.rglob("*.py"))


def module_of(file: Path) -> str:
    return file.relative_to(PROGRAM).parts[0].removesuffix(".py")


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_a_module_enters_another_through_its_front_door_only() -> None:
    broken = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in sources()
        if module_of(file) not in {"app", "cli"}
        for name in imports_of(file)
        if (parts := name.split("."))[0] == "clinic_web"
        and len(parts) > 2
        and parts[1] not in OPEN_TO_EVERY_MODULE | {module_of(file)}
        and parts[2] != "api"
    ]
    assert not broken


def test_nobody_commits_outside_the_unit_of_work() -> None:
    committing = [
        str(file.relative_to(ROOT))
        for file in sources()
        if re.search(r"\.commit\(", file.read_text(encoding="utf-8")) and file.name != "unit_of_work.py"
    ]
    assert not committing


def test_no_foreign_key_leaves_its_schema() -> None:
    leaving = [
        str(key)
        for table in Model.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.schema != table.schema
    ]
    assert not leaving


def test_every_table_lies_in_its_modules_schema() -> None:
    for mapper in Model.registry.mappers:
        assert mapper.class_.__module__.split(".")[1] == mapper.local_table.schema, mapper.class_


def test_the_models_and_the_migrations_agree(settings: Settings) -> None:
    schemas = {table.schema for table in Model.metadata.sorted_tables}
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, parents: name in schemas if kind == "schema" else True,
    }
    engine = create_engine(settings.database_owner_url)
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # expressions with an operator class are not compared
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), Model.metadata)
    engine.dispose()
    assert not differences


def test_the_head_file_names_the_last_migration() -> None:
    versions = sorted(file.name for file in (ROOT / "migrations" / "versions").glob("*.py"))
    head = (ROOT / "migrations" / ".current-head").read_text(encoding="utf-8").strip()
    assert versions[-1].startswith(head)
    assert all(re.fullmatch(r"\d{8}_\d{4}_[a-z]+_[a-z_]+\.py", name) for name in versions)


def test_every_route_names_its_permission(built_app: Flask) -> None:
    shell.require_policies(built_app)
    built_app_without = Flask("forgetful")
    built_app_without.add_url_rule("/open", "open", lambda: "everybody sees this")
    with pytest.raises(ConfigError, match="names no permission"):
        shell.require_policies(built_app_without)


def test_every_permission_that_a_route_needs_exists(built_app: Flask) -> None:
    from clinic_web.identity.permissions import PERMISSIONS

    known = {getattr(each, "name", each) for each in PERMISSIONS}
    needed = {getattr(view, "permission", None) for view in built_app.view_functions.values()} - {None}
    assert needed <= known, needed - known


def test_every_queue_of_a_subscriber_or_job_is_watched_by_a_worker(built_app: Flask) -> None:
    assert bus.queues() <= set(jobs.DELIVERY_QUEUES)
    assert {job.queue for job in jobs.registered()} <= set(jobs.OUTSIDE_QUEUES)


def test_a_subscribers_schema_can_note_what_it_has_processed(built_app: Flask) -> None:
    for subscription in bus.subscriptions():
        assert f"{subscription.schema}.processed_events" in Model.metadata.tables


def test_templates_link_to_views_that_exist(built_app: Flask) -> None:
    endpoints = set(built_app.view_functions)
    missing = [
        f"{file.relative_to(ROOT)}: {endpoint}"
        for file in TEMPLATES.rglob("*.html")
        for endpoint in re.findall(r"url_for\(\s*['\"]([\w.]+)['\"]", file.read_text(encoding="utf-8"))
        if endpoint not in endpoints
    ]
    assert not missing


def test_templates_carry_no_inline_style_and_no_inline_handler() -> None:
    forbidden = re.compile(r"\sstyle=|\son(click|change|load|submit|input)=|javascript:|\bhx-on\b")
    found = [
        str(file.relative_to(ROOT))
        for file in TEMPLATES.rglob("*.html")
        if forbidden.search(file.read_text("utf-8"))
    ]
    assert not found


def test_no_address_is_made_from_what_a_browser_says_it_asked() -> None:
    """Whoever sends a request chooses its Host: whole addresses begin with PUBLIC_URL."""
    forbidden = re.compile(r"\b_external\s*=|request\.(host|url_root|host_url|base_url)\b")
    found = [
        str(file.relative_to(ROOT))
        for file in [*TEMPLATES.rglob("*.html"), *sources()]
        if forbidden.search(file.read_text(encoding="utf-8"))
    ]
    assert not found


def test_style_sheets_use_logical_properties() -> None:
    """Right-to-left is a switch, so nothing is left or right; ``.r`` aligns digits, the one exception."""
    physical = re.compile(
        r"(?<![\w-])(margin|padding|border)-(left|right)\b|(?<![\w-])(left|right)\s*:|text-align:\s*left"
    )
    found = [
        f"{file.name}: {match.group(0)}"
        for file in (ROOT / "static" / "css").glob("*.css")
        for match in physical.finditer(file.read_text(encoding="utf-8"))
    ]
    assert not found


def test_files_and_functions_stay_small() -> None:
    too_long = [
        f"{file.relative_to(ROOT)}: {lines} lines"
        for file in sources()
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    ]
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.FunctionDef)
                and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
            ):
                too_long.append(f"{file.relative_to(ROOT)}: {node.name}")
    assert not too_long


def test_time_comes_from_the_clock_only() -> None:
    """A test shifts the clock; whoever asks the system instead is not shifted."""
    found = [
        str(file.relative_to(ROOT))
        for file in sources()
        if re.search(r"datetime\.(now|utcnow|today)\(|date\.today\(", file.read_text(encoding="utf-8"))
        and file.name != "clock.py"
    ]
    assert not found


def test_every_table_of_patients_says_what_a_merge_means_to_it(built_app: Flask) -> None:
    """``follows``: found by all ids of a patient. ``check``: that, and a merge asks its module first.
    ``frozen``: keeps the id it was written with, and nobody asks it for a patient's rows."""
    from clinic_web.patients import checks

    said = {
        f"{table.schema}.{table.name}": table.info.get("patient_id")
        for table in Model.metadata.sorted_tables
        if "patient_id" in table.columns
    }
    assert not {name: word for name, word in said.items() if word not in {"follows", "check", "frozen"}}
    assert {name for name, word in said.items() if word == "check"} == checks.tables()


def test_a_patients_rows_are_asked_for_by_all_their_ids() -> None:
    """``patient_id = ANY(:ids)`` with ``patients.api.ids_of``: one id alone forgets merged records."""
    of_one_record = {"statements.py"}  # its only such statement asks first whether that is so: IS_KNOWN
    one_id = re.compile(r"patient_id\s*=\s*:patient_id|\.patient_id\s*==")
    asking = [
        str(file.relative_to(ROOT))
        for file in sources()
        if one_id.search(file.read_text(encoding="utf-8")) and file.name not in of_one_record
    ]
    assert not asking


def test_a_view_runs_with_the_rights_of_who_asks(settings: Settings) -> None:
    """A plain view runs with its owner's rights and would step around row-level security."""
    engine = create_engine(settings.database_owner_url)
    with engine.connect() as connection:
        open_views = connection.exec_driver_sql(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'v'"
            " AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'public')"
            " AND NOT 'security_invoker=true' = ANY(COALESCE(reloptions, '{}'))"
        ).fetchall()
    engine.dispose()
    assert not open_views


def test_reports_read_of_other_modules_only_what_they_publish() -> None:
    """Their tables are their own; ``<schema>.v_*`` is for others."""
    schemas = "|".join(sorted({table.schema or "" for table in Model.metadata.sorted_tables} - {"reports"}))
    table = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE)\s+((?:{schemas})\.(?!v_)\w+)")
    reading = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in (PROGRAM / "reports").rglob("*.py")
        for name in table.findall(file.read_text(encoding="utf-8"))
        if not name.startswith("clinic_web.")
    ]
    assert not reading
