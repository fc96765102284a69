"""要素脱敏: the registry of masking rules by which one face value is shown in part.

A rule is a pure function of the text; the catalogue names one for each face field, so that a value is
masked alike in lookups, pages, histories and exports (one record, one mask). An unknown value form never
falls back to showing it: rules that cannot find the part they keep show nothing but asterisks.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from foundation.partial_display import (
    show_document_number_in_part,
    show_name_in_part,
    show_phone_number_in_part,
)

MaskingRule = Callable[[str], str]

HIDDEN = "***"
_CALENDAR_YEAR = re.compile(r"([0-9]{4})(?:-|/|年|[0-9])", re.ASCII)
# The administrative part of an address: province, prefecture, county; each at most twelve characters, so
# matching is linear.
_DISTRICT = re.compile(r"(?:[^省市区县旗]{1,12}(?:省|自治区|市|自治州|盟)){0,2}[^省市区县旗]{1,12}(?:区|县|旗|市)")


def show_all(text: str) -> str:
    """Keep the value: for fields that are public on their face, such as the issuer."""
    return text


def show_nothing(text: str) -> str:
    """Replace the value by asterisks of fixed length, so that not even its length is told."""
    return HIDDEN if text else ""


def show_year(text: str) -> str:
    """Keep the year of a date: ``1908-**-**``; a text without a leading calendar year shows nothing."""
    found = _CALENDAR_YEAR.match(text)
    return f"{found[1]}-**-**" if found else show_nothing(text)


def show_district(text: str) -> str:
    """Keep an address down to its district or county: ``青榆区***``."""
    found = _DISTRICT.match(text)
    return f"{found[0]}{HIDDEN}" if found and found.end() < len(text) else show_nothing(text)


def show_vehicle_plate(text: str) -> str:
    """Keep the region mark and the last character of a plate: ``鲁Q****5``."""
    return f"{text[:2]}{'*' * (len(text) - 3)}{text[-1]}" if len(text) >= 6 else show_nothing(text)


RULES: Mapping[str, MaskingRule] = MappingProxyType(
    {
        "none": show_all,
        "name": show_name_in_part,
        "number": show_document_number_in_part,
        "phone": show_phone_number_in_part,
        "year": show_year,
        "district": show_district,
        "plate": show_vehicle_plate,
        "hidden": show_nothing,
    }
)


def mask(rule: str, text: str) -> str:
    """Apply a registered rule; several holders joined with ``^`` (GB/T 36903) are masked one by one."""
    apply = RULES[rule]
    return "^".join(apply(part) for part in text.split("^")) if "^" in text else apply(text)
