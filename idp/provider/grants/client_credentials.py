"""The client credentials grant (RFC 6749 §4.4): a department's system acting for itself."""

from datetime import datetime

from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.errors import TokenError
from idp.provider.parameters import Parameters
from idp.provider.proof.sender_constraint import Confirmation
from idp.provider.scopes import SCOPES, split_scope
from idp.provider.tokens.issuing import IssuedAccessToken, issue_for_client
from idp.provider.tokens.reasons import RESOURCE_NOT_GRANTED, SCOPE_TOO_BROAD

GRANT_TYPE = "client_credentials"


def issue_for_credentials(
    form: Parameters, client: Client, *, confirmation: Confirmation | None, provider: Provider, now: datetime
) -> IssuedAccessToken:
    """Sign an access token for the client itself, or raise TokenError.

    Without a `resource` the token is for the client's only resource; a client with several has to name one
    (RFC 8707 §2). It never reaches a citizen's endpoint, whose audience no client may name here.
    """
    scope = _own_scope(form, client)
    resources = form.resources
    if not resources and len(client.resources) == 1:
        resources = tuple(client.resources)
    if not resources or not set(resources) <= client.resources:
        raise TokenError(RESOURCE_NOT_GRANTED)
    return issue_for_client(
        client, scope=scope, resources=resources, confirmation=confirmation, provider=provider, now=now
    )


def _own_scope(form: Parameters, client: Client) -> tuple[str, ...]:
    held = tuple(sorted(name for name in client.scopes if SCOPES[name].for_clients))
    wanted = form.get("scope")
    if wanted is None:
        return held
    asked = split_scope(wanted)
    if not set(asked) <= set(held):
        raise TokenError(SCOPE_TOO_BROAD)
    return asked
