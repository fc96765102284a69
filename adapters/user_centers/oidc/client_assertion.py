"""How we show the center who we are: `client_secret_basic` or `private_key_jwt`."""

import base64
import json
from datetime import timedelta
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.jwk import JWKRegistry, Key

from adapters.user_centers.oidc.settings import OidcCenterSettings
from foundation.clock import Clock
from foundation.entropy import Entropy

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME = timedelta(seconds=60)


class ClientCredential:
    """Our credential at one center; the private key is imported once."""

    def __init__(self, settings: OidcCenterSettings, *, clock: Clock, entropy: Entropy) -> None:
        self._settings = settings
        self._clock = clock
        self._entropy = entropy
        self._key: Key | None = None
        if settings.private_jwk is not None:
            self._key = JWKRegistry.import_key(json.loads(settings.private_jwk.get_secret_value()))
            self._key.ensure_kid()

    def authenticate(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the headers and form members that authenticate one request to the token endpoint.

        The assertion's audience is the issuer, so that it is of use nowhere else (RFC 7523 §3, RFC 9700
        §2.5).
        """
        client_id = self._settings.client_id
        if self._key is None:
            # RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
            secret = self._settings.client_secret.get_secret_value() if self._settings.client_secret else ""
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, {}
        now = self._clock()
        algorithm = str(self._key.get("alg") or "ES256")
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": self._settings.issuer,
            "jti": self._entropy.token(),
            "iat": int(now.timestamp()),
            "exp": int((now + _LIFETIME).timestamp()),
        }
        header = {"alg": algorithm, "kid": self._key.kid}
        assertion = jwt.encode(header, claims, self._key, algorithms=[algorithm])
        return {}, {
            "client_id": client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
