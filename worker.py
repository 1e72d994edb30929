"""The worker process: RQ workers, the relay and the schedule. ``python worker.py``"""

from clinic_web.app import create_app
from clinic_web.kernel.workers import main

if __name__ == "__main__":
    main(create_app(is_worker=True))
