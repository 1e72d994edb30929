"""The worker process: RQ workers, the relay and the schedule. ``python worker.py``

Its parts may run apart, for more of one or on another machine: ``python worker.py deliveries``.
"""

import sys

from clinic_web.app import create_app
from clinic_web.kernel.workers import main

if __name__ == "__main__":
    main(create_app(is_worker=True), sys.argv[1:])
