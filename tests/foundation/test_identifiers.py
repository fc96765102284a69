"""Chinese identifiers: the published vectors, and that a single wrong character never passes."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.identifiers import (
    ELicenseIdentifier,
    HolderCodeType,
    HolderGroup,
    InvalidIdentifier,
    IssuerForm,
    canonical_document_number,
    canonical_mobile_number,
    compose_e_license_identifier,
    errors,
    name_matching_key,
    parse_e_license_identifier,
    parse_holder_code_type,
    parse_license_type_code,
    parse_organization_code,
    parse_person_name,
    parse_resident_id,
    parse_social_credit_code,
)
from foundation.identifiers.check_characters import (
    ALPHABET_31,
    ALPHABET_36,
    mod_37_36_check_character,
    organization_code_check_character,
    resident_id_check_character,
    social_credit_check_character,
)
from foundation.identifiers.synthetic import synthetic_resident_id, synthetic_social_credit_code
from tests.vectors_of import vectors

TODAY = date(2026, 11, 21)
SYNTHETIC = synthetic_resident_id("370299", date(1905, 3, 8), 12)


def _substitute(text: str, at: int, character: str) -> str:
    return text[:at] + character + text[at + 1 :]


@pytest.mark.parametrize("row", vectors("resident_ids"), ids=lambda row: row["number"])
def test_published_citizen_numbers_are_read(row: dict[str, Any]) -> None:
    """GB 11643: the specimens of the standard check, and birth date and sex follow from them."""
    parsed = parse_resident_id(row["number"], today=TODAY)
    assert parsed.birth_date == date.fromisoformat(row["birth_date"])
    assert parsed.sex == row["sex"]
    assert row["number"] not in repr(parsed)


@pytest.mark.parametrize(
    ("number", "error"),
    [
        pytest.param("110105194912310021", errors.WrongCheckCharacter, id="published negative vector"),
        pytest.param("１１０１０５19491231002X", errors.IllegalCharacters, id="full-width digits"),
        pytest.param("١١٠١٠٥19491231002X", errors.IllegalCharacters, id="Arabic digits"),
        pytest.param("11010519491231002X\n", errors.IllegalCharacters, id="trailing line break"),
        pytest.param("11010519491231002", errors.IllegalCharacters, id="seventeen characters"),
        pytest.param("", errors.IllegalCharacters, id="empty"),
        pytest.param("x", errors.IllegalCharacters, id="one letter"),
    ],
)
def test_malformed_citizen_numbers_are_refused(number: str, error: type[InvalidIdentifier]) -> None:
    """GB 11643: each way to be wrong has its own error, which never repeats the number."""
    with pytest.raises(error) as caught:
        parse_resident_id(number, today=TODAY)
    if number:
        assert number not in str(caught.value)
        assert number not in caught.value.description


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("11010519490230002", errors.ImpossibleBirthDate),
        ("11010520261122002", errors.ImpossibleBirthDate),
        ("11010517991231002", errors.ImpossibleBirthDate),
        ("99010519491231002", errors.UnknownAreaCode),
    ],
)
def test_meaning_of_a_citizen_number_is_checked(body: str, error: type[InvalidIdentifier]) -> None:
    """A number that checks is still refused for a birth date that cannot be, tomorrow's among them, or an
    area.
    """
    with pytest.raises(error):
        parse_resident_id(body + resident_id_check_character(body), today=TODAY)


def test_lower_case_check_character_is_folded() -> None:
    """One person has one number, whichever way the X was typed."""
    assert canonical_document_number("111", " 11010519491231002x ", today=TODAY) == "11010519491231002X"


@given(at=st.integers(0, 17), character=st.sampled_from("0123456789X"))
def test_every_substitution_in_a_citizen_number_is_detected(at: int, character: str) -> None:
    """ISO 7064 MOD 11-2 detects every single wrong character."""
    changed = _substitute(SYNTHETIC, at, character)
    if changed != SYNTHETIC:
        with pytest.raises(InvalidIdentifier):
            parse_resident_id(changed, today=TODAY)


@pytest.mark.parametrize("row", vectors("social_credit_codes"), ids=lambda row: row["code"])
def test_published_social_credit_codes_are_read(row: dict[str, Any]) -> None:
    """GB 32100 and the GB 11714 code inside agree for the worked example and for the ministries."""
    parsed = parse_social_credit_code(row["code"].lower())
    assert (parsed.code, parsed.organization_code) == (row["code"], row["organization_code"])
    assert parse_organization_code(parsed.organization_code) == parsed.organization_code


@given(
    body=st.text(ALPHABET_31, min_size=17, max_size=17),
    at=st.integers(0, 16),
    to=st.sampled_from(ALPHABET_31),
)
def test_every_substitution_changes_the_social_credit_check_character(body: str, at: int, to: str) -> None:
    """GB 32100: 31 is prime and no weight is zero, so every single wrong character shows."""
    changed = _substitute(body, at, to)
    assert (changed == body) == (social_credit_check_character(changed) == social_credit_check_character(body))


@given(body=st.text("0123456789", min_size=8, max_size=8), at=st.integers(0, 7), to=st.sampled_from("0123456789"))
def test_every_wrong_digit_changes_the_organization_check_character(body: str, at: int, to: str) -> None:
    """GB 11714 guarantees this for digits only, since letters run to 35 under modulus 11."""
    changed = _substitute(body, at, to)
    same = organization_code_check_character(changed) == organization_code_check_character(body)
    assert (changed == body) == same


@pytest.mark.parametrize("row", vectors("e_license_identifiers"), ids=lambda row: row["identifier"])
def test_published_license_identifiers_survive_a_round_trip(row: dict[str, Any]) -> None:
    """GB/T 36904: parsing and rendering are inverse, and area codes as issuers need the lenient mode."""
    form = IssuerForm(row["issuer_form"])
    parsed = parse_e_license_identifier(row["identifier"], issuer_form=form)
    assert str(parsed) == row["identifier"]
    if form is IssuerForm.LENIENT:
        with pytest.raises(InvalidIdentifier):
            parse_e_license_identifier(row["identifier"])


@pytest.mark.parametrize("row", vectors("e_license_identifiers", "invalid"), ids=lambda row: row["reason"])
def test_invalid_license_identifiers_are_refused(row: dict[str, Any]) -> None:
    """GB/T 36904: the invalid vectors fail for the reason they were published for."""
    with pytest.raises(getattr(errors, row["error"])):
        parse_e_license_identifier(row["identifier"], issuer_form=IssuerForm.LENIENT)


@given(body=st.text(ALPHABET_36, min_size=1, max_size=60), data=st.data())
def test_every_substitution_changes_the_license_check_character(body: str, data: st.DataObject) -> None:
    """ISO 7064 MOD 37,36 detects every single wrong character at any length."""
    at = data.draw(st.integers(0, len(body) - 1))
    changed = _substitute(body, at, data.draw(st.sampled_from(ALPHABET_36)))
    assert (changed == body) == (mod_37_36_check_character(changed) == mod_37_36_check_character(body))


@pytest.mark.parametrize(
    "text",
    [
        "1.2.156.3005.2.11100000000013338w011.11430000006122244L.20230000403.001.U",
        "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.000.W",
        "1.2.156.3005.2.11100000000013338W011.11430000006122244L..001.U",
        "1.2.156.3005.2." + "1" * 5000,
        "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.００１.U",
        "1.2.156.3005.3.11100000000013338W011.11430000006122244L.20230000403.001.U",
    ],
)
def test_second_spellings_of_an_identifier_are_refused(text: str) -> None:
    """Lower case, version zero, an empty serial, full-width digits: one license has one identifier."""
    with pytest.raises(InvalidIdentifier):
        parse_e_license_identifier(text)


def test_composed_identifier_is_parsed_again() -> None:
    """What an issuer composes is what a reader parses."""
    issuer = synthetic_social_credit_code("370299", 7, registration="11")
    made = compose_e_license_identifier(type_code="11100000MB03271699001", issuer=issuer, serial="2026A0001", version=2)
    assert parse_e_license_identifier(str(made)) == made
    assert made == ELicenseIdentifier("11100000MB03271699001", issuer, "2026A0001", 2)


@pytest.mark.parametrize("row", vectors("license_type_codes"), ids=lambda row: row["code"])
def test_known_license_type_codes_are_valid(row: dict[str, Any]) -> None:
    """Every type code that is known by name begins with a ministry's USCC that checks."""
    assert parse_license_type_code(row["code"]).defining_authority == row["code"][:18]


@pytest.mark.parametrize(
    "text",
    [
        "13800001234",
        "+86 138 0000 1234",
        "0086-138-0000-1234",
        "86 13800001234",
        "１３８００００１２３４",
        "(+86)13800001234",
    ],
)
def test_one_phone_has_one_spelling(text: str) -> None:
    """Country code, separators and the full-width digits of input methods all lead to eleven digits."""
    assert canonical_mobile_number(text) == "13800001234"


@pytest.mark.parametrize(
    "text", ["12800001234", "1380000123", "138000012345", "١٣٨٠٠٠٠١٢٣٤", "+1 3800001234", "", "1" * 9000]
)
def test_other_numbers_are_no_mobile_numbers(text: str) -> None:
    """Landlines, foreign numbers, other digits and lengths are refused without being repeated."""
    with pytest.raises(errors.InvalidPhoneNumber):
        canonical_mobile_number(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("张知明", "张知明"),
        (" 张知明\u3000", "张知明"),
        ("买买提•艾合买提", "买买提·艾合买提"),
        ("𠮷田", "𠮷田"),
        ("\U00031350", "\U00031350"),
        ("\uf92c", "\uf92c"),
        ("Jose\u0301 O'Neill-Smith", "José O'Neill-Smith"),
        ("〇一", "〇一"),
        ("葛\U000e0100城", "葛\U000e0100城"),
    ],
)
def test_names_of_every_plane_pass_unchanged(text: str, name: str) -> None:
    """GB 18030 names keep their characters; dots, outer spaces and composition have one form."""
    assert parse_person_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "张" * 51,
        "张\u202e明",
        "张\n明",
        "张\u200b明",
        "张3",
        "·张",
        "<b>张</b>",
        "张\x00",
        "张\ud800",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    """Direction overrides, line breaks, digits, markup and lone surrogates are in nobody's name."""
    with pytest.raises(errors.InvalidPersonName):
        parse_person_name(text)


def test_matching_key_folds_what_registers_spell_differently() -> None:
    """Two registers that differ in dots, spaces or compatibility ideographs mean one person."""
    assert name_matching_key("买买提·艾合买提") == name_matching_key("买买提艾合买提")
    assert name_matching_key("\uf92c") == name_matching_key("郎")
    assert name_matching_key("张知明") != name_matching_key("张知鸣")


@pytest.mark.parametrize(
    ("document_type", "number", "canonical"),
    [
        ("414", "e12345678", "E12345678"),
        ("511", "12345678", "12345678"),
        ("516", "h12345678", "H12345678"),
        ("114", "军字第1234567号", "军字第1234567号"),
        ("001", "91350100m000100y43", "91350100M000100Y43"),
        ("999", "Xa-12/3", "XA-12/3"),
    ],
)
def test_document_numbers_have_one_spelling(document_type: str, number: str, canonical: str) -> None:
    """The blind index of a number must not depend on how it was typed."""
    assert canonical_document_number(document_type, number, today=TODAY) == canonical


@pytest.mark.parametrize(
    ("document_type", "number"),
    [
        ("414", "Ｅ12345678"),
        ("511", "1234567"),
        ("516", "A12345678"),
        ("551", "123"),
        ("414", "ß12345"),
        ("999", "a b"),
    ],
)
def test_malformed_document_numbers_are_refused(document_type: str, number: str) -> None:
    """Full-width letters, wrong lengths and types outside annex A do not enter the index."""
    with pytest.raises(InvalidIdentifier):
        canonical_document_number(document_type, number, today=TODAY)


def test_holder_code_types_are_those_of_annex_a() -> None:
    """GB/T 36903 annex A has sixteen codes; two of them name organisations."""
    assert len(HolderCodeType) == 16
    assert parse_holder_code_type("111") is HolderCodeType.RESIDENT_ID
    assert [member.value for member in HolderCodeType if member.is_organization] == ["001", "099"]
    assert parse_holder_code_type("516").group is HolderGroup.HONG_KONG_MACAO
    assert f"{HolderCodeType.RESIDENT_ID}" == "111"


@given(st.dates(date(1850, 1, 1), date(1914, 12, 31)), st.integers(0, 999))
def test_synthetic_people_have_valid_numbers(birth_date: date, sequence: int) -> None:
    """Whatever the generator makes, the parser reads."""
    parsed = parse_resident_id(synthetic_resident_id("370299", birth_date, sequence), today=TODAY)
    assert parsed.birth_date == birth_date


def test_synthetic_people_are_never_young() -> None:
    """A birth year from 1915 on could be a living person's."""
    with pytest.raises(ValueError, match="1915"):
        synthetic_resident_id("370299", date(1915, 1, 1), 1)


@given(st.integers(0, 999_999), st.sampled_from(("91", "11", "51")))
def test_synthetic_organizations_have_valid_codes(sequence: int, registration: str) -> None:
    """Whatever the generator makes, the parser reads."""
    code = synthetic_social_credit_code("370299", sequence, registration=registration)
    assert parse_social_credit_code(code).code == code
