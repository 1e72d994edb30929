"""Verifying the audit: rows compared with the chain in a second, by the command that an operator runs."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from bench.figures import ROUNDS, Figure
from bench.world import World
from clinic_web.audit import anchors, nightly, sealing
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.ids import new_id
from clinic_web.organization import api as organization

ROWS = 500_000 if ROUNDS >= 5 else 100_000
REACH = 100_000
ROOT = Path(__file__).parents[2]
SPEED = re.compile(r"([\d,]+) rows in ([\d.]+) s: ([\d,]+) rows per second")

# As people leave them: one in four is a list of eight, ids are in order of time, all on a day that is past.
FILL = """
    INSERT INTO audit.access_logs (id, organization_id, user_id, action, resource_type, resource_id, result,
                                   ip_address, user_agent, metadata, accessed_at)
    SELECT CAST(lpad(to_hex(CAST(extract(epoch FROM r.at) * 1000 AS bigint)), 12, '0') || '7'
                || substr(md5(CAST(n AS text)), 1, 3) || '8' || substr(md5('x' || n), 1, 15) AS uuid),
           %s, CAST(md5('u' || n %% 40) AS uuid),
           (ARRAY['desk.view', 'visit.call', 'view', 'payments.take'])[1 + n %% 4],
           (ARRAY['patient', 'visit', 'patient', 'payment'])[1 + n %% 4],
           CASE WHEN n %% 4 > 0 THEN CAST(md5('r' || n %% 5000) AS uuid) END, 'ALLOWED', '10.20.0.5',
           'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0',
           CASE WHEN n %% 4 = 0 THEN jsonb_build_object('ids', (
               SELECT jsonb_agg(CAST(md5('p' || (n + i) %% 5000) AS uuid)) FROM generate_series(1, 8) i)) END,
           r.at
      FROM generate_series(1, %s) n,
           LATERAL (SELECT now() - interval '1 day' + n * interval '80 ms' AS at) r
"""


def run(world: World) -> list[Figure]:
    tenant = organization.create_organization(system_actor(new_id()), name="Past")  # whose chain is empty
    world.sql(FILL, tenant, ROWS)
    world.settle()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "anchors.jsonl"
        anchors.configure(file)
        while sealing.seal(tenant):
            pass
        anchors.write_all()
        speeds = [_verified(world, tenant, file) for _ in range(ROUNDS)]
        report = nightly.verify(tenant, [file])
    median = statistics.median(speeds)
    return [
        Figure(
            what="audit rows verified per second",
            ours=f"{median:,.0f}",
            reach=f">= {REACH:,}",
            is_met=median >= REACH and report.is_whole and report.rows >= ROWS,
            rests_on=f"{report.rows:,} rows in {report.sequence:,} seals; median of {len(speeds)} commands",
        )
    ]


def _verified(world: World, tenant: UUID, file: Path) -> float:
    asked = ["audit", "verify", "--tenant", str(tenant), "--anchors", str(file)]
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *asked]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | world.env, capture_output=True, text=True, check=True
    )
    found = SPEED.search(done.stdout)
    if found is None:
        raise RuntimeError(done.stdout)
    return float(found[3].replace(",", ""))
