"""Lookups with a token that authorization details narrow (RFC 9396 §9.1): within them, and nowhere else."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gateway.composition import open_parts
from gateway.settings import load_settings
from idp.provider.tokens.access_tokens import AccessTokenFacts, TokenContext, sign_access_token
from idp.vocabulary import RealNameLevel, SignInStrength, acr_of
from tests.gateway.api.conftest import CLERK, TITLE, Backend

ENTRY: dict[str, Any] = {
    "type": "electronic_license",
    "actions": ["read", "verify"],
    "license_types": [TITLE],
    "grade": "masked",
    "fields": ["holder_name", "location"],
    "purpose": "公租房资格审核",
}


async def ask(backend: Backend, details: tuple[dict[str, Any], ...], **members: Any) -> httpx2.Response:
    """Look up with an officer's own token that carries these details."""
    settings = load_settings(backend.settings_file, environ={})
    async with open_parts(settings, background=False) as parts:
        housing = await parts.directory.find_department_by_slug("housing")
        assert housing is not None
        officer = await parts.directory.find_officer_by_work_number(housing.department_id, CLERK)
        assert officer is not None
        facts = AccessTokenFacts(
            subject="s" * 32,
            client_id="gzf",
            audience=(backend.audience,),
            scope=("license.lookup",),
            lifetime=timedelta(minutes=5),
            context=TokenContext(officer_id=officer.officer_id),
            acr=acr_of(RealNameLevel.HIGH, SignInStrength.TWO_FACTOR),
            auth_time=parts.clock(),
            authorization_details=details,
        )
        token = sign_access_token(
            facts,
            issuer=parts.settings.issuer,
            jti=parts.entropy.identifier(),
            keys=parts.keys,
            sealer=parts.sealer,
            now=parts.clock(),
        )
    return backend.post(token=token, officer=None, **members)


@pytest.mark.parametrize(
    "details",
    [(), (ENTRY,), ({**ENTRY, "license_types": ["11100000000013127D001"]}, ENTRY)],
    ids=["none", "one that covers it", "one of two"],
)
async def test_a_lookup_within_is_answered(backend: Backend, details: tuple[dict[str, Any], ...]) -> None:
    """Positive controls; a token without details is not narrowed."""
    answer = await ask(backend, details)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("details", "members"),
    [
        ((ENTRY,), {"grade": "full"}),
        (({**ENTRY, "fields": ["location"]},), {}),
        (({**ENTRY, "license_types": ["11100000000013127D001"]},), {}),
        (({**ENTRY, "actions": ["verify"], "grade": "verify"},), {}),
        ((ENTRY,), {"by": {"share_code": "ABCD-EFGH-JKLM"}, "license_types": None}),
    ],
    ids=["a higher grade", "another field", "another type", "reading where verifying was granted", "types unknown"],
)
async def test_a_lookup_beyond_is_refused(
    backend: Backend, details: tuple[dict[str, Any], ...], members: dict[str, Any]
) -> None:
    """Although the department's authorisation would allow it; the refusal is on record like every other."""
    answer = await ask(backend, details, **members)
    assert (answer.status_code, answer.json()["code"]) == (403, "21040")
