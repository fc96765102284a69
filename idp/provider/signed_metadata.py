"""Metadata in the two forms in which they are published: plain (OpenID Connect Discovery §4) and signed beside it (RFC 8414 §2.1).

Nothing in them depends on a request, so they are made once per worker. The signed form is made again when another key has begun to sign;
the key that signed it before stays published longer than anybody may keep the document.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from foundation.signing import Algorithm, KeyRing, NoSigningKey, choose_signing_key

TYPE = "oauth-authorization-server-metadata+jwt"
"""RFC 8414 names no type; an explicit one keeps the JWT from passing for any other of ours (RFC 8725 §3.11)."""
_ALG: Algorithm = "ES256"


class PublishedMetadata:
    """The metadata of one issuer, for one worker."""

    def __init__(self, plain: Mapping[str, Any], keys: KeyRing) -> None:
        self.plain = plain
        self._keys = keys
        self._signed: tuple[str, Mapping[str, Any]] | None = None

    def with_signature(self, now: datetime) -> Mapping[str, Any]:
        """Return the metadata with `signed_metadata`: the same claims, attested by `iss`. Without a key that signs they are plain."""
        key = choose_signing_key(self._keys.keys(), "oidc", _ALG, now)
        if key is None:
            return self.plain
        if self._signed is None or self._signed[0] != key.kid:
            # RFC 8414 §2.1: the JWT holds no signed_metadata of its own.
            claims = {**self.plain, "iss": self.plain["issuer"], "iat": int(now.timestamp())}
            try:
                token = self._keys.sign_jwt(claims, purpose="oidc", alg=_ALG, typ=TYPE, now=now)
            except NoSigningKey:
                return self.plain
            self._signed = key.kid, {**self.plain, "signed_metadata": token}
        return self._signed[1]
