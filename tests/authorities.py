"""Whom the test process trusts for TLS: one authority that never signed anything, instead of the machine's hundred and forty.

Nothing outside this machine is reached, so nobody is missed; reading the machine's bundle would take thirty milliseconds of every
HTTP client that a test opens. Programs that the tests start inherit it. A test that speaks TLS names its own authority.
"""

import os
import ssl
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpcore2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

CERT_FILE, CERT_DIR = "SSL_CERT_FILE", "SSL_CERT_DIR"


def trust_nobody(stack: ExitStack) -> None:
    """From now on and until `stack` closes, TLS contexts of this process and its children trust that one authority alone."""
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="renzheng-authority-")))
    (folder / "authority.pem").write_bytes(_authority())
    for name, value in {CERT_FILE: str(folder / "authority.pem"), CERT_DIR: str(folder / "none")}.items():
        before = os.environ.get(name)
        stack.callback(_restore, name, before)
        os.environ[name] = value
    # An HTTP client told to ignore the environment reads the machine's bundle by its compiled-in path.
    original = httpcore2.default_ssl_context
    stack.callback(setattr, httpcore2, "default_ssl_context", original)
    httpcore2.default_ssl_context = _from_environment


def _from_environment(**_: object) -> ssl.SSLContext:
    return ssl.create_default_context()


def _restore(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _authority() -> bytes:
    key, now = Ed25519PrivateKey.generate(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Nobody")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None)
    )
    return made.public_bytes(Encoding.PEM)
