"""The pure wires on recorded replies, and on replies that are wrong in one point."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import JWKRegistry

from adapters.json_documents import parse_json_object
from adapters.license_libraries.certshare import wire as certshare
from adapters.license_libraries.certshare.codes import HeadStatus
from adapters.license_libraries.certshare.envelope import (
    NotSealedForUs,
    open_certificate_data,
    seal_certificate_data,
)
from adapters.matters.wire import parse_case
from adapters.proofing.wire import MalformedVerdict, parse_verdict
from adapters.simulators.world import DEMO_LIBRARY_PRIVATE_KEY, DEMO_LIBRARY_PUBLIC_KEY
from adapters.sms.wire import MalformedReceipt, parse_receipt, render_message
from adapters.user_centers.oidc import wire as oidc
from tests.adapters.contract_license_library import CAUSE

_RECORDINGS = Path(__file__).parent / "recordings"
_PRIVATE_KEY = bytes.fromhex(DEMO_LIBRARY_PRIVATE_KEY)
_NOW = datetime(2026, 11, 21, tzinfo=UTC)


def recorded(name: str) -> bytes:
    """The octets of one recorded reply."""
    return (_RECORDINGS / name).read_bytes()


# SM2, GM/T 0003.5 appendix C: encryption on the recommended curve, here in the order C1 C3 C2.
_VECTOR_KEY = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
_VECTOR_C1 = (
    "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
    "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
)
_VECTOR_C3 = "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766"
_VECTOR_C2 = "21886CA989CA9C7D58087307CA93092D651EFA"


@pytest.mark.parametrize("prefix", ["04", ""])
def test_published_sm2_ciphertext_opens(prefix: str) -> None:
    """The standard's example, with and without the mark of an uncompressed point."""
    sealed = prefix + _VECTOR_C1 + _VECTOR_C3 + _VECTOR_C2
    assert open_certificate_data(sealed, bytes.fromhex(_VECTOR_KEY)) == b"encryption standard"


@pytest.mark.parametrize(
    "sealed",
    [
        pytest.param("", id="nothing"),
        pytest.param("zz", id="not hexadecimal"),
        pytest.param("04", id="a point's mark alone"),
        pytest.param("04" + _VECTOR_C1, id="a point alone"),
        pytest.param("04" + _VECTOR_C1 + _VECTOR_C3 + _VECTOR_C2[:-2] + "00", id="one octet changed"),
        pytest.param("04" + _VECTOR_C1 + _VECTOR_C2 + _VECTOR_C3, id="the old order C1 C2 C3"),
        pytest.param("04" + "00" * 64 + _VECTOR_C3 + _VECTOR_C2, id="a point that is not on the curve"),
    ],
)
def test_what_is_not_sealed_for_us_does_not_open(sealed: str) -> None:
    """One error, whatever is wrong with the text."""
    with pytest.raises(NotSealedForUs):
        open_certificate_data(sealed, bytes.fromhex(_VECTOR_KEY))


def test_sealing_and_opening_agree_on_long_and_rare_texts() -> None:
    """Rare hanzi beyond the basic plane come through a sealed text unchanged."""
    plain = ("𠀀𪚥·青榆" * 2_000).encode()
    sealed = seal_certificate_data(plain, bytes.fromhex(DEMO_LIBRARY_PUBLIC_KEY))
    assert open_certificate_data(sealed, _PRIVATE_KEY) == plain


@pytest.mark.parametrize("name", ["by-holder", "by-identifier"])
def test_recorded_certificates_are_read(name: str) -> None:
    """Both lookups answer one license with its face."""
    answer = certshare.parse_answer(recorded(f"certshare/{name}.json"))
    assert answer.status == HeadStatus.SUCCESS
    plain = open_certificate_data(certshare.sealed_certificate_data(answer), _PRIVATE_KEY)
    (certificate,) = certshare.parse_certificates(plain)
    assert certificate.type_code == "11100000000019713D071"
    assert [holder.name for holder in certificate.holders] == ["张知明"]
    assert certificate.face["KZ_CYLB"].startswith("道路旅客运输驾驶员")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("not-found", HeadStatus.NOT_FOUND),
        ("type-unknown", HeadStatus.TYPE_UNKNOWN),
        ("service-not-offered", HeadStatus.NO_SUCH_SERVICE),
    ],
)
def test_recorded_refusals_are_read(name: str, status: HeadStatus) -> None:
    """The code is what counts; the meaning comes from our own list."""
    answer = certshare.parse_answer(recorded(f"certshare/{name}.json"))
    assert answer.status == status
    assert certshare.describe_status(answer.status) == answer.message


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"\xff\xfe", b'{"head": {}}', b'{"head": {"status": "0x1"}}', b'{"head": {"status": true}}',
        b'{"head": {"status": 0.0}}', '{"head": {"status": "０"}}'.encode(), b'{"head": {"status": NaN}}',
        b'{"head": {"status": 10, "status": 0}}', b'{"head": ' * 10_000,
    ],
)  # fmt: skip
def test_octets_that_are_no_answer_are_malformed(body: bytes) -> None:
    """I13, I17: no liberties in reading the head."""
    with pytest.raises(certshare.MalformedAnswer):
        certshare.parse_answer(body)


def certificate(**changes: Any) -> bytes:
    """A certificate of the recorded answer with members changed or, when None, left out."""
    answer = certshare.parse_answer(recorded("certshare/by-identifier.json"))
    plain = open_certificate_data(certshare.sealed_certificate_data(answer), _PRIVATE_KEY)
    members = {**json.loads(plain), **changes}
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"certificate_identifier": None}, id="no identifier"),
        pytest.param({"certificate_identifier": "1.2.156.3005.2.x"}, id="an identifier of no form"),
        pytest.param({"certificate_type_name_code": "11100000000019713D008"}, id="another type's code"),
        pytest.param({"certificate_holder_code": ""}, id="no holder"),
        pytest.param({"certificate_holder_code": "a^b"}, id="two codes for one name"),
        pytest.param({"status": None}, id="no status"),
        pytest.param({"status": 10}, id="a status that is a number"),
        pytest.param({"extend_info": ["KZ_X"]}, id="a list of extensions"),
        pytest.param({"extend_info": {"certificate_holder_code": "x"}}, id="an extension over a core member"),
        pytest.param({"extend_info": {"KZ_X": {"deep": 1}}}, id="an extension that is not a text"),
        pytest.param({"extend_info": {"KZ_X": "长" * 5_000}}, id="an endless text"),
    ],
)
def test_certificates_wrong_in_one_point_are_malformed(changes: dict[str, Any]) -> None:
    """A library's data is checked before anything of it is shown."""
    with pytest.raises(certshare.MalformedAnswer):
        certshare.parse_certificates(certificate(**changes))


def test_several_holders_are_split() -> None:
    """One license may have several holders, joined by ^ in each member."""
    plain = certificate(
        certificate_holder_code="1^2", certificate_holder_name="张知明^李晓禾", certificate_holder_type="111^111"
    )
    (read,) = certshare.parse_certificates(plain)
    assert [(holder.code, holder.name) for holder in read.holders] == [("1", "张知明"), ("2", "李晓禾")]


def test_the_cause_is_structured_and_within_its_length() -> None:
    """`useCause`: system, text ≤ 200 characters, category 0 within a matter, name and code of the matter."""
    long = CAUSE.__class__("字" * 300, "系统", "gzf-apply", "事项", None, "部门")
    members = json.loads(certshare.render_cause(long))
    assert len(members["certificateCopyCause"]) == 200
    assert (members["certificateCallCategory"], members["certificateEventCode"]) == ("0", "gzf-apply")


def test_recorded_center_documents_verify_end_to_end() -> None:
    """Metadata, keys, token answer and userinfo of one recorded sign-in belong together."""
    metadata = oidc.parse_metadata(recorded("oidc/metadata.json"), issuer="http://127.0.0.1:8010")
    assert metadata.iss_in_answers
    (members,) = oidc.parse_key_set(recorded("oidc/jwks.json"))
    tokens = oidc.parse_token_answer(recorded("oidc/token.json"))
    verified = jws.deserialize_compact(tokens.id_token, JWKRegistry.import_key(members), algorithms=["ES256"])
    claims = oidc.read_id_token_claims(verified.payload)
    issued_at = datetime.fromtimestamp(claims["iat"], UTC)
    check_recorded_claims(claims, now=issued_at)
    oidc.check_access_token_hash(claims, tokens.access_token, "ES256")
    userinfo = oidc.parse_userinfo(recorded("oidc/userinfo.json"), subject=claims["sub"])
    assert userinfo["name"] == "张知明"
    with pytest.raises(oidc.MalformedDocument):
        check_recorded_claims(claims, now=issued_at + timedelta(minutes=6))


def check_recorded_claims(claims: Mapping[str, Any], *, now: datetime) -> None:
    """Check the recorded ID token as its client would have at an instant."""
    oidc.check_id_token_claims(
        claims,
        issuer="http://127.0.0.1:8010",
        client_id="renzheng",
        nonce="recorded-nonce",
        now=now,
        leeway=timedelta(seconds=10),
    )


def test_recorded_token_error_is_read_by_its_code_alone() -> None:
    """RFC 6749 §5.2; anything that is not such a code reads as empty."""
    assert oidc.parse_error_code(recorded("oidc/token-refused.json")) == "invalid_grant"
    for odd in (b"<html>", b"{}", b'{"error": 5}', b'{"error": "a\\nb"}'):
        assert oidc.parse_error_code(odd) == ""


@pytest.mark.parametrize(
    "subject", [None, "", " ", " a", "a ", "0", "null", "NULL", "None", "undefined", 0, 17, True, [], ["a"], {}, "a" * 256, "张"]
)  # fmt: skip
def test_odd_subjects_are_refused(subject: object) -> None:
    """B12: nothing that stands for nothing becomes an identity key."""
    with pytest.raises(oidc.MalformedDocument):
        oidc.check_subject(subject)


@pytest.mark.parametrize("subject", ["a", "p-370299-000017", "A b", "00", "nullable", "a" * 255])
def test_ordinary_subjects_pass_unchanged(subject: str) -> None:
    """Positive control: the subject is compared and kept character by character."""
    assert oidc.check_subject(subject) == subject


@pytest.mark.parametrize("member", ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"])
def test_an_https_center_may_name_only_https_endpoints(member: str) -> None:
    """A downgrade inside the metadata is refused."""
    document = json.loads(recorded("oidc/metadata.json").replace(b"http://", b"https://"))
    issuer = document["issuer"]
    oidc.parse_metadata(json.dumps(document).encode(), issuer=issuer)
    document[member] = document[member].replace("https://", "http://")
    with pytest.raises(oidc.MalformedDocument):
        oidc.parse_metadata(json.dumps(document).encode(), issuer=issuer)


def test_recorded_district_replies_are_read() -> None:
    """Case, verdict and receipt."""
    case = parse_case(parse_json_object(recorded("district/matters.json")), asked="QY-2026-000101")
    assert case is not None
    assert case.open
    assert parse_verdict(parse_json_object(recorded("district/proofing.json")), now=_NOW).agreed
    assert parse_receipt(parse_json_object(recorded("district/sms.json")))


@pytest.mark.parametrize("result", ["AGREED", True, 1, None, "yes", ["agreed"]])
def test_only_the_listed_word_is_agreement(result: object) -> None:
    """A verdict of no list is no verdict."""
    document = {"result": result, "method": "m", "source": "s", "reference": "r"}
    with pytest.raises(MalformedVerdict):
        parse_verdict(document, now=_NOW)


def test_messages_carry_country_code_and_signature() -> None:
    """The gateway's form; a receipt without an identifier is none."""
    rendered = render_message(phone="13800000002", text="您好", template="t", signature="青榆政务")
    assert rendered == {"phone": "+8613800000002", "text": "【青榆政务】您好", "template": "t"}
    with pytest.raises(MalformedReceipt):
        parse_receipt({"id": ""})
