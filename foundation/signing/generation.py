"""Making keys, and keeping the table in step with the rotation plan.

Key pairs come from OpenSSL's generator. RSA takes a tenth of a second and more, so pairs are made off the
event loop.
"""

import asyncio
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

from foundation.database import Database
from foundation.sealing import Sealer
from foundation.signing.keys import KeyAlgorithm, SigningKey
from foundation.signing.rotation import ErasePrivateKey, MakeKey, RotationPolicy, plan_rotation
from foundation.signing.store import (
    SEALING_CONTEXT,
    add_signing_key,
    erase_private_key,
    list_signing_keys,
)

RSA_BITS = 2048


async def ensure_keys(db: Database, *, sealer: Sealer, policy: RotationPolicy, now: datetime) -> int:
    """Carry out what the rotation plan says is due, and return how many actions that was; safe to run on
    many nodes at once.

    Two nodes that make the same generation both insert, the unique constraint keeps one, and both then read
    that one.
    """
    async with db.read() as connection:
        stored = await list_signing_keys(connection)
    erased = {key.kid for key, sealed in stored if sealed is None}
    actions = [
        action
        for action in plan_rotation([key for key, _ in stored], policy, now)
        if not (isinstance(action, ErasePrivateKey) and action.kid in erased)
    ]
    if not actions:
        return 0
    made = [await asyncio.to_thread(make_key, action, now) for action in actions if isinstance(action, MakeKey)]
    async with db.transaction() as connection:
        for key, private_key in made:
            sealed = sealer.seal(private_key, context=f"{SEALING_CONTEXT}:{key.kid}")
            await add_signing_key(connection, db, key, sealed)
        for action in actions:
            if isinstance(action, ErasePrivateKey):
                await erase_private_key(connection, action.kid)
    return len(actions)


def make_key(plan: MakeKey, now: datetime) -> tuple[SigningKey, bytes]:
    """Return a new key and its private half as PKCS #8 DER; the ``kid`` is the RFC 7638 thumbprint of the
    public half.
    """
    pair = _generate(plan.alg)
    private_key = pair.private_key
    if private_key is None:
        raise AssertionError("a generated pair has a private half")
    kid = pair.thumbprint()
    public_jwk = {**pair.as_dict(private=False), "kid": kid, **_use(plan.alg)}
    public_jwk.pop("key_ops", None)
    key = SigningKey(
        kid=kid,
        purpose=plan.purpose,
        alg=plan.alg,
        generation=plan.generation,
        public_jwk=public_jwk,
        created_at=now,
        published_at=plan.published_at,
        active_from=plan.active_from,
        retires_at=plan.retires_at,
        withdrawn_at=plan.withdrawn_at,
    )
    return key, private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _use(alg: KeyAlgorithm) -> dict[str, str]:
    """Return what the key is for (RFC 7517 §4.2, §4.4).

    A key to encrypt to names no algorithm, because each serves several: ECDH-ES with and without key wrapping, both kinds of RSA-OAEP.
    """
    return {"use": "enc"} if alg in ("ECDH-ES", "RSA-OAEP-256") else {"alg": alg, "use": "sig"}


def _generate(alg: KeyAlgorithm) -> ECKey | OKPKey | RSAKey:
    if alg in ("ES256", "ECDH-ES"):
        return ECKey.generate_key("P-256", private=True)
    if alg == "EdDSA":
        return OKPKey.generate_key("Ed25519", private=True)
    return RSAKey.generate_key(RSA_BITS, private=True)
