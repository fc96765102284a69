"""The key ring: what it signs it verifies, and it takes nothing else, however it is spelled."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from foundation.database import Database
from foundation.entropy import SystemEntropy
from foundation.sealing import SealBroken, Sealer, SealingKey
from foundation.signing import (
    Algorithm,
    ExpiredSignedToken,
    InvalidSignedToken,
    KeyRing,
    NoSigningKey,
    PurposePolicy,
    RotationPolicy,
    VerifiedClaims,
    ensure_keys,
    revoke_signing_key,
)
from tests.servers import Stack

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
ALGORITHMS: tuple[Algorithm, ...] = ("ES256", "RS256", "PS256", "EdDSA")
SMALL = RotationPolicy((PurposePolicy("oidc", ("ES256", "EdDSA")), PurposePolicy("receipt", ("EdDSA",), overlap=None)))
CLAIMS = {"iss": "https://id.example", "aud": "licenses", "sub": "张", "exp": int(NOW.timestamp()) + 300}


def _sealer(seed: int = 0) -> Sealer:
    return Sealer([SealingKey("k1", "A256GCM", bytes(range(seed, seed + 32)))], entropy=SystemEntropy())


@pytest.fixture
async def ring(sqlite_url: str) -> KeyRing:
    """A key ring over a fresh SQLite database with elliptic keys only, which are quick to make."""
    db = Database(sqlite_url)
    await ensure_keys(db, sealer=_sealer(), policy=SMALL, now=NOW)
    ring = KeyRing(_sealer())
    await ring.refresh(db)
    await db.close()
    return ring


def _sign(ring: KeyRing, claims: dict[str, Any] | None = None, alg: Algorithm = "ES256") -> str:
    # Rendered here, because some of these claims are numbers that the product itself never writes.
    payload = json.dumps(CLAIMS if claims is None else claims).encode()
    return ring.sign_compact(payload, purpose="oidc", alg=alg, typ="at+jwt", now=NOW)


def _verify(ring: KeyRing, token: str, *, now: datetime = NOW, **more: Any) -> VerifiedClaims:
    wanted: dict[str, Any] = {"purpose": "oidc", "algs": ("ES256", "EdDSA"), "typ": "at+jwt", **more}
    return ring.verify(token, now=now, **wanted)


async def test_every_algorithm_signs_and_verifies(stack: Stack) -> None:
    """All four algorithms work from the database on both engines, and the key set shows public members
    only.
    """
    db = Database(stack.database_url)
    assert await ensure_keys(db, sealer=_sealer(), policy=RotationPolicy(), now=NOW) == 8
    assert await ensure_keys(db, sealer=_sealer(), policy=RotationPolicy(), now=NOW) == 0
    ring = KeyRing(_sealer())
    assert await ring.refresh(db)
    assert not await ring.refresh(db)
    for alg in ALGORITHMS:
        token = ring.sign_jwt(CLAIMS, purpose="oidc", alg=alg, typ="JWT", now=NOW)
        verified = ring.verify(token, purpose="oidc", algs=(alg,), typ="JWT", now=NOW)
        assert (verified.claims["sub"], verified.alg) == ("张", alg)
    keys = ring.jwks(NOW)["keys"]
    assert {key["alg"] for key in keys if key["use"] == "sig"} == set(ALGORITHMS)
    assert {(key["kty"], key.get("alg")) for key in keys if key["use"] == "enc"} == {
        ("RSA", None),
        ("EC", None),
    }
    assert not {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} & {member for key in keys for member in key}
    assert len(ring.jwks(NOW, purposes=("receipt", "checkpoint"))["keys"]) == 2
    await db.close()


async def test_published_key_verifies_elsewhere(ring: KeyRing) -> None:
    """RFC 7515: a relying party with joserfc and our key set accepts the token."""
    token = _sign(ring)
    key = next(key for key in ring.jwks(NOW)["keys"] if key["alg"] == "ES256")
    read = jws.deserialize_compact(token, ECKey.import_key(key), algorithms=["ES256"])
    assert json.loads(read.payload) == CLAIMS


async def test_two_nodes_starting_at_once_share_the_same_keys(stack: Stack) -> None:
    """The unique generation lets one of two makers win, and both then sign with the same keys."""
    first, second = Database(stack.database_url), Database(stack.database_url)
    await asyncio.gather(
        ensure_keys(first, sealer=_sealer(), policy=SMALL, now=NOW),
        ensure_keys(second, sealer=_sealer(), policy=SMALL, now=NOW),
    )
    one, two = KeyRing(_sealer()), KeyRing(_sealer())
    await one.refresh(first)
    await two.refresh(second)
    assert len(one.keys()) == 3
    assert one.jwks(NOW) == two.jwks(NOW)
    assert _verify(two, _sign(one)).claims == CLAIMS
    await first.close()
    await second.close()


async def test_rotation_and_revocation_reach_another_node_by_refresh(stack: Stack) -> None:
    """Old tokens verify across a rotation; after a revocation they stop, remembered or not."""
    db = Database(stack.database_url)
    await ensure_keys(db, sealer=_sealer(), policy=SMALL, now=NOW)
    signer, other = KeyRing(_sealer()), KeyRing(_sealer())
    await signer.refresh(db)
    await other.refresh(db)
    retired = NOW + timedelta(days=60)
    token = _sign(signer, {**CLAIMS, "exp": int(retired.timestamp()) + 600})
    await ensure_keys(db, sealer=_sealer(), policy=SMALL, now=retired - timedelta(hours=12))
    await ensure_keys(db, sealer=_sealer(), policy=SMALL, now=retired)
    assert await signer.refresh(db)
    assert await other.refresh(db)
    kid = _verify(other, token, now=retired).kid
    new = signer.sign_jwt({"exp": 9e9}, purpose="oidc", alg="ES256", typ="at+jwt", now=retired)
    assert _verify(other, new, now=retired).kid != kid
    async with db.transaction() as connection:
        assert await revoke_signing_key(connection, kid, retired)
        assert not await revoke_signing_key(connection, kid, retired)
    await other.refresh(db)
    with pytest.raises(InvalidSignedToken):
        _verify(other, token, now=retired)
    assert kid not in {key["kid"] for key in other.jwks(retired)["keys"]}
    await db.close()


async def test_wrong_sealing_keys_are_noticed_at_start(sqlite_url: str) -> None:
    """A node with other sealing keys must not come up and sign with nothing."""
    db = Database(sqlite_url)
    await ensure_keys(db, sealer=_sealer(), policy=SMALL, now=NOW)
    with pytest.raises(SealBroken):
        await KeyRing(_sealer(100)).refresh(db)
    await db.close()


async def test_without_a_key_nothing_is_signed(ring: KeyRing) -> None:
    """A missing algorithm, or a life that is over, is a 503 and not another key."""
    with pytest.raises(NoSigningKey):
        _sign(ring, alg="RS256")
    with pytest.raises(NoSigningKey):
        ring.sign_jwt({}, purpose="oidc", alg="ES256", typ="JWT", now=NOW + timedelta(days=61))


async def test_bare_messages_are_signed_for_checkpoints(ring: KeyRing) -> None:
    """Ed25519 is deterministic, and whoever has the public half alone checks the signature."""
    kid, signature = ring.sign_octets(b"tree head", purpose="receipt", alg="EdDSA", now=NOW)
    assert (kid, signature) == ring.sign_octets(b"tree head", purpose="receipt", alg="EdDSA", now=NOW)
    held = ring.keys()
    (signer,) = [key for key in held if key.kid == kid]
    assert signer.purpose == "receipt"
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(signer.public_jwk["x"] + "="))
    public.verify(signature, b"tree head")
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"tree heaD")


def _b64(value: object) -> str:
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _header(token: str) -> dict[str, Any]:
    text = token.split(".")[0]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return header


def _foreign_tokens(ring: KeyRing) -> dict[str, str]:
    """Everything RFC 8725 warns of, each made from a good token or from an attacker's own key."""
    token = _sign(ring)
    head, body, signature = token.split(".")
    header = _header(token)
    attacker = ECKey.generate_key("P-256", private=True)
    own_public = next(key for key in ring.jwks(NOW)["keys"] if key["alg"] == "ES256")

    def forged(changes: dict[str, Any], *, by_attacker: bool = False) -> str:
        # Signed with our own key, so that the header alone can be the reason of refusal.
        signing_input = f"{_b64({**header, **changes})}.{body}"
        entry = ring._signer("oidc", "ES256", NOW)
        assert entry.algorithm is not None
        made = entry.algorithm.sign(signing_input.encode(), attacker if by_attacker else entry.private)
        return f"{signing_input}.{_b64(made)}"

    confused = OctKey.import_key(json.dumps(own_public))
    hs256 = jws.serialize_compact(
        {"alg": "HS256", "kid": header["kid"], "typ": "at+jwt"}, json.dumps(CLAIMS), confused, algorithms=["HS256"]
    )
    signed_by_attacker = jws.serialize_compact(
        {"alg": "ES256", "kid": header["kid"], "typ": "at+jwt"}, json.dumps(CLAIMS), attacker, algorithms=["ES256"]
    )
    doubled = json.dumps(header)[:-1].encode() + b',"alg":"ES256"}'
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(signature[-1])
    other_last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1]
    return {
        "alg none": f"{_b64({**header, 'alg': 'none'})}.{body}.",
        "alg nOnE with signature": f"{_b64({**header, 'alg': 'nOnE'})}.{body}.{signature}",
        "empty signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "detached payload": f"{head}..{signature}",
        "four parts": f"{token}.x",
        "key confusion": hs256,
        "attacker's key under our kid": signed_by_attacker,
        "attacker's key in jwk": forged({"jwk": attacker.as_dict(private=False)}, by_attacker=True),
        "jku": forged({"jku": "https://evil.example/jwks"}),
        "x5u": forged({"x5u": "https://evil.example/x5u"}),
        "x5c": forged({"x5c": ["MIIB"]}),
        "unknown crit": forged({"crit": ["bork"]}),
        "empty crit": forged({"crit": []}),
        "b64 false": forged({"b64": False}),
        "zip": forged({"zip": "DEF"}),
        "unknown kid": forged({"kid": "other"}),
        "kid is a number": forged({"kid": 1}),
        "kid is missing": f"{_b64({'alg': 'ES256', 'typ': 'at+jwt'})}.{body}.{signature}",
        "duplicate member": f"{_b64(doubled)}.{body}.{signature}",
        "header is a list": f"{_b64([header])}.{body}.{signature}",
        "header with mark": f"{_b64(bytes((0xEF, 0xBB, 0xBF)) + json.dumps(header).encode())}.{body}.{signature}",
        "padding": f"{head}.{body}.{signature}==",
        "standard alphabet": token.replace("-", "+").replace("_", "/") + "+",
        "trailing bits": f"{head}.{body}.{signature[:-1]}{other_last}",
        "leading space": f" {token}",
        "line break": f"{token}\n",
        "non-ASCII": f"{head}.{body}.{signature}é",
        "full-width dot": token.replace(".", "．"),
        "lone surrogate": f"{head}.{body}.\ud800",
        "zero r and s": f"{head}.{body}.{_b64(bytes(64))}",
        "short signature": f"{head}.{body}.{_b64(bytes(63))}",
        "JSON serialization": json.dumps({"protected": head, "payload": body, "signature": signature}),
        "huge": "a" * 100_000,
        "empty": "",
        "changed payload": f"{head}.{_b64({**CLAIMS, 'sub': 'other'})}.{signature}",
    }


async def test_foreign_and_respelled_tokens_are_refused(ring: KeyRing) -> None:
    """RFC 8725: every mutation is refused with the same public error, before and after the good token was
    seen.
    """
    token = _sign(ring)
    for _ in range(2):
        for name, foreign in _foreign_tokens(ring).items():
            with pytest.raises(InvalidSignedToken) as caught:
                _verify(ring, foreign)
            assert caught.value.code == "10021", name
        assert _verify(ring, token).claims == CLAIMS


async def test_token_is_bound_to_purpose_type_and_algorithms(ring: KeyRing) -> None:
    """RFC 8725 §3.1 and §3.11: a receipt is no access token, an ID token is none either, and the list of
    algorithms holds.
    """
    token = _sign(ring)
    receipt = ring.sign_jwt(CLAIMS, purpose="receipt", alg="EdDSA", typ="at+jwt", now=NOW)
    _verify(ring, token)
    for wrong, changes in (
        (receipt, {}),
        (token, {"typ": "JWT"}),
        (token, {"algs": ("EdDSA", "RS256")}),
        (token, {"algs": ()}),
    ):
        with pytest.raises(InvalidSignedToken):
            _verify(ring, wrong, **changes)


@pytest.mark.parametrize(
    "payload",
    [b"null", b"[]", b'"x"', b"1", b"", b"\xff", b'{"exp":9999999999,"exp":1}', b'{"exp":NaN}', b"[" * 5000],
)
async def test_payloads_that_are_no_object_are_refused(ring: KeyRing, payload: bytes) -> None:
    """Even a payload we signed by mistake never passes as claims."""
    token = ring.sign_compact(payload, purpose="oidc", alg="ES256", typ="at+jwt", now=NOW)
    with pytest.raises(InvalidSignedToken):
        _verify(ring, token)


SECOND = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        pytest.param({"exp": SECOND}, ExpiredSignedToken, id="exp equals now"),
        pytest.param({"exp": SECOND - 1}, ExpiredSignedToken, id="exp in the past"),
        pytest.param({}, InvalidSignedToken, id="exp missing"),
        pytest.param({"exp": str(SECOND + 60)}, InvalidSignedToken, id="exp is a string"),
        pytest.param({"exp": True}, InvalidSignedToken, id="exp is true"),
        pytest.param({"exp": None}, InvalidSignedToken, id="exp is null"),
        pytest.param({"exp": -1}, InvalidSignedToken, id="exp is negative"),
        pytest.param({"exp": 10**30}, InvalidSignedToken, id="exp beyond year 9999"),
        pytest.param({"exp": SECOND + 60, "nbf": SECOND + 1}, InvalidSignedToken, id="nbf in the future"),
        pytest.param({"exp": SECOND + 60, "iat": SECOND + 1}, InvalidSignedToken, id="iat in the future"),
        pytest.param({"exp": SECOND + 60, "iat": "now"}, InvalidSignedToken, id="iat is a string"),
    ],
)
async def test_times_are_checked_every_time(
    ring: KeyRing, claims: dict[str, Any], error: type[InvalidSignedToken]
) -> None:
    """RFC 7519 §4.1.4–4.1.6, on the first look and on a remembered token alike."""
    token = _sign(ring, claims)
    for _ in range(2):
        with pytest.raises(error):
            _verify(ring, token)


async def test_remembered_token_still_expires(ring: KeyRing) -> None:
    """Remembering saves the signature check alone."""
    token = _sign(ring)
    _verify(ring, token)
    with pytest.raises(ExpiredSignedToken):
        _verify(ring, token, now=NOW + timedelta(seconds=300))
    leeway = timedelta(seconds=10)
    assert _verify(ring, token, now=NOW + timedelta(seconds=305), leeway=leeway).claims["sub"] == "张"


@pytest.mark.parametrize(
    ("aud", "good"),
    [
        ("licenses", True),
        (["other", "licenses"], True),
        ("licenses2", False),
        ("Licenses", False),
        (["other"], False),
        (["licenses", 1], False),
        ([], False),
        (None, False),
    ],
)
async def test_audience_is_matched_exactly(ring: KeyRing, aud: object, good: bool) -> None:
    """RFC 8725 §3.9: membership, not prefixes; a list with a member that is no string is malformed."""
    token = _sign(ring, {**CLAIMS, "aud": aud})
    if good:
        _verify(ring, token, audience="licenses", issuer="https://id.example")
        with pytest.raises(InvalidSignedToken):
            _verify(ring, token, audience="licenses", issuer="https://id.example/")
    else:
        with pytest.raises(InvalidSignedToken):
            _verify(ring, token, audience="licenses")


async def test_verified_claims_are_made_by_the_verifier_alone(ring: KeyRing) -> None:
    """The type is the proof that a signature was checked, and its claims cannot be altered."""
    with pytest.raises(TypeError):
        VerifiedClaims({}, "kid", "ES256", "JWT")
    claims: Any = _verify(ring, _sign(ring)).claims
    with pytest.raises(TypeError):
        claims["sub"] = "other"


async def test_memory_of_tokens_is_bounded(sqlite_url: str) -> None:
    """A flood of good tokens does not grow the process."""
    db = Database(sqlite_url)
    await ensure_keys(db, sealer=_sealer(), policy=SMALL, now=NOW)
    ring = KeyRing(_sealer(), remembered_tokens=3)
    await ring.refresh(db)
    await db.close()
    for number in range(10):
        token = _sign(ring, {**CLAIMS, "jti": str(number)})
        assert _verify(ring, token).claims["jti"] == str(number)
    assert len(ring._remembered) == 3
