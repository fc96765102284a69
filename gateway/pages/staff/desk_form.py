"""The desk's form on its way in: from what was typed to a lookup, or to the errors beside the fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from certs_catalog.lookup.request import (
    By,
    ByHolder,
    ByIdentifier,
    ByNumber,
    LookupRequest,
    Purpose,
    lookup_request,
)
from certs_catalog.vocabulary import GRADES, Grade
from foundation.identifiers import (
    InvalidIdentifier,
    canonical_document_number,
    parse_e_license_identifier,
)
from gateway.i18n import Language, mark
from gateway.pages.forms import FieldError
from gateway.pages.staff.desk_choices import BY_IDENTIFIER, BY_NUMBER, DEFAULT_HOLDER_TYPE, HOLDER_TYPES
from gateway.security.forms import Form

_LONGEST = {"case": 64, "holder_number": 128, "license_type": 32, "purpose": 64}
_LONGEST_FACT = 200
_MOST_FIELDS = 64
FACT = "fact_"


@dataclass(frozen=True, slots=True)
class DeskForm:
    """What was typed, cut to size. `action` is choose, look_up or clear."""

    action: str
    values: Mapping[str, str]
    fields: tuple[str, ...]
    facts: Mapping[str, str] = field(repr=False)

    def shown(self) -> dict[str, str]:
        """Return what the form shows again, the stated facts included."""
        return dict(self.values) | {FACT + name: value for name, value in self.facts.items()}


def parse_desk_form(form: Form) -> DeskForm:
    """Read the form; nothing in it is judged yet."""
    values = {name: form.text(name)[:longest] for name, longest in _LONGEST.items()}
    values["holder_type"] = form.text("holder_type") or DEFAULT_HOLDER_TYPE
    values["basis"] = form.text("basis") or "statutory"
    values["grade"] = form.text("grade") or Grade.VERIFY.word
    facts = {
        name.removeprefix(FACT): form.text(name)[:_LONGEST_FACT]
        for name in form
        if name.startswith(FACT) and form.text(name)
    }
    fields = tuple(dict.fromkeys(form.all("fields")))[:_MOST_FIELDS]
    return DeskForm(form.text("action") or "look_up", values, fields, facts)


def request_of(form: DeskForm, *, today: date, language: Language) -> LookupRequest | list[FieldError]:
    """Return the lookup that the form asks for, or what to correct before anything is asked."""
    errors: list[FieldError] = []
    grade = GRADES.get(form.values["grade"])
    if grade is None:
        errors.append(FieldError("grade", mark("请选择查看到什么程度")))
    if not form.values["case"]:
        errors.append(FieldError("case", mark("请输入办件编号")))
    if not form.values["license_type"]:
        errors.append(FieldError("license_type", mark("请选择证照")))
    if form.values["basis"] != "statutory":
        errors.append(FieldError("basis", mark("经持证人授权的查询尚未开放")))
    if grade is Grade.VERIFY and not form.facts:
        errors.append(FieldError("fields", mark("只核对时，请填写至少一项要核对的内容")))
    if grade is not None and grade > Grade.VERIFY and not form.fields:
        errors.append(FieldError("fields", mark("请选择至少一项要查看的内容")))
    by = _by(form, today, language, errors)
    if errors or by is None or grade is None:
        return errors
    verify = grade is Grade.VERIFY
    return lookup_request(
        by=by,
        license_types=[form.values["license_type"]],
        grade=grade,
        purpose=Purpose(matter=form.values["purpose"], case=form.values["case"], legal_basis=None),
        fields=() if verify else form.fields,
        facts=form.facts if verify else None,
    )


def _by(form: DeskForm, today: date, language: Language, errors: list[FieldError]) -> By | None:
    kind, typed = form.values["holder_type"], form.values["holder_number"]
    if not typed:
        errors.append(FieldError("holder_number", mark("请输入号码")))
        return None
    try:
        if kind == BY_IDENTIFIER:
            identifier = parse_e_license_identifier(typed)
            return ByIdentifier(identifier=str(identifier), type_code=str(identifier.type_code))
        if kind == BY_NUMBER:
            return ByNumber(type_code=form.values["license_type"], number=typed)
        if kind not in HOLDER_TYPES:
            errors.append(FieldError("holder_type", mark("请选择按什么查")))
            return None
        return ByHolder(type=kind, code=canonical_document_number(kind, typed, today=today))
    except InvalidIdentifier as invalid:
        said = invalid.description_en if language == "en" else invalid.description
        errors.append(FieldError("holder_number", said))
        return None
