"""Names of certificates that a client registers (RFC 8705 §2.1.2): whether any certificate could carry one.

A value that none can carry would be a client that never gets in, and nobody would know why.
"""

import re
from ipaddress import ip_address

from cryptography import x509

from idp.provider.clients.metadata import TlsSubjectKind

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)
_MAILBOX = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", re.ASCII)


def is_certificate_name(kind: TlsSubjectKind, value: str) -> bool:
    """Tell whether the value has the form of its kind; the subject is a distinguished name as RFC 4514 writes it."""
    if kind == "tls_client_auth_san_dns":
        return _DNS_NAME.fullmatch(value) is not None
    if kind == "tls_client_auth_san_uri":
        return _URI.fullmatch(value) is not None
    if kind == "tls_client_auth_san_email":
        return _MAILBOX.fullmatch(value) is not None
    try:
        if kind == "tls_client_auth_san_ip":
            return bool(ip_address(value).packed)
        return bool(x509.Name.from_rfc4514_string(value).rdns)
    except ValueError:
        return False
