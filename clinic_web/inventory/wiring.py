"""What inventory adds to the program: its pages, its menu entry, its topic, its look at the calendar."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from clinic_web.catalog import api as catalog
from clinic_web.inventory import live, routes
from clinic_web.inventory.service.keeping import rename
from clinic_web.inventory.service.setting_aside import mark_expired
from clinic_web.kernel import acting, schedule, tenant
from clinic_web.kernel.errors import N_
from clinic_web.ui import policies
from clinic_web.ui.nav import entry
from clinic_web.ui.sockets import topic_rule


def wire(app: Flask) -> None:
    app.register_blueprint(routes.bp)
    entry(order=46, label=N_("Stock"), endpoint="inventory.page", permission="stock.view", is_start=False)
    catalog.when_changed(rename)
    topic_rule(live.STOCK, live.may_join, permission="stock.view", names="facility", within=policies.FACILITY)
    policies.address_names("stock_item_id", "item in stock", policies.FACILITY)
    policies.address_names("batch_id", "batch", policies.FACILITY)
    policies.address_names("adjustment_id", "stock adjustment", policies.FACILITY)
    # Soon after each facility's own midnight, whatever its time zone.
    schedule.every(
        timedelta(minutes=15),
        "inventory.mark_expired",
        tenant.in_each(mark_expired),
        word=N_("Mark medicine that has expired"),
        acts_for=acting.EACH_TENANT,
    )
