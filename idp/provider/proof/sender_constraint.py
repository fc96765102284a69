"""What a request proves to possess, and what a token is bound to: a DPoP key (RFC 9449 §6) or a client certificate (RFC 8705 §3)."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal, Protocol, cast

from foundation.values import value_type
from idp.provider.clients.policies import needs_bound_tokens, policy_of
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.errors import TokenError
from idp.provider.proof.client_certificates import certificate_thumbprint
from idp.provider.proof.client_jwts import UnusableJwt
from idp.provider.proof.dpop import NONCE_LIFE, DPoPProof, age_of_nonce, check_token_hash, make_nonce, read_proof
from idp.provider.proof.one_time import use_once
from idp.provider.proof.reasons import BOUND_TO_ANOTHER_KEY, INVALID_DPOP_PROOF, UseDPoPNonce
from idp.provider.tokens.reasons import TOKEN_MUST_BE_BOUND

ConfirmationKind = Literal["jkt", "x5t#S256"]
KEY: ConfirmationKind = "jkt"
CERTIFICATE: ConfirmationKind = "x5t#S256"


@value_type
class Confirmation:
    """The thumbprint of a key or a certificate, as `cnf` names it (RFC 7800 §3.1).

    `next_nonce` is a fresh server nonce for the answer when the one that was used grows old.
    """

    kind: ConfirmationKind
    thumbprint: str
    next_nonce: str | None = field(default=None, compare=False)

    def as_claim(self) -> dict[str, str]:
        """Return the value of the claim `cnf`."""
        return {self.kind: self.thumbprint}

    def __str__(self) -> str:
        """Return the form of a column; `parse_confirmation` reads it back."""
        return f"{self.kind}:{self.thumbprint}"

    @property
    def token_type(self) -> str:
        """The `token_type` of a token that is bound so (RFC 9449 §5); a certificate leaves it Bearer (RFC 8705 §3)."""
        return "DPoP" if self.kind == KEY else "Bearer"


def parse_confirmation(text: str | None) -> Confirmation | None:
    """Read what `str` of a confirmation wrote."""
    if text is None:
        return None
    kind, _, thumbprint = text.partition(":")
    return Confirmation(cast(ConfirmationKind, kind), thumbprint)


def confirmation_from_claim(claim: Mapping[str, str] | None) -> Confirmation | None:
    """Read the claim `cnf` of one of our own tokens."""
    if not claim:
        return None
    ((kind, thumbprint),) = claim.items()
    return Confirmation(cast(ConfirmationKind, kind), thumbprint)


class ProvingRequest(Protocol):
    """What of a request can prove possession; `path` is as it was sent, without query."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def dpop(self) -> tuple[str, ...]: ...
    @property
    def certificate(self) -> bytes | None: ...


async def confirm_request(
    request: ProvingRequest,
    *,
    provider: Provider,
    now: datetime,
    client: Client | None = None,
    access_token: str | None = None,
) -> Confirmation | None:
    """Return what the request proves to possess, None when it shows neither proof nor certificate.

    A proof that is shown must be good, whoever needs it: raises TokenError `invalid_dpop_proof` or `use_dpop_nonce`. It is spent when
    this returns. With a `client` its policy is asked about nonces, and a certificate counts only when its tokens are to be bound to one.
    With an `access_token` the proof must be made for it (RFC 9449 §7).
    """
    proved = await _confirm_key(request, provider, now, client, access_token) if request.dpop else None
    if request.certificate is not None and _binds_to_certificate(client, has_proof=proved is not None):
        return Confirmation(CERTIFICATE, certificate_thumbprint(request.certificate))
    return proved


def check_binding(client: Client, confirmation: Confirmation | None) -> None:
    """Raise TokenError unless what was proved is of the kind that the client registered for all of its tokens."""
    registered = client.metadata
    wanted: set[ConfirmationKind] = set()
    if registered.dpop_bound_access_tokens:
        wanted.add(KEY)
    if registered.tls_client_certificate_bound_access_tokens:
        wanted.add(CERTIFICATE)
    if wanted and (confirmation is None or confirmation.kind not in wanted):
        raise TokenError(TOKEN_MUST_BE_BOUND)


def check_confirmation(bound_to: Confirmation | None, presented: Confirmation | None) -> None:
    """Raise TokenError invalid_grant unless the request proves possession of what a code or refresh token is bound to."""
    if bound_to is not None and bound_to != presented:
        raise TokenError(BOUND_TO_ANOTHER_KEY)


def check_refresh_confirmation(client: Client, bound_to: Confirmation | None, presented: Confirmation | None) -> None:
    """Raise TokenError invalid_grant unless the request may use a refresh token whose family is bound so.

    A public client proves the very key (RFC 9449 §5, RFC 8705 §7.1). A confidential one is proved by its own authentication and may
    have a new key, but a bound family never becomes an unbound one.
    """
    if client.token_endpoint_auth_method == "none":
        check_confirmation(bound_to, presented)
    elif bound_to is not None and (presented is None or presented.kind != bound_to.kind):
        raise TokenError(BOUND_TO_ANOTHER_KEY)


async def _confirm_key(
    request: ProvingRequest, provider: Provider, now: datetime, client: Client | None, access_token: str | None
) -> Confirmation:
    try:
        origins = (provider.issuer, provider.mutual_tls.origin)
        addresses = tuple(origin + request.path for origin in origins if origin is not None)
        proof = read_proof(request.dpop, method=request.method, addresses=addresses, now=now)
        if access_token is not None:
            check_token_hash(proof, access_token)
        next_nonce = _check_nonce(proof, client, provider, now)
    except UnusableJwt as unusable:
        raise TokenError(INVALID_DPOP_PROOF, str(unusable)) from unusable
    # Per key, so that nobody spends the identifiers of others.
    if not await use_once("dpop", f"{proof.jkt}\n{proof.jti}", expires_at=proof.over_at, provider=provider):
        raise TokenError(INVALID_DPOP_PROOF, "used before")
    return Confirmation(KEY, proof.jkt, next_nonce)


def _check_nonce(proof: DPoPProof, client: Client | None, provider: Provider, now: datetime) -> str | None:
    """Return a fresh nonce when the proof's own grows old; raise UseDPoPNonce when it is over, not ours, or missing although required."""
    policy = None if client is None else policy_of(client)
    if proof.nonce is None and (policy is None or not policy.requires_dpop_nonce):
        return None
    age = None if proof.nonce is None else age_of_nonce(proof.nonce, provider.sealer, now=now)
    if age is None:
        raise UseDPoPNonce(make_nonce(provider.sealer, now=now))
    return make_nonce(provider.sealer, now=now) if age > NONCE_LIFE / 2 else None


def _binds_to_certificate(client: Client | None, *, has_proof: bool) -> bool:
    if client is None:
        return not has_proof
    if client.metadata.tls_client_certificate_bound_access_tokens:
        return not (has_proof and client.metadata.dpop_bound_access_tokens)
    return not has_proof and needs_bound_tokens(client)
