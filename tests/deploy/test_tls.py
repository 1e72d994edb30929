"""The example of an nginx that ends TLS promises nothing weak."""

import re
from pathlib import Path

CONF = (Path(__file__).parents[2] / "deploy" / "tls.conf.example").read_text()


def test_old_protocols_and_ciphers_are_off() -> None:
    assert re.findall(r"ssl_protocols ([^;]+);", CONF) == ["TLSv1.2 TLSv1.3"]
    (ciphers,) = re.findall(r"ssl_ciphers ([^;]+);", CONF)
    assert all(
        re.fullmatch(r"ECDHE-(ECDSA|RSA)-(AES(256|128)-GCM|CHACHA20)-.+", each) for each in ciphers.split(":")
    )
    assert ciphers.index("AES256") < ciphers.index("AES128")
    assert "ssl_prefer_server_ciphers on;" in CONF


def test_only_pages_lead_to_tls() -> None:
    in_the_open = CONF[CONF.index("listen 80") : CONF.index("listen 443")]
    assert "proxy_pass" not in in_the_open
    assert in_the_open.count("return 403") == 3 and in_the_open.count("return 308 https://") == 1
    for path in ("/socket.io/", "/metrics"):
        assert f"location {path} {{ return 403; }}" in in_the_open
