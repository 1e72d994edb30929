"""`python3 -m dev <command>`: see `python3 -m dev help`."""

import sys

# Before any other import: an older Python would fail on our syntax with a message that helps nobody.
if sys.version_info < (3, 11):  # noqa: UP036 - this very check is what tells people
    sys.exit(
        f"Clinic Web needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
        "Try `make run PYTHON=python3.12`."
    )

from dev import commands

sys.exit(commands.main(sys.argv[1:]))
