"""How the web process runs. The two lines below come before everything else, on purpose."""

from gevent import monkey

# psycopg decides while it is imported whether it waits with gevent or blocks the whole process.
monkey.patch_all()

import atexit  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import shutil  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gevent"

# The program is loaded once and forked: a worker that died is back at once, and their memory is shared.
# Nothing connects or starts greenlets while it is loaded.
preload_app = True

# Every open screen holds one socket, and each counts as one connection of its worker.
worker_connections = 4000

keepalive = 15
timeout = 30
# Open sockets never end by themselves, so each stop lasts this long; browsers come back on their own.
graceful_timeout = 3

# A second way in, through a file that two checkouts would share; signals do all we need.
control_socket_disable = True

accesslog = os.environ.get("ACCESS_LOG") or None
# Paths name rows by their ids; what is asked after the question mark may be what somebody typed.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)s ms'
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL", "info").lower()

# The heartbeat file of a worker in memory: on a slow disk a write to it can stall the whole worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn makes its own file

# Where workers count for Prometheus: in memory, of this start alone; set before the program is imported.
METRICS = tempfile.mkdtemp(prefix="clinic-metrics-", dir=worker_tmp_dir)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = METRICS
_MASTER = os.getpid()


@atexit.register
def _forget_metrics() -> None:
    if os.getpid() == _MASTER:
        shutil.rmtree(METRICS, ignore_errors=True)


def child_exit(_server: Any, worker: Any) -> None:
    """What a worker that ended had open (sockets, connections) is open no more; what it counted stays."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def _allow_many_sockets() -> None:
    """Many systems begin with 1,024 open files per process, fewer than the screens of one hospital."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = worker_connections + 1024
    if soft != resource.RLIM_INFINITY and soft < wanted:
        best = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))


_allow_many_sockets()
