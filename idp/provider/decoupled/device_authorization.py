"""The device authorization endpoint (RFC 8628 §3.1, §3.2): a screen without keyboard asks for a code to show."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.exc import IntegrityError

from foundation.ledger import Entry
from idp.provider.clients.policies import DEVICE_CODE
from idp.provider.clients.registry import Client
from idp.provider.composition import Origin, Provider
from idp.provider.decoupled.asked import judge_asked
from idp.provider.decoupled.requests import DecoupledRequest, new_request, secret_hash
from idp.provider.decoupled.user_codes import draw_user_code, show_user_code, user_code_hash
from idp.provider.parameters import Parameters
from idp.provider.scopes import join_scope
from idp.signin.visits import coarse_network

ENDPOINT = "device_authorization"
VERIFICATION_PATH = "/device"
_DRAWS = 3


async def begin_device_authorization(
    form: Parameters, client: Client, *, auth_method: str, provider: Provider, origin: Origin, now: datetime
) -> dict[str, Any]:
    """Keep the request of an authenticated client and return the members of the answer; raises TokenError.

    `verification_uri_complete` only fills in the code: the person still sees what the screen shows, and says yes (RFC 8628 §3.3.1, §5.4).
    """
    asked = judge_asked(form, client, grant_type=DEVICE_CODE, auth_method=auth_method, provider=provider, now=now)
    limits, device_code = provider.limits, provider.entropy.token()
    waiting = DecoupledRequest(
        request_id=provider.entropy.identifier(),
        kind="device",
        secret_hash=secret_hash("device", device_code),
        client_id=client.client_id,
        person_id=None,
        asked=asked,
        binding_message=None,
        network=coarse_network(origin.network),
        state="pending",
        interval=limits.polling_interval,
        polled_at=None,
        created_at=now,
        expires_at=now + limits.device_code_lifetime,
    )
    user_code = show_user_code(await _keep(waiting, client, provider, origin, now))
    address = provider.issuer + VERIFICATION_PATH
    return {
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": address,
        "verification_uri_complete": f"{address}?{urlencode({'user_code': user_code})}",
        "expires_in": int(limits.device_code_lifetime.total_seconds()),
        "interval": int(limits.polling_interval.total_seconds()),
    }


async def _keep(waiting: DecoupledRequest, client: Client, provider: Provider, origin: Origin, now: datetime) -> str:
    """Write the request with a user code that no other one has; two in a row that are taken already do not happen by chance."""
    entry = Entry(
        kind=f"oauth.{ENDPOINT}",
        at=now,
        outcome="allowed",
        actor=f"client:{client.client_id}",
        department=client.department_id,
        client=client.client_id,
        request_id=origin.request_id,
        details={"request": waiting.request_id, "scope": join_scope(waiting.asked.scope)},
    )
    for draw in range(_DRAWS):
        code = draw_user_code(provider.entropy)
        try:
            await provider.ledger.append(entry, inserts=[new_request(waiting, user_code_hash=user_code_hash(code))])
        except IntegrityError:
            if draw + 1 == _DRAWS:
                raise
        else:
            return code
    raise AssertionError("the last draw either returns or raises")
