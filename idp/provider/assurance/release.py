"""The `verified_claims` that go into one answer: asked for, entitled to, agreed to, and true now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from idp.people.facts import PersonFacts
from idp.people.levels import proofs_of_level
from idp.people.persons import list_evidence
from idp.provider.assurance.requests import MEMBER, VerifiedClaimsWish
from idp.provider.assurance.selection import select_verified_claims
from idp.provider.assurance.verification import describe_verification
from idp.provider.assurance.vocabulary import VERIFIABLE_CLAIMS
from idp.provider.claims import released_claims
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.scopes import SCOPE_OF_CLAIM
from idp.vocabulary import RealNameLevel


async def verified_claims_of(
    wishes: Sequence[VerifiedClaimsWish], facts: PersonFacts, client: Client, *, provider: Provider, now: datetime
) -> dict[str, Any]:
    """Return the member `verified_claims` for what a grant holds, or nothing at all.

    Proofs that were withdrawn or have expired since the grant no longer count, nor do claims that the client lost. A person whose level no
    standing proof carries is not verified, whatever was once on record.
    """
    if not wishes or facts.level is RealNameLevel.NONE:
        return {}
    async with provider.db.read() as connection:
        evidence = await list_evidence(connection, facts.person_id)
    proofs = proofs_of_level(evidence, facts.level, now=now)
    if not proofs:
        return {}
    verification = describe_verification(proofs, facts.level, document_type=facts.document_type)
    entitled = [name for name in VERIFIABLE_CLAIMS if SCOPE_OF_CLAIM[name] in client.scopes]
    claims = released_claims(facts, entitled)
    found = (select_verified_claims(wish, verification=verification, claims=claims, now=now) for wish in wishes)
    elements = [element for element in found if element is not None]
    if not elements:
        return {}
    # One wish is answered by one object, several by as many as can be fulfilled (§6.4).
    return {MEMBER: elements[0] if len(wishes) == 1 else elements}
