"""Encrypted JWTs in both directions (RFC 7516): answers that only the client can read, and request objects that only this provider can.

One list of algorithms holds for both, that of `jwk_sets.py`. RSA1_5 is not on it (RFC 8725 §3.2), nor is anything with a password or a
shared secret.
"""

from datetime import datetime

from joserfc.jwe import JWERegistry, encrypt_compact

from foundation.signing import InvalidSignedToken
from idp.provider.clients.jwk_sets import CONTENT_ENCRYPTION, ENCRYPTING_ALGS
from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.clients.metadata import Encryption
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider

_REGISTRY = JWERegistry(algorithms=[*ENCRYPTING_ALGS, *CONTENT_ENCRYPTION])


async def encrypt_for(client: Client, content: str | bytes, wanted: Encryption, *, provider: Provider) -> str:
    """Return the content as a JWE to the client's own key, as it registered; text is taken as a JWT to be nested (RFC 7519 §5.2).

    Raises ClientKeysUnavailable when the client has no fitting key or its address does not answer.
    """
    if wanted.alg not in ENCRYPTING_ALGS or wanted.enc not in CONTENT_ENCRYPTION:
        raise ClientKeysUnavailable("an algorithm that is not offered")
    key = await provider.client_keys.encryption_key(client, wanted.alg)
    header = {"alg": wanted.alg, "enc": wanted.enc}
    if key.kid is not None:
        header["kid"] = key.kid
    if isinstance(content, str):
        header["cty"] = "JWT"
    return encrypt_compact(header, content, key, registry=_REGISTRY)


async def check_encryptable(client: Client, wanted: Encryption | None, *, provider: Provider) -> None:
    """Raise ClientKeysUnavailable when `encrypt_for` would: asked before anything is spent or put on record."""
    if wanted is not None:
        await provider.client_keys.encryption_key(client, wanted.alg)


def is_encrypted(token: str) -> bool:
    """Tell whether the token has the five parts of a JWE (RFC 7516 §9)."""
    return token.count(".") == 4


def decrypt_request_object(token: str, provider: Provider, now: datetime, *, wanted: Encryption | None = None) -> str:
    """Return the JWT that somebody encrypted to this provider (RFC 9101 §6.1, OpenID Connect Core §6.1).

    `wanted` are the registered algorithms, when the client registered them. Raises InvalidSignedToken. The encryption proves nothing about
    the sender: the signature inside is checked as if it had come bare.
    """
    algs = ENCRYPTING_ALGS if wanted is None else (wanted.alg,)
    encs = CONTENT_ENCRYPTION if wanted is None else (wanted.enc,)
    plaintext = provider.keys.decrypt(token, algs=algs, encs=encs, now=now)
    try:
        return plaintext.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidSignedToken("the plaintext is not a JWT") from None
