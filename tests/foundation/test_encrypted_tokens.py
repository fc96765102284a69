"""Tokens that somebody encrypted to us: what is decrypted, by which key, and everything that is not."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwe import JWERegistry, encrypt_compact
from joserfc.jwk import ECKey, JWKRegistry, Key, OctKey

from foundation.database import Database
from foundation.entropy import SystemEntropy
from foundation.sealing import Sealer, SealingKey
from foundation.signing import InvalidSignedToken, KeyRing, PurposePolicy, RotationPolicy, ensure_keys
from foundation.signing.store import list_signing_keys, revoke_signing_key
from tests.servers import Stack

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
POLICY = RotationPolicy((PurposePolicy("encryption", ("RSA-OAEP-256", "ECDH-ES")),))
ALGS = ("RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW")
ENCS = ("A128CBC-HS256", "A256GCM")
ALL = JWERegistry(algorithms=[*JWERegistry.algorithms["alg"], *JWERegistry.algorithms["enc"], "DEF"])


@dataclass
class Ring:
    """A key ring with its database, so that a test can rotate."""

    keys: KeyRing
    db: Database
    sealer: Sealer

    async def rotate(self, now: datetime) -> None:
        await ensure_keys(self.db, sealer=self.sealer, policy=POLICY, now=now)
        await self.keys.refresh(self.db)

    def offered(self, kty: str, now: datetime = NOW) -> Key:
        """The key that a client finds in the key set."""
        (jwk,) = [jwk for jwk in self.keys.jwks(now)["keys"] if jwk["kty"] == kty]
        return JWKRegistry.import_key(jwk)


@pytest.fixture
async def ring(stack: Stack) -> AsyncIterator[Ring]:
    """A ring with one RSA and one elliptic key to encrypt to."""
    db = Database(stack.database_url)
    sealer = Sealer([SealingKey("k1", "A256GCM", bytes(range(32)))], entropy=SystemEntropy())
    opened = Ring(KeyRing(sealer), db, sealer)
    await opened.rotate(NOW)
    yield opened
    await db.close()


def _encrypt(key: Key, alg: str, enc: str = "A256GCM", **header: Any) -> str:
    return encrypt_compact({"alg": alg, "enc": enc, "kid": key.kid, **header}, b"inner", key, registry=ALL)


def _decrypt(ring: Ring, token: str, now: datetime = NOW) -> bytes:
    return ring.keys.decrypt(token, algs=ALGS, encs=ENCS, now=now)


@pytest.mark.parametrize("enc", ENCS)
@pytest.mark.parametrize(("alg", "kty"), [("RSA-OAEP-256", "RSA"), ("ECDH-ES", "EC"), ("ECDH-ES+A256KW", "EC")])
async def test_what_a_client_encrypts_is_read(ring: Ring, alg: str, kty: str, enc: str) -> None:
    """RFC 7516: with the key named, and by trial when it is not."""
    key = ring.offered(kty)
    assert _decrypt(ring, _encrypt(key, alg, enc, cty="JWT")) == b"inner"
    assert _decrypt(ring, encrypt_compact({"alg": alg, "enc": enc}, b"inner", key, registry=ALL)) == b"inner"


async def test_everything_else_is_refused_alike(ring: Ring) -> None:
    """J11, J12, J13, J15: one error for every reason, before and after a good token."""
    rsa, curve = ring.offered("RSA"), ring.offered("EC")
    good, agreed = _encrypt(rsa, "RSA-OAEP-256"), _encrypt(curve, "ECDH-ES+A256KW")
    head, wrapped, iv, text, tag = good.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    secret = OctKey.import_key(json.dumps({"kty": "oct", "k": "A" * 43}))
    foreign = ECKey.generate_key("P-256")

    def headed(**changes: Any) -> str:
        made = json.dumps({**header, **changes}).encode()
        return ".".join([base64.urlsafe_b64encode(made).rstrip(b"=").decode(), wrapped, iv, text, tag])

    with pytest.warns(SecurityWarning):
        padded = _encrypt(rsa, "RSA1_5")
    bent = {
        "RSA1_5": padded,
        "RSA-OAEP": _encrypt(rsa, "RSA-OAEP"),
        "other enc": _encrypt(rsa, "RSA-OAEP-256", "A128GCM"),
        "zip": _encrypt(rsa, "RSA-OAEP-256", zip="DEF"),
        "PBES2": encrypt_compact(
            {"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2s": "c2FsdHNhbHQ", "p2c": 1000},
            b"x",
            secret,
            registry=ALL,
        ),
        "dir": encrypt_compact(
            {"alg": "dir", "enc": "A256GCM"}, b"x", OctKey.generate_key(256, private=True), registry=ALL
        ),
        "foreign key, our kid": encrypt_compact(
            {"alg": "ECDH-ES", "enc": "A256GCM", "kid": curve.kid}, b"x", foreign, registry=ALL
        ),
        "unknown kid": _encrypt(rsa, "RSA-OAEP-256", kid="other"),
        "kid of the other kind": _encrypt(rsa, "RSA-OAEP-256", kid=curve.kid),
        "changed header": headed(typ="JWT"),
        "crit": headed(crit=["exp"]),
        "jwk": headed(jwk={}),
        "kid a number": headed(kid=1),
        "alg a list": headed(alg=["RSA-OAEP-256"]),
        "no enc": headed(enc=None),
        "wrapped key swapped": ".".join([head, agreed.split(".")[1], iv, text, tag]),
        "no wrapped key": ".".join([head, "", iv, text, tag]),
        "another iv": ".".join([head, wrapped, "A" * len(iv), text, tag]),
        "short tag": ".".join([head, wrapped, iv, text, tag[:4]]),
        "no tag": ".".join([head, wrapped, iv, text, ""]),
        "changed text": ".".join([head, wrapped, iv, "AAAA" + text[4:], tag]),
        "four parts": good.rsplit(".", 1)[0],
        "six parts": good + ".x",
        "padding": good + "=",
        "white space": good.replace(".", ". "),
        "non-ASCII": good[:-1] + "值",
        "empty": "",
        "dots": "....",
        "huge": good + "A" * 40_000,
        "a signed token": "e30.e30.AA",
    }
    for name, token in bent.items():
        with pytest.raises(InvalidSignedToken) as caught:
            _decrypt(ring, token)
        assert caught.value.code == "10021", name
    assert _decrypt(ring, good) == _decrypt(ring, agreed) == b"inner"


@pytest.mark.parametrize(
    "epk",
    [
        None,
        {},
        [],
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        ECKey.generate_key("P-384").as_dict(private=False),
        ECKey.generate_key("P-256").as_dict(private=True),
    ],
)
async def test_a_bad_ephemeral_key_is_refused(ring: Ring, epk: Any) -> None:
    """RFC 7518 §4.6.1.1: missing, on no curve, on another one, or with a private half."""
    good = _encrypt(ring.offered("EC"), "ECDH-ES").split(".")
    header = json.loads(base64.urlsafe_b64decode(good[0] + "=" * (-len(good[0]) % 4)))
    made = base64.urlsafe_b64encode(json.dumps({**header, "epk": epk}).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidSignedToken):
        _decrypt(ring, ".".join([made, *good[1:]]))


async def test_a_rotation_loses_nothing_that_is_on_its_way(ring: Ring) -> None:
    """OpenID Connect Core §10.2.1: the old key is offered no more, and still decrypts until it is withdrawn; then its private half goes."""
    old = ring.offered("EC")
    sent = _encrypt(old, "ECDH-ES")
    retires = NOW + timedelta(days=60)
    await ring.rotate(retires - timedelta(hours=12))
    # The successor waits until every node holds it.
    assert ring.offered("EC", retires - timedelta(seconds=1)).kid == old.kid
    new = ring.offered("EC", retires)
    assert new.kid != old.kid
    await ring.rotate(retires)
    assert _decrypt(ring, sent, retires) == _decrypt(ring, _encrypt(new, "ECDH-ES"), retires) == b"inner"
    withdrawn = retires + timedelta(days=2)
    with pytest.raises(InvalidSignedToken):
        _decrypt(ring, sent, withdrawn)
    await ring.rotate(withdrawn)
    async with ring.db.read() as connection:
        erased = {key.kid for key, sealed in await list_signing_keys(connection) if sealed is None}
    assert old.kid in erased
    assert new.kid not in erased


async def test_a_revoked_key_decrypts_nothing(ring: Ring) -> None:
    """A key that leaked is of no use from the next reading on."""
    key = ring.offered("RSA")
    assert key.kid is not None
    sent = _encrypt(key, "RSA-OAEP-256")
    async with ring.db.transaction() as connection:
        assert await revoke_signing_key(connection, key.kid, NOW)
    await ring.keys.refresh(ring.db)
    with pytest.raises(InvalidSignedToken):
        _decrypt(ring, sent)


async def test_a_key_to_encrypt_to_signs_nothing(ring: Ring) -> None:
    """Purposes never mix: nothing signed under the kid of such a key is accepted."""
    key = ring.offered("EC")
    signed = f"{base64.urlsafe_b64encode(json.dumps({'alg': 'ES256', 'kid': key.kid, 'typ': 'JWT'}).encode()).decode().rstrip('=')}.e30.AAAA"
    with pytest.raises(InvalidSignedToken):
        ring.keys.verify(signed, purpose="encryption", algs=("ES256", "ECDH-ES"), typ="JWT", now=NOW)
