"""The catalogue as data: what ships is sound, and what is not sound does not load."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from certs_catalog.catalog_files import DATA, check_entry, load_catalog, parse_entry
from certs_catalog.errors import CatalogInvalid
from certs_catalog.masking import RULES, mask
from certs_catalog.vocabulary import Sensitivity
from tests.certs_catalog.world import BUSINESS, CONSTRUCTOR, DRIVER, MORTGAGE, TITLE

REGISTERED: dict[str, str] = json.loads((DATA / "registered_types.json").read_bytes())


def test_the_shipped_catalogue_loads_with_real_codes_and_names() -> None:
    """At least eight types, codes and names of the registered pairs, from index and library."""
    catalog = load_catalog()
    assert len(catalog.types) >= 8
    assert {catalog.name_zh(code) for code in (TITLE, MORTGAGE, BUSINESS, CONSTRUCTOR, DRIVER)} == {
        "不动产权证书",
        "不动产登记证明",
        "营业执照",
        "二级建造师",
        "道路运输从业人员从业资格证",
    }
    assert catalog.types[DRIVER].library == "certshare"
    assert catalog.types[TITLE].library is None


def test_every_sensitive_field_of_the_catalogue_hides_something() -> None:
    """A personal or sensitive value is never shown whole in grade masked."""
    for entry in load_catalog().types.values():
        for face_field in entry.face.fields:
            if face_field.sensitivity in (Sensitivity.PERSONAL, Sensitivity.SENSITIVE):
                assert "*" in mask(face_field.mask, "张三李四王五赵六"), (entry.code, face_field.name)


def _change(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda entry: entry.update(members)


def _change_field(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda entry: entry["face"]["fields"][0].update(members)


BROKEN = [
    pytest.param(_change(code="11100000MB03271699999"), "11100000MB03271699999", id="an unregistered code, named"),
    pytest.param(_change(name_zh="房产证"), "another name", id="a name that is not the registered one"),
    pytest.param(_change(extra=1), "extra", id="an unknown member"),
    pytest.param(_change(max_staleness_seconds="60"), "max_staleness", id="a number as text"),
    pytest.param(_change_field(mask="rot13"), "masking rule", id="an unknown masking rule"),
    pytest.param(_change_field(mask="none"), "has no mask", id="a personal field without a mask"),
    pytest.param(_change(served_from="elsewhere"), "served_from", id="served from nowhere"),
    pytest.param(
        lambda entry: entry["defining_authority"].update(uscc="11100000000013338W"),
        "defining authority",
        id="another body",
    ),
    pytest.param(
        lambda entry: entry["defining_authority"].update(uscc="11100000MB03271690"), TITLE, id="a wrong check character"
    ),
    pytest.param(lambda entry: entry["face"]["fields"].append(entry["face"]["fields"][0]), "twice", id="a field twice"),
]


@pytest.mark.parametrize(("spoil", "word"), BROKEN)
def test_an_unsound_entry_is_refused_and_named(spoil: Callable[[dict[str, Any]], None], word: str) -> None:
    """licenses.md: name and code must agree with the registered pair; unknown codes are refused with the code named."""
    entry = json.loads((DATA / "catalog" / "real_estate_title.json").read_bytes())
    spoil(entry)
    with pytest.raises(CatalogInvalid) as refused:
        check_entry(parse_entry(json.dumps(entry).encode(), name="entry.json"), REGISTERED)
    assert word in str(refused.value.detail)


MASKS = [
    ("name", "张三", "张*"),
    ("name", "张知明", "张*明"),
    ("name", "𠮷田𡈽", "𠮷*𡈽"),
    ("name", "阿卜杜拉·买买提", "阿***·**提"),
    ("name", "张知明^李晓禾", "张*明^李*禾"),
    ("name", "", ""),
    ("number", "370299190805120013", "3702**********0013"),
    ("number", "AB12", "A**2"),
    ("phone", "13800000001", "138****0001"),
    ("year", "1908-05-12", "1908-**-**"),
    ("year", "19080512", "1908-**-**"),
    ("year", "长期", "***"),
    ("year", "１９０８-05-12", "***"),
    ("district", "青榆区松涛路18号3单元502室", "青榆区***"),
    ("district", "山东省青榆市青榆区松涛路18号", "山东省青榆市青榆区***"),
    ("district", "松涛路18号", "***"),
    ("district", "青榆区", "***"),
    ("plate", "鲁Q12345", "鲁Q****5"),
    ("plate", "鲁Q1", "***"),
    ("hidden", "汉", "***"),
    ("none", "青榆区自然资源局", "青榆区自然资源局"),
]


@pytest.mark.parametrize(("rule", "value", "shown"), MASKS)
def test_a_mask_shows_this_much(rule: str, value: str, shown: str) -> None:
    """Masking vectors, with rare characters, dotted names, several holders and unexpected forms."""
    assert mask(rule, value) == shown


def test_every_rule_is_safe_on_long_and_odd_texts() -> None:
    """I12: no rule is slow on 10 KB, and none but "none" returns its input whole."""
    for name in RULES:
        for text in ("省" * 10_000, "x" * 10_000, "1" * 10_000, "😀", "​"):
            if name not in ("none",):
                assert mask(name, text) != text
