"""Client certificates (RFC 8705 §2): whether the certificate of a request is the one a client registered.

The handshake, and with it the proof of possession, is the proxy's; so is the chain, whose verdict comes along. What is compared here is
subject, alternative name or key.
"""

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime
from ipaddress import ip_address
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import Key

from foundation.values import value_type
from idp.provider.clients.metadata import ClientMetadata, TlsSubjectKind

_ALGORITHMS_OF_CURVE: dict[str, tuple[str, ...]] = {
    "secp256r1": ("ES256",),
    "secp384r1": ("ES384",),
    "secp521r1": ("ES512",),
}


class UnusableCertificate(ValueError):
    """The certificate does not prove the client; the message is for the log and repeats nothing of it."""


@value_type
class ReadCertificate:
    """A certificate that could be read and is within its own validity."""

    certificate: x509.Certificate
    public_key: bytes
    """SubjectPublicKeyInfo, DER."""
    algorithms: tuple[str, ...]
    """Names under which a JWK of this key can be found (RFC 7518 §3.1)."""


def certificate_thumbprint(der: bytes) -> str:
    """Return the value of `x5t#S256`: SHA-256 of the certificate in base64url without padding (RFC 8705 §3.1)."""
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode("ascii")


def read_certificate(der: bytes, *, now: datetime) -> ReadCertificate:
    """Read a certificate; raises UnusableCertificate also when it is not valid yet or any more."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        is_current = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
    except Exception as unreadable:  # the parser raises several families for what a stranger made up
        raise UnusableCertificate("unreadable") from unreadable
    if not is_current:
        raise UnusableCertificate("outside its validity")
    algorithms: tuple[str, ...] = ()
    if isinstance(key, EllipticCurvePublicKey):
        algorithms = _ALGORITHMS_OF_CURVE.get(key.curve.name, ())
    elif isinstance(key, RSAPublicKey):
        algorithms = ("PS256", "RS256")
    elif isinstance(key, Ed25519PublicKey):
        algorithms = ("EdDSA", "Ed25519")
    return ReadCertificate(certificate, spki, algorithms)


def check_subject(read: ReadCertificate, registered: ClientMetadata) -> None:
    """Raise UnusableCertificate unless the one registered subject or alternative name stands in it (RFC 8705 §2.1.2)."""
    kind, value = registered.tls_client_auth_kind, registered.tls_client_auth_value
    if kind is None or not value:
        raise UnusableCertificate("no subject registered")
    if not _names(read.certificate, kind, value):
        raise UnusableCertificate("another subject")


def check_key(read: ReadCertificate, keys: Iterable[Key]) -> None:
    """Raise UnusableCertificate unless its key is one of the registered keys (RFC 8705 §2.2)."""
    for key in keys:
        native = cast(RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey, key.public_key)
        if native.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == read.public_key:
            return
    raise UnusableCertificate("key not registered")


def _names(certificate: x509.Certificate, kind: TlsSubjectKind, value: str) -> bool:
    try:
        if kind == "tls_client_auth_subject_dn":
            return certificate.subject == x509.Name.from_rfc4514_string(value)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if kind == "tls_client_auth_san_dns":
            return value.lower() in [name.lower() for name in names.get_values_for_type(x509.DNSName)]
        if kind == "tls_client_auth_san_uri":
            return value in names.get_values_for_type(x509.UniformResourceIdentifier)
        if kind == "tls_client_auth_san_email":
            return value in names.get_values_for_type(x509.RFC822Name)
        return ip_address(value) in names.get_values_for_type(x509.IPAddress)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return False
