"""Redirect URIs: which may be registered, and which of the registered ones a request names.

A request's URI is compared as a raw string (RFC 9700 §2.1, OpenID Connect Core §3.1.2.1): no parser, no
normalisation, so that two parsers can never disagree. The one exception is the port of a native client's
loopback address (RFC 8252 §7.3).
"""

import re
from collections.abc import Iterable
from typing import Literal

from idp.provider.errors import InvalidClientMetadata, InvalidRedirectUri

ApplicationType = Literal["web", "native", "service"]

MAX_URI_LENGTH = 2_000
LONGEST_HOST = 253
"""RFC 1035 §2.3.4: no longer name can be looked up."""

_HTTPS = re.compile(
    r"https://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()+,;=:@%/-]*)?(?P<query>\?[A-Za-z0-9._~!$&'()+,;=:@%/?-]*)?",
    re.ASCII,
)
_LOOPBACK = re.compile(
    r"http://(?P<host>127\.0\.0\.1|\[::1\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()+,;=:@%/-]*)?(?P<query>\?[A-Za-z0-9._~!$&'()+,;=:@%/?-]*)?",
    re.ASCII,
)
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:/[A-Za-z0-9._~!$&'()+,;=:@%/-]*", re.ASCII)
_ESCAPED_TRICK = re.compile(r"%(?:2e|2f|5c|25|0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE | re.ASCII)
_DOT_SEGMENT = re.compile(r"/\.{1,2}(?:/|\?|$)|.//", re.ASCII)


def is_registered_redirect_uri(redirect_uri: str, registered: Iterable[str], application_type: ApplicationType) -> bool:
    """Tell whether the URI of a request is one of the registered ones, character by character.

    For a native client a loopback URI may differ in its port and in nothing else.
    """
    known = tuple(registered)
    if redirect_uri in known:
        return True
    if application_type != "native":
        return False
    asked = _LOOPBACK.fullmatch(redirect_uri)
    if asked is None or not _is_port(asked["port"]):
        return False
    return any(_without_port(uri) == _without_port(redirect_uri) for uri in known if _LOOPBACK.fullmatch(uri))


def check_registrable_uri(uri: str, *, member: str, application_type: ApplicationType = "web") -> None:
    """Raise InvalidClientMetadata unless the URI may be registered as `member`, and for a redirect URI its kind InvalidRedirectUri
    (RFC 7591 §3.2.2, RFC 9700 §2.1, §2.6).

    Allowed are https, plain http on a literal loopback address, and for native clients a private-use scheme
    with a dot (RFC 8252 §7.1). Not allowed are fragments, user parts, wildcards, upper-case schemes or
    hosts, dot segments, empty segments, escapes of dots, slashes, percent signs or control characters.
    """
    if len(uri) > MAX_URI_LENGTH:
        raise _unfit(member, "longer than 2,000 characters")
    if application_type == "native" and _PRIVATE_USE.fullmatch(uri) and not _has_trick(uri, after=":"):
        return
    match = _HTTPS.fullmatch(uri) or _LOOPBACK.fullmatch(uri)
    if match is None:
        raise _unfit(member, "not an absolute https address without wildcard, fragment and user part")
    if not _is_port(match["port"]):
        raise _unfit(member, "the port is not a port")
    if len(match["host"]) > LONGEST_HOST:
        raise _unfit(member, "the host is longer than 253 characters")
    if ".." in match["host"] or _has_trick(uri, after="://"):
        raise _unfit(member, "dot segments, empty segments and escaped separators are not allowed")


def origin_of(uri: str) -> str:
    """Return scheme, host and port of a registered URI for a `form-action` directive; a private scheme is
    its own source.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return uri.partition(":")[0] + ":"
    return f"{scheme}://{re.split('[/?]', rest, maxsplit=1)[0]}"


def host_of(uri: str) -> str:
    """Return the host of a registered URI, the default sector of its client (OpenID Connect Core §8.1)."""
    match = _HTTPS.fullmatch(uri) or _LOOPBACK.fullmatch(uri)
    return uri.partition(":")[0] if match is None else match["host"]


def _unfit(member: str, why: str) -> InvalidClientMetadata:
    return InvalidRedirectUri(member, why) if member == "redirect_uris" else InvalidClientMetadata(member, why)


def _without_port(uri: str) -> tuple[str, str]:
    match = _LOOPBACK.fullmatch(uri)
    return ("", uri) if match is None else (match["host"], (match["path"] or "") + (match["query"] or ""))


def _is_port(text: str | None) -> bool:
    return text is None or 0 < int(text) <= 65_535


def _has_trick(uri: str, *, after: str) -> bool:
    rest = uri.partition(after)[2]
    return _ESCAPED_TRICK.search(rest) is not None or _DOT_SEGMENT.search(rest) is not None
