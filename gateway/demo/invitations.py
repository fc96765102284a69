"""Invitations of the demo: the housing bureau may register applications under every policy, by tokens that stand in world.json."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from idp.provider.clients.policies import CIBA, DEVICE_CODE, TOKEN_EXCHANGE
from idp.provider.registration.invitations import InvitationTerms
from idp.provider.resources.audiences import license_audience
from idp.provider.scopes import LICENSE_LOOKUP

DEPARTMENT = "housing"
USES = 1_000
LIFE = timedelta(days=30)
_LEGACY_LIFE = timedelta(days=180)
_GRANTS = ("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE, CIBA, TOKEN_EXCHANGE)
_SCOPES = ("openid", "profile", "phone", "realname", "realname.id", "offline_access", LICENSE_LOOKUP)


def invitation_terms(department_id: str, *, issuer: str, now: datetime) -> dict[str, InvitationTerms]:
    """Return the terms by policy."""
    plain = {
        policy: InvitationTerms(
            department_id=department_id,
            policy=policy,
            grant_types=_GRANTS,
            scopes=_SCOPES,
            resources=(license_audience(issuer),),
        )
        for policy in ("baseline", "high", "high-signed")
    }
    legacy = InvitationTerms(
        department_id=department_id,
        policy="legacy",
        grant_types=(*_GRANTS, "implicit"),
        scopes=_SCOPES,
        legacy_exceptions=("hybrid", "implicit"),
        legacy_until=now + _LEGACY_LIFE,
    )
    return {**plain, "legacy": legacy}


def invitation_token(key: bytes, policy: str, *, now: datetime) -> str:
    """Return the token of today's invitation under a policy: the same for a day and a database, so that nothing is remembered elsewhere."""
    digest = hmac.digest(key, f"demo-invitation:{policy}:{now.date().isoformat()}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
