"""Every member of a registration with everything that could stand there (RFC 7591 §2, K15): refused by name, or kept and given back.

What the rules let pass is stored, comes back as it was sent, and can be sent back unchanged; what they refuse is refused in the form of RFC
7591 §3.2.2, whatever it is. Nothing an application writes is ever a fault of ours.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from idp.provider.clients.jwk_sets import UnusableJwkSet, check_jwk_set, parse_jwk_set
from idp.provider.clients.metadata import parse_metadata, render_metadata
from idp.provider.clients.policies import CIBA
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.document import KNOWN_MEMBERS, apply_document, render_document
from idp.provider.registration.register import new_client
from idp.provider.registration.rules import ClientRegistration, check_registration
from tests.idp.provider.invited_apps import APP, Registrar
from tests.idp.provider.world import START, World

KEY = ECKey.generate_key("P-256", {"kid": "k1"}).as_dict(private=False)
LONG_HOST = f"https://{'.'.join(['a' * 60] * 5)}.test/cb"
GRANT_TYPES = ("authorization_code", "refresh_token", CIBA)
SERVER_MADE = frozenset(
    {"registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret_expires_at"}
)
KEYS: tuple[Mapping[str, Any], ...] = (
    KEY,
    {**KEY, "kid": "\x00"},
    {**KEY, "kid": "x" * 30_000},
    {**KEY, "kid": 1},
    {**KEY, "x5c": ["\x00", "\U0001f600"]},
    {**KEY, "x": "A"},
    {**KEY, "y": KEY["x"]},
    {**KEY, "x": 1, "y": []},
    {**KEY, "key_ops": [{}]},
    {**KEY, "use": "\x00"},
    {**KEY, "kty": []},
    {**KEY, "crv": {}},
    {"kty": "EC", "crv": None},
    {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
)
VALUES: tuple[Any, ...] = (
    *(True, False, 0, -1, 1.5, 2**63 - 1),
    *("", " ", "\x00", "a\x00b", "x" * 3_000, "a" * 128, "a" * 129, "登记", "\U0001f600", "\u202ex", "\ufeff"),
    *("ES256", "RS256", "none", "HS256", "RSA-OAEP", "ECDH-ES", "A128GCM", "dir"),
    *("poll", "ping", "push", "pairwise", "public", "web", "native", "service", "jwt", "opaque"),
    *("openid profile", "openid\tprofile", "openid openid", "openid  profile"),
    *("client_secret_post", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", "client_secret_jwt"),
    *([], {}, [None], [[]], [""], ["\x00"], [True], ["code"], ["code", "code"], ["id_token code"], ["openid"]),
    *(LONG_HOST, [LONG_HOST], "https://bdc.test/x", ["https://bdc.test/x"], ["https://bdc.test/x"] * 60),
    *(["authorization_code"], ["authorization_code"] * 2, ["implicit"], ["refresh_token"], ["password"]),
    *(["a@b.cc"], ["a@b.cc"] * 11, ["electronic_license"], ["urn:qingyu:acr:1"], {"a": {"b": {"c": {}}}}),
    *({"keys": [key]} for key in KEYS),
    *({"keys": []}, {"keys": {}}, {"keys": [KEY, KEY]}, {"keys": [KEY] * 200}),
)
UNFIT_ANYWHERE: tuple[Any, ...] = ("\x00", [[]], {"keys": [{"kty": []}]})
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)
MEMBERS = sorted(KNOWN_MEMBERS)
TEMPLATE = ClientRegistration(client_id="c-1", name_zh="c-1", name_en="c-1", department_id="housing")


def is_fit(document: Mapping[str, Any]) -> bool:
    """Tell whether the rules let a document pass; they know no other way to say no."""
    try:
        check_registration(apply_document(document, TEMPLATE), now=START)
    except InvalidClientMetadata:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(MEMBERS), ANY_JSON, max_size=4))
def test_any_document_is_fit_or_names_its_fault(changes: dict[str, Any]) -> None:
    """Whatever JSON an application writes."""
    is_fit({**APP, **changes})


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted({*KEY, "n", "e", "key_ops", "d", "x5u"})), ANY_JSON, max_size=4))
def test_any_key_is_usable_or_skipped(changes: dict[str, Any]) -> None:
    """RFC 7517 §5: registered and published sets are read alike, by whoever wrote them."""
    members = {"keys": [{**KEY, **changes}]}
    try:
        check_jwk_set(members)
    except UnusableJwkSet:
        assert parse_jwk_set(json.dumps(members)) == ()
    else:
        assert len(parse_jwk_set(json.dumps(members))) == 1


@pytest.mark.parametrize("member", MEMBERS)
def test_what_is_fit_is_kept_and_rendered_as_it_was_said(member: str) -> None:
    """RFC 7591 §3.2.1: through the column and back to the wire; what was rendered is fit again and means the same."""
    for document in _fit_documents(member):
        wanted = apply_document(document, TEMPLATE)
        stored = replace(wanted, metadata=parse_metadata(json.loads(json.dumps(render_metadata(wanted.metadata)))))
        assert stored == wanted
        rendered = render_document(new_client(stored, None, START))
        assert _meant(rendered.get(member)) == _meant(document[member])
        assert is_fit(rendered)
        assert render_document(new_client(apply_document(rendered, TEMPLATE), None, START)) == rendered


@pytest.fixture(scope="module")
async def registrar(shared_world: World) -> Registrar:
    """The registration endpoints of a world that is shared by all members."""
    return Registrar(shared_world)


@pytest.fixture(scope="module")
async def invitation(registrar: Registrar) -> str:
    """An invitation for all of them."""
    return await registrar.invite(uses=1_000, grant_types=GRANT_TYPES)


@pytest.mark.parametrize("member", MEMBERS)
async def test_longest_value_is_stored_and_can_be_sent_back(registrar: Registrar, invitation: str, member: str) -> None:
    """RFC 7592 §2.2: an update with what was read changes nothing; and a refusal has its form, whatever is refused."""
    fit = sorted(_fit_documents(member), key=lambda document: len(json.dumps(document)))
    for document in (*fit[-1:], *({**APP, member: value} for value in UNFIT_ANYWHERE)):
        registered = await registrar.register(invitation, document)
        assert registered.status_code in (201, 400), registered.text
        if registered.status_code == 400:
            assert registered.json()["error"] in ("invalid_client_metadata", "invalid_redirect_uri")
            continue
        answer = registered.json()
        read = (await registrar.manage("GET", answer)).json()
        unchanged = {name: given for name, given in read.items() if name not in SERVER_MADE}
        again = await registrar.manage("PUT", answer, **{**dict.fromkeys(APP), **unchanged})
        assert again.status_code == 200, again.text
        assert {name: given for name, given in again.json().items() if name not in SERVER_MADE} == unchanged


def _fit_documents(member: str) -> list[dict[str, Any]]:
    documents = [{**APP, member: value} for value in VALUES]
    return [document for document in documents if is_fit(document)]


def _meant(value: object) -> object:
    """Return a value as it is compared: sets are sets, and nothing is an empty list."""
    if isinstance(value, list):
        return sorted(" ".join(sorted(one.split(" "))) for one in set(value)) or None
    return " ".join(sorted(set(value.split(" ")))) if isinstance(value, str) else value
