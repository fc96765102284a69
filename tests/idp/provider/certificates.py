"""Authorities and client certificates of synthetic departments."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc.jwk import ECKey

SUBJECT = "CN=housing.qingyu.test,O=Housing Bureau,C=CN"


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        """The private key as PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def escaped(self) -> str:
        """The certificate as nginx writes `$ssl_client_escaped_cert`."""
        return quote(self.pem.decode(), safe="")

    @property
    def jwk(self) -> Mapping[str, object]:
        """The public key as a JWK."""
        return ECKey.import_key(self.key_pem).as_dict(private=False)


def issue(
    *,
    at: datetime,
    subject: str = SUBJECT,
    by: Issued | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    days: int = 30,
    is_authority: bool = False,
    for_server: bool = False,
) -> Issued:
    """Issue a certificate, signed by itself unless an authority is named; valid from an hour before `at`."""
    usage = ExtendedKeyUsageOID.SERVER_AUTH if for_server else ExtendedKeyUsageOID.CLIENT_AUTH
    own = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(subject)
    names = [
        x509.DNSName("housing.qingyu.test"),
        x509.DNSName("gzf.qingyu.test"),
        x509.UniformResourceIdentifier("https://housing.qingyu.test/app"),
        x509.IPAddress(ip_address("192.0.2.7")),
        x509.RFC822Name("app@housing.qingyu.test"),
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by.certificate.subject if by else name)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(hours=1))
        .not_valid_after(at - timedelta(hours=1) + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return Issued(builder.sign(by.key if by else own, SHA256()), own)


def authority(*, at: datetime, name: str = "Qingyu Test CA") -> Issued:
    """Issue an authority of its own."""
    return issue(at=at, subject=f"CN={name}", is_authority=True)
