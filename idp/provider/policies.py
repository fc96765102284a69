"""Client policies: what a client of each kind must do, whichever door it comes through.

Every door (authorization, token of each grant, refresh) calls `check_policy`; no door lets through what the
policy forbids. A new policy is a row here, a new requirement a member with its check.
"""

from dataclasses import dataclass

from idp.provider.authorization_reasons import CLIENT_NOT_ALLOWED, PKCE_REQUIRED
from idp.provider.clients import Client
from idp.provider.errors import RedirectableError, TokenError
from idp.provider.token_reasons import CLIENT_NOT_AUTHENTICATED, GRANT_TYPE_NOT_ALLOWED


@dataclass(frozen=True, slots=True)
class ClientPolicy:
    """What one policy allows and requires."""

    name: str
    auth_methods: frozenset[str]
    grant_types: frozenset[str]
    response_types: frozenset[str]
    response_modes: frozenset[str]
    requires_pkce: bool
    rotates_refresh_tokens: bool


BASELINE = ClientPolicy(
    name="baseline",
    auth_methods=frozenset({"client_secret_basic", "client_secret_post", "none"}),
    grant_types=frozenset({"authorization_code", "refresh_token", "client_credentials"}),
    response_types=frozenset({"code"}),
    response_modes=frozenset({"query", "form_post"}),
    requires_pkce=True,
    rotates_refresh_tokens=True,
)

POLICIES: dict[str, ClientPolicy] = {policy.name: policy for policy in (BASELINE,)}


@dataclass(frozen=True, slots=True)
class AtAuthorization:
    """What a client does at the authorization endpoint."""

    response_type: str
    has_code_challenge: bool


@dataclass(frozen=True, slots=True)
class AtToken:
    """What a client does at the token endpoint."""

    grant_type: str
    auth_method: str


def check_policy(client: Client, doing: AtAuthorization | AtToken) -> ClientPolicy:
    """Return the client's policy when it allows what the client is doing.

    Raises RedirectableError at the authorization endpoint and TokenError elsewhere. A client whose policy
    is unknown may do nothing.
    """
    policy = POLICIES.get(client.policy)
    if isinstance(doing, AtAuthorization):
        if policy is None or doing.response_type not in policy.response_types:
            raise RedirectableError(CLIENT_NOT_ALLOWED, "response_type outside the policy")
        if "authorization_code" not in client.grant_types:
            raise RedirectableError(CLIENT_NOT_ALLOWED, "the client is not registered for the code flow")
        if policy.requires_pkce and not doing.has_code_challenge:
            raise RedirectableError(PKCE_REQUIRED, "no challenge")
        return policy
    if policy is None or doing.auth_method not in policy.auth_methods:
        raise TokenError(CLIENT_NOT_AUTHENTICATED, "authentication method outside the policy")
    if doing.grant_type not in policy.grant_types or doing.grant_type not in client.grant_types:
        raise TokenError(GRANT_TYPE_NOT_ALLOWED, "grant type outside the policy or the registration")
    return policy
