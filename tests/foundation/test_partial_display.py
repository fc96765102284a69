"""Partial display keeps what the owner recognises and hides the rest."""

import pytest

from foundation.partial_display import (
    show_document_number_in_part,
    show_name_in_part,
    show_phone_number_in_part,
)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("11010519491231002X", "1101**********002X"),
        ("E12345678", "E1*****78"),
        ("12345", "1***5"),
        ("123", "***"),
        ("", ""),
    ],
)
def test_document_numbers(number: str, shown: str) -> None:
    """Long numbers keep four characters on each side, shorter ones fewer."""
    assert show_document_number_in_part(number) == shown


def test_phone_numbers() -> None:
    """Three in front and four behind, as citizens know it from every service."""
    assert show_phone_number_in_part("13800001234") == "138****1234"
    assert show_phone_number_in_part("12345") == "1***5"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张", "*"),
        ("张明", "张*"),
        ("张知明", "张*明"),
        ("欧阳小明", "欧**明"),
        ("买买提·艾合买提", "买**·***提"),
        ("葛\U000e0100城知", "葛\U000e0100*知"),
        ("", ""),
    ],
)
def test_names(name: str, shown: str) -> None:
    """First and last character stay, dots stay, and a variation selector stays with its character."""
    assert show_name_in_part(name) == shown
