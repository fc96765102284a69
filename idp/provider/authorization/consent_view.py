"""What the consent page shows: who asks, for what, with the person's own values in part."""

from idp.people.facts import PersonFacts
from idp.provider.assurance.requests import ITEM as VERIFIED
from idp.provider.assurance.requests import claim_of_item, title_of
from idp.provider.authorization.details import ITEM as LICENSES
from idp.provider.authorization.details import Detail, details_items, field_labels, title_of_details
from idp.provider.authorization.interaction import NeedConsent, optional_items
from idp.provider.authorization.outcomes import AskedClaim, AskedItem, ConsentView
from idp.provider.authorization.request import AuthorizationRequest
from idp.provider.claims import masked_claims
from idp.provider.clients.redirects import origin_of
from idp.provider.clients.registry import Client, view_of
from idp.provider.ports import LicenseTypes
from idp.provider.scopes import CLAIM_LABELS, SCOPES


def consent_view(
    client: Client,
    request: AuthorizationRequest,
    needed: NeedConsent,
    facts: PersonFacts | None,
    *,
    license_types: LicenseTypes,
) -> ConsentView:
    """Return the page's content.

    Items agreed to before are marked, so that the page can stress the difference.
    """
    purposes, details = request.claims.verified_items, details_items(request.authorization_details)
    optional = optional_items(request)
    items = tuple(
        _asked_details(item, item in needed.agreed_before, details[item], license_types)
        if item in details
        else _asked(item, item in needed.agreed_before, item in optional, facts, purposes.get(item))
        for item in needed.items
    )
    return ConsentView(view_of(client), items, origin_of(request.redirect_uri))


def describe_item(item: str, *, license_types: LicenseTypes) -> tuple[str, str]:
    """Return the Chinese and the English title of a consent item: a scope, `claim:<name>`, a verified claim, or licenses."""
    if item.startswith(LICENSES):
        return title_of_details(item, license_types)
    return _title_of(item)


def _title_of(item: str) -> tuple[str, str]:
    if item.startswith(VERIFIED):
        return title_of(item)
    if item.startswith("claim:"):
        name = item.removeprefix("claim:")
        return CLAIM_LABELS.get(name, (name, name))
    scope = SCOPES.get(item)
    return (item, item) if scope is None else (scope.title_zh, scope.title_en)


def _asked(item: str, agreed_before: bool, optional: bool, facts: PersonFacts | None, purpose: str | None) -> AskedItem:
    title_zh, title_en = _title_of(item)
    names = _names_of(item)
    values = {} if facts is None else masked_claims(facts, names)
    claims = tuple(AskedClaim(name, *CLAIM_LABELS[name], values.get(name, "")) for name in names)
    return AskedItem(item, title_zh, title_en, claims, agreed_before, optional, purpose)


def _asked_details(item: str, agreed_before: bool, entry: Detail, license_types: LicenseTypes) -> AskedItem:
    title_zh, title_en = title_of_details(item, license_types)
    # The values stand in the libraries and are not fetched for a question.
    fields = tuple(AskedClaim(name, *labels, "") for name, labels in field_labels(entry, license_types).items())
    return AskedItem(item, title_zh, title_en, fields, agreed_before, False, entry["purpose"])


def _names_of(item: str) -> tuple[str, ...]:
    if item.startswith(VERIFIED):
        return (claim_of_item(item),)
    if item.startswith("claim:"):
        return (item.removeprefix("claim:"),)
    return tuple(name for name in SCOPES[item].claims if name in CLAIM_LABELS)
