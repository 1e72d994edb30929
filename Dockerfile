# One image, two commands: the web process (the default) and `python worker.py`.
#
#   docker build -t clinic-web .

ARG PYTHON=3.13-slim-bookworm

# Browser libraries: only the files that pages use reach the last stage.
FROM node:22-bookworm-slim AS npm
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM python:${PYTHON} AS assets
WORKDIR /build
COPY --from=npm /build/node_modules node_modules
COPY package.json package-lock.json ./
COPY dev dev
RUN python -c "from dev import assets; assets.copy()"

FROM python:${PYTHON} AS packages
WORKDIR /build
COPY requirements.lock ./
# --no-deps: the file names every package, so nothing can slip in beside it; nor can another file in its name.
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes \
      --only-binary=:all: -r requirements.lock

FROM python:${PYTHON}
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin clinic \
 && install --directory --owner=clinic /anchors
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY wsgi.py worker.py gunicorn.conf.py ./
COPY migrations migrations
COPY templates templates
COPY static static
COPY --from=assets /build/static/vendor static/vendor
COPY clinic_web clinic_web
# Compiled here, because the program itself may write nothing into its image.
RUN if [ -d clinic_web/translations ]; then pybabel -q compile -d clinic_web/translations; fi \
 && python -m compileall -q clinic_web migrations

USER clinic
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=4)"]
CMD ["gunicorn", "wsgi:app", "-c", "gunicorn.conf.py"]
