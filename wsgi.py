"""The web process: ``gunicorn wsgi:app``."""

import gc

gc.disable()  # all that is loaded stays: to look through it meanwhile takes an eighth of the start

from clinic_web.app import create_app  # noqa: E402

app = create_app()
gc.freeze()  # the program itself is never garbage: looking through it took a twentieth of all
gc.set_threshold(10_000, 20, 50)
gc.enable()
