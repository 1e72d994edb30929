"""What is sent where something else is meant."""

from __future__ import annotations

SQL = (
    "'", "''", "' OR '1'='1", "' OR 1=1 --", "1; DROP TABLE reception.visits", "1) OR (1=1", "' UNION SELECT NULL --",
    "name; SELECT pg_sleep(9)", "' || pg_sleep(9) --", "1 AND (SELECT 1 FROM pg_sleep(9)) IS NOT NULL",
    "(SELECT pg_sleep(9))", "'; SELECT pg_sleep(9) --", "id,(select version())", "1,2,3", "%", "_%_", "\\", "%00",
    "\x00", "$$", ":name", "{0}", "-1", "99999999999999999999", "00000000-0000-0000-0000-000000000000", "name::text",
)  # fmt: skip
TEMPLATES = (
    "{{7*7191}}",
    "{%print(7*7191)%}",
    "${7*7191}",
    "#{7*7191}",
    "<%= 7*7191 %>",
    "%(7*7191)s",
    "{7*7191}",
)
CALCULATED = "50337"
MARKUP = (
    "<xq1>", "<script>xq()</script>", "<img src=x onerror=xq()>", "\"><xq2>", "'><xq3>", "\" onmouseover=xq() x=\"",
    "' onfocus=xq() autofocus x='", "</title><xq4>", "</textarea><xq5>", "</script><xq6>", "<svg/onload=xq()>",
    "javascript:xq()", "<a href=javascript:xq()>x</a>", "<div hx-post=/logout hx-trigger=load>", "<!--<xq7>",
    "<iframe srcdoc=xq>", "&lt;xq8&gt;", "<math><mi xlink:href=xq>", "<xq9/data-x=1>", "\u2028<xq10>", "＜xq11＞",
    "<input autofocus onfocus=xq()>", "<details open ontoggle=xq()>", "<base href=//evil.example/>", "]]><xq12>",
    "<style>@import'//evil.example'</style>", "<link rel=stylesheet href=//evil.example>", "<meta http-equiv=refresh>",
    "<form action=//evil.example>", "<body onload=xq()>", "<object data=xq>", "<embed src=xq>", "`><xq13>",
)  # fmt: skip
# What of it must never stand in a page as it was sent.
RAW = ("<xq", "<script>xq", "onerror=xq()>", "<svg/onload", "<div hx-post=/logout", "<iframe srcdoc", "<base href=//",
       "\" onmouseover=xq()", "' onfocus=xq()", "<a href=javascript:xq", "<style>@import", "<form action=//evil",
       "<body onload=xq", "<object data=xq", "<embed src=xq", "<math><mi", "<details open ontoggle=xq",
       "<input autofocus onfocus=xq", "<link rel=stylesheet href=//evil", "<meta http-equiv=refresh>")  # fmt: skip
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "=cmd|' /C calc'!A0", "\t=1+1", '=HYPERLINK("//evil.example")')
ODD = (
    "", " ", "0", "-1", "-0.01", "0.001", "1e308", "NaN", "Infinity", "-Infinity", "1,000", "1.000,00", "0x10", "1_000",
    "٣٤", "１２", "true", "null", "undefined", "[]", "{}", "[1]", "a" * 5000, "\x00", "\ud83d\udca9".encode(
        "utf-16", "surrogatepass").decode("utf-16"), "0001-01-01", "9999-12-31", "2026-02-30", "2026-13-01",
    "2026-11-21T25:00", "2026-11-21T10:00+99:00", "24:00", "-1:00", "not-a-uuid", "{00000000-0000-0000-0000-000000000000}",
    "00000000-0000-0000-0000-00000000000g", "٠٠٠", "9" * 40, "1;2", "1 2", "%s", "../", "\r\nX: y", "\u202e1", "\ufeff1",
)  # fmt: skip
