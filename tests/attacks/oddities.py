"""The values, headers and bodies with which well-meant code is surprised (I02, I05, I12, I13, I16, I17, R15)."""

import json
import random
from typing import Any
from urllib.parse import quote_from_bytes

CANARY = "canary-5f1c9d7e-never-to-be-repeated"
"""Sent as every secret; no answer may repeat it."""

SECRET_NAMES = frozenset(
    {
        "password",
        "password_again",
        "current_password",
        "client_secret",
        "code",
        "code_verifier",
        "refresh_token",
        "token",
    }
)
NAMES = (
    *sorted(SECRET_NAMES),
    *("client_id", "redirect_uri", "scope", "state", "nonce", "response_type", "response_mode", "code_challenge"),
    *(
        "code_challenge_method",
        "prompt",
        "max_age",
        "acr_values",
        "claims",
        "ui_locales",
        "login_hint",
        "id_token_hint",
    ),
    *("resource", "request", "request_uri", "grant_type", "token_type_hint", "post_logout_redirect_uri"),
    *("identifier", "phone", "agreed", "flow", "transaction", "next", "notice", "name", "document_number", "decision"),
    *(
        "claims",
        "action",
        "app",
        "device",
        "case",
        "holder_number",
        "license_type",
        "purpose",
        "basis",
        "grade",
        "fields",
    ),
    *(
        "fact_usage",
        "mode",
        "theme",
        "text",
        "lang",
        "month",
        "license",
        "office",
        "type",
        "department",
        "outcome",
        "cursor",
        "format",
        "result",
    ),
)

# As octets, percent-encoded when they travel in a query or form.
VALUES: tuple[bytes, ...] = (
    b"",
    b" ",
    b"\x00",
    b"a\x00b",
    b"\xff\xfe\xfd",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\r\nX-Injected: yes",
    b"\t\x0b\x1b[31m",
    "１２３４５６".encode(),
    "\u202eevil\u200b".encode(),
    "张知明".encode(),
    b"-1",
    b"0x10",
    b"1e400",
    b"NaN",
    b"9" * 400,
    b"9007199254740993",
    b"2024-02-30",
    b"0000-00",
    b"9999999-99",
    b"true",
    b"null",
    b"[]",
    b'{"userinfo":{"name":{"essential":"yes"}}}',
    b"[" * 3_000,
    b'{"a":' * 500,
    b"'; DROP TABLE accounts; --",
    b"<script>alert(1)</script>",
    b"{{7*7}}${7*7}%(x)s%n",
    b"../../../../etc/passwd",
    b"//evil.test",
    b"javascript:alert(1)",
    b"a" * 3_000,
    b"(" * 60 + b"a" * 60,
    b"a b c  d",
    b"openid openid openid",
    b"%",
    b"%zz",
    b"&&&===",
)

HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"Cookie", b"__Host-rz_session=a; __Host-rz_session=b"),
    (b"Cookie", b"__Host-rz_session=" + b"x" * 6_000),
    (b"Cookie", b"__Host-rz_flow=\xff\xfe; ;;;=;__Host-rz_session"),
    (b"Cookie", b"rz_preferences=%00%ff; lang=\xe5\xbc\xa0"),
    (b"Cookie", b"a=b; " * 900),
    (b"Authorization", b"Bearer"),
    (b"Authorization", b"Bearer \xff\xfe"),
    (b"Authorization", b"Bearer a.b.c"),
    (b"Authorization", b"Bearer " + b"A" * 20_000),
    (b"Authorization", b"Basic !!!"),
    (b"Authorization", b"Basic Og=="),
    (b"Authorization", b"Basic " + b"QQ" * 8_000),
    (b"Authorization", b'Digest username="a"'),
    (b"Accept-Language", b"en;q=\xff, *;q=9e999, zh" + b"-a" * 2_000),
    (b"Accept", b"\xff/\xfe"),
    (b"X-Request-Id", b"not-a-uuid\x7f"),
    (b"X-Request-Id", "１２３".encode()),
    (b"X-Forwarded-For", b"evil, 999.1.1.1, " * 300),
    (b"X-Forwarded-Host", b"evil.test"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X-HTTP-Method-Override", b"DELETE"),
    (b"Forwarded", b"for=_hidden;host=evil.test"),
    (b"Range", b"bytes=" + b"0-0," * 3_000),
    (b"If-None-Match", b'"' * 500),
    (b"If-Modified-Since", b"Thu, 99 Foo 0000 99:99:99 GMT"),
    (b"Origin", b"null"),
    (b"Sec-Fetch-Site", b"cross-site"),
    (b"Referer", b"http://evil.test/\xff"),
    (b"User-Agent", b"\x1b[2J" + b"u" * 4_000),
    (b"Content-Encoding", b"gzip"),
    (b"Expect", b"100-continue"),
    (b"Upgrade", b"h2c"),
    (b"Upgrade", b"websocket"),
    (b"Transfer-Encoding", b"identity"),
    (b"X-Many", b"v"),
)

CONTENT_TYPES: tuple[bytes, ...] = (
    b"application/x-www-form-urlencoded",
    b"application/x-www-form-urlencoded; charset=utf-16",
    b"application/json",
    b"application/json; charset=utf-7",
    b"multipart/form-data",
    b"multipart/form-data; boundary=x",
    b"text/plain",
    b"\xff\xfe",
    b"application/xml",
    b"",
)

JSON_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    10**40,
    "",
    "\x00",
    "１１１",
    "a" * 5_000,
    [],
    {},
    [[[]]],
    {"a": {}},
    "\ud800",
)

JSON_TEXTS: tuple[bytes, ...] = (
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"grade":"masked","grade":"full"}',
    b'{"a":NaN}',
    b'{"a":1e999}',
    b"[" * 20_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b'"' + b"x" * 60_000 + b'"',
    b'{"by":{"holder":{"type":"111","code":' + b"9" * 5_000 + b"}}}",
)


def escape(value: bytes) -> bytes:
    """Return the value as it stands in a query or form."""
    return quote_from_bytes(value, safe="").encode()


def bend_json(body: Any, chance: random.Random) -> bytes:
    """Return a sound JSON body with one member changed, removed, doubled or of another type, or no JSON body at all."""
    if chance.random() < 0.3:
        return chance.choice(JSON_TEXTS)
    copy = json.loads(json.dumps(body))
    place = copy
    name = chance.choice(sorted(place))
    while isinstance(place[name], dict) and place[name] and chance.random() < 0.7:
        place = place[name]
        name = chance.choice(sorted(place))
    if chance.random() < 0.2:
        del place[name]
    elif chance.random() < 0.2:
        place[chance.choice(("extra", "__proto__", "sub", ""))] = place[name]
    else:
        place[name] = chance.choice(JSON_VALUES)
    return json.dumps(copy).encode("utf-8", "surrogatepass")
