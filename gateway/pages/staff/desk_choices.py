"""What the desk page offers: only what the department's grants allow for the matter of the case.

The page narrows the choice for the officer's convenience; what is allowed is decided again by the use case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certs_catalog.catalog import Catalog
from certs_catalog.grants.content import PurposeGrant
from certs_catalog.grants.version import GrantState, GrantVersion
from certs_catalog.vocabulary import Grade
from foundation.identifiers import parse_holder_code_type
from gateway.i18n import Language, mark, translator

Choice = dict[str, Any]

BY_IDENTIFIER = "identifier"
BY_NUMBER = "number"
HOLDER_TYPES = ("111", "414", "511", "516", "001")
DEFAULT_HOLDER_TYPE = "111"


@dataclass(frozen=True, slots=True)
class Offer:
    """What one department may do at the desk for one matter; `grade` and `fields` are those of the chosen type."""

    purposes: tuple[PurposeGrant, ...]
    types: tuple[str, ...]
    chosen_type: str
    grade: Grade
    fields: tuple[str, ...]
    grant_ref: str
    legal_basis: str


def offer_of(grants: Sequence[GrantVersion], *, matter_code: str, wanted_type: str, now: datetime) -> Offer | None:
    """Return what the grants in force offer at the desk for a matter, or None when nothing."""
    usable = [grant for grant in grants if _is_usable(grant, matter_code, now)]
    if not usable:
        return None
    types = tuple(dict.fromkeys(code for grant in usable for code in grant.types))
    chosen = wanted_type if wanted_type in types else types[0]
    grant = next(grant for grant in usable if chosen in grant.types)
    purpose = grant.purposes[matter_code]
    granted = grant.types[chosen]
    return Offer(
        purposes=(purpose,),
        types=types,
        chosen_type=chosen,
        grade=granted.grade,
        fields=granted.fields,
        grant_ref=grant.ref,
        legal_basis=purpose.legal_basis_text,
    )


def offered_words(offer: Offer, catalog: Catalog, language: Language, ticked: frozenset[str]) -> Choice:
    """Return the choices of the form as the template takes them."""
    english = language == "en"
    labels = [catalog.field_labels(offer.chosen_type, name) for name in offer.fields]
    named = [(name, en if english else zh) for name, (zh, en) in zip(offer.fields, labels, strict=True)]
    return {
        "license_types": [(code, catalog.name_en(code) if english else catalog.name_zh(code)) for code in offer.types],
        "holder_types": holder_types(language),
        "purposes": [
            (purpose.matter_code, purpose.matter_name_en if english else purpose.matter_name_zh)
            for purpose in offer.purposes
        ],
        "grant": offer.grant_ref,
        "bases": _bases(offer, language),
        "grades": _grades(offer, language),
        "fields": [
            {"name": name, "label": label, "small": "", "refused": "", "checked": name in ticked}
            for name, label in named
        ],
        "fact_fields": [{"name": name, "label": label} for name, label in named],
    }


def no_choices(language: Language) -> Choice:
    """Return the choices while no case was called up."""
    lists = ("license_types", "purposes", "bases", "grades", "fields", "fact_fields")
    return {name: [] for name in lists} | {"grant": "", "holder_types": holder_types(language)}


def holder_types(language: Language) -> list[tuple[str, object]]:
    """Return by what a license can be looked up: the holder's number by its type, or the license itself."""
    words = translator(language)
    found: list[tuple[str, object]] = []
    for code in HOLDER_TYPES:
        kind = parse_holder_code_type(code)
        found.append((code, kind.name_en if language == "en" else kind.name_zh))
    found.append((BY_IDENTIFIER, words.text(mark("电子证照标识"))))
    found.append((BY_NUMBER, words.text(mark("证照编号"))))
    return found


def _is_usable(grant: GrantVersion, matter_code: str, now: datetime) -> bool:
    content = grant.content
    return (
        grant.state is GrantState.VALIDATED
        and "desk" in content.channels
        and content.valid_from <= now < content.valid_to
        and matter_code in grant.purposes
        and bool(grant.types)
    )


def _bases(offer: Offer, language: Language) -> list[Choice]:
    words = translator(language)
    return [
        {
            "value": "statutory",
            "title": words.text(mark("依职能用证")),
            "small": offer.legal_basis,
            "refused": "",
        },
        {
            "value": "holder",
            "title": words.text(mark("经持证人授权")),
            "small": "",
            "refused": words.text(mark("尚未开放")),
        },
    ]


def _grades(offer: Offer, language: Language) -> list[Choice]:
    words = translator(language)
    texts = {
        Grade.VERIFY: (mark("只核对"), mark("不看内容，只回答是否一致")),
        Grade.MASKED: (mark("部分隐去"), mark("看所选内容，敏感部分隐去")),
        Grade.FULL: (mark("完整内容"), mark("看所选内容的全部")),
        Grade.ORIGINAL: (mark("证照原件"), ""),
    }
    grades: list[Choice] = []
    for grade, (title, small) in texts.items():
        refused = ""
        if grade is Grade.ORIGINAL:
            refused = words.text(mark("尚未提供"))
        elif grade > offer.grade:
            refused = words.text(mark("超出本单位的授权"))
        grades.append(
            {
                "value": grade.word,
                "title": words.text(title),
                "small": words.text(small) if small else "",
                "refused": refused,
            }
        )
    return grades
