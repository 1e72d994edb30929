"""The web process: ``gunicorn wsgi:app``."""

from clinic_web.app import create_app

app = create_app()
