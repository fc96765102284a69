"""What of a registration must be judged against the outside world: addresses that we would fetch, and the sector document.

Everything here goes through the guarded fetcher; an address that its rules forbid is refused before it is stored, and nothing is sent to it.
"""

from collections.abc import Sequence
from dataclasses import replace

from foundation.strict_json import MalformedJson, parse_strict_json
from idp.provider.clients.redirects import check_registrable_uri, host_of
from idp.provider.clients.request_uris import address_of
from idp.provider.errors import InvalidClientMetadata
from idp.provider.ports import UrlFetcher, UrlNotFetched
from idp.provider.registration.rules import ClientRegistration

MOST_LISTED = 1_000
"""Addresses in one sector document."""


async def judge_outside(wanted: ClientRegistration, *, fetcher: UrlFetcher) -> ClientRegistration:
    """Return the registration with the sector that its document proves.

    Raises InvalidClientMetadata for an address that may not be fetched, and for a sector document that cannot be had or does not list every
    redirect URI (OpenID Connect Core §8.1).
    """
    for member, address in _fetched_addresses(wanted):
        check_registrable_uri(address, member=member)
        try:
            fetcher.check_address(address)
        except UrlNotFetched as refused:
            raise InvalidClientMetadata(member, refused.problem) from refused
    sector_identifier_uri = wanted.metadata.sector_identifier_uri
    if sector_identifier_uri is None:
        return wanted
    await _check_sector_document(sector_identifier_uri, wanted.redirect_uris, fetcher)
    return replace(wanted, sector=host_of(sector_identifier_uri))


def _fetched_addresses(wanted: ClientRegistration) -> list[tuple[str, str]]:
    metadata = wanted.metadata
    named = (
        ("jwks_uri", metadata.jwks_uri),
        ("sector_identifier_uri", metadata.sector_identifier_uri),
        ("backchannel_logout_uri", wanted.backchannel_logout_uri),
        ("backchannel_client_notification_endpoint", metadata.backchannel_client_notification_endpoint),
        *(("request_uris", address_of(uri)) for uri in metadata.request_uris),
    )
    return [(member, address) for member, address in named if address is not None]


async def _check_sector_document(address: str, redirect_uris: Sequence[str], fetcher: UrlFetcher) -> None:
    member = "sector_identifier_uri"
    try:
        document = await fetcher.fetch(address, accept="application/json")
        listed = parse_strict_json(document.body, max_depth=2)
    except (UrlNotFetched, MalformedJson) as failure:
        raise InvalidClientMetadata(member, f"its document cannot be had: {failure}") from failure
    if not isinstance(listed, list) or len(listed) > MOST_LISTED or not all(isinstance(one, str) for one in listed):
        raise InvalidClientMetadata(member, "its document is not a list of addresses")
    if not set(redirect_uris) <= set(listed):
        raise InvalidClientMetadata(member, "its document does not list every redirect URI")
