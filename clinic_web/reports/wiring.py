"""What reports adds to the program: its pages, its nights, its jobs, who may hear its topic."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from clinic_web.kernel import acting, jobs, metrics, schedule, tenant
from clinic_web.kernel.errors import N_
from clinic_web.reports import all_routes, live, routes
from clinic_web.reports.access import SEE_ALL
from clinic_web.reports.jobs import make
from clinic_web.reports.queries.kept import runs_failed
from clinic_web.reports.service import running
from clinic_web.ui import policies
from clinic_web.ui.nav import entry
from clinic_web.ui.sockets import topic_rule

__all__ = ["all_routes", "wire"]


def wire(app: Flask) -> None:
    app.register_blueprint(routes.bp)
    entry(order=60, label=N_("Reports"), endpoint="reports.page", permission="report.view", is_start=False)
    topic_rule(
        live.REPORTS,
        live.may_join,
        permission="report.view",
        names="facility",
        within=policies.FACILITY,
        beyond=SEE_ALL,
    )
    policies.address_names("run_id", "run of reports", policies.FACILITY, beyond=SEE_ALL)
    policies.address_names("name", "table", policies.WORD, at="reports.")
    jobs.register("reports.make", make, queue="reports", acts_for=acting.ROWS_TENANT)
    schedule.every(
        timedelta(minutes=5),
        "reports.begin_nights",
        tenant.in_each(running.begin_nights),
        word=N_("Begin the reports of the night"),
        acts_for=acting.EACH_TENANT,
    )
    schedule.every(
        timedelta(seconds=30),
        "reports.sweep",
        tenant.in_each(running.sweep),
        word=N_("Take up reports that were left"),
        acts_for=acting.EACH_TENANT,
    )
    metrics.reading("report_runs_failed", "Runs of reports that failed within a week", runs_failed)
