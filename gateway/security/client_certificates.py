"""Client certificates as a reverse proxy passes them on (RFC 8705 §6.5): believed from the configured proxy alone.

The proxy ends the TLS connection, so the certificate arrives in a header that anybody could write. It counts only when its name is set and
the peer is a trusted proxy; the proxy must write the header on every request, so that none of a caller's own comes through.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from gateway.security.network import UNIX_PEER

if TYPE_CHECKING:
    from gateway.settings import Settings

VERIFIED = b"SUCCESS"
"""nginx's `$ssl_client_verify` for a chain that ends at one of its `ssl_client_certificate` authorities."""
_PEM = re.compile(rb"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")


@dataclass(frozen=True, slots=True)
class CertificateHeaders:
    """The names of the two headers, in lower case, and who may write them; without a name no certificate is believed."""

    certificate: bytes = b""
    verdict: bytes = b""
    trusted: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """Return what the settings say."""
        return cls(
            certificate=settings.client_certificate_header.lower().encode("ascii"),
            verdict=settings.client_certificate_verdict_header.lower().encode("ascii"),
            trusted=frozenset(settings.trusted_proxies),
        )

    def read(self, scope: Scope) -> tuple[bytes | None, bool]:
        """Return the certificate, DER, and whether the proxy vouches for its chain; (None, False) when there is none to believe."""
        if not self.certificate or ((scope.get("client") or [UNIX_PEER])[0] or UNIX_PEER) not in self.trusted:
            return None, False
        passed_on = [value for name, value in scope["headers"] if name == self.certificate]
        if len(passed_on) != 1:
            return None, False
        verdicts = [value for name, value in scope["headers"] if name == self.verdict]
        certificate = _der_of(passed_on[0])
        return certificate, certificate is not None and bool(self.verdict) and verdicts == [VERIFIED]


NO_CERTIFICATES = CertificateHeaders()


def _der_of(header: bytes) -> bytes | None:
    """Read one certificate in URL-encoded PEM (nginx's `$ssl_client_escaped_cert`)."""
    match = _PEM.fullmatch(unquote_to_bytes(header))
    if match is None:
        return None
    try:
        return base64.b64decode(b"".join(match[1].split()), validate=True) or None
    except binascii.Error:
        return None
