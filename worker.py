"""The worker process: RQ workers, the relay and the schedule. ``python worker.py``

Its parts may run apart, for more of one or on another machine: ``python worker.py deliveries``.
"""

import gc
import sys

gc.disable()  # see wsgi.py

from clinic_web.app import create_app  # noqa: E402
from clinic_web.kernel.workers import main  # noqa: E402

if __name__ == "__main__":
    app = create_app(is_worker=True)
    gc.freeze()
    gc.enable()
    main(app, sys.argv[1:])
