"""The licenses of the demo that the district keeps itself. Every holder is synthetic.

Types and names are the registered ones; the identifiers get their check characters when they are
registered (GB/T 36904).
Road licenses are not here: the library above has them.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from adapters.simulators.world import HOUSING_USCC, LI_XIAOHE, MARKET_USCC, ZHANG_ZHIMING
from certs_catalog.licenses.record import LicenseHolder, LicenseRecord
from certs_catalog.vocabulary import LicenseStatus
from foundation.identifiers.synthetic import synthetic_social_credit_code
from gateway.demo.people import ZHOU_JINGYAN

RESIDENT_ID_CARD = "11100000000013127D001"
BUSINESS_LICENSE = "11100000MB0143028R001"
REAL_ESTATE_TITLE = "11100000MB03271699001"
REAL_ESTATE_CERTIFICATE = "11100000MB03271699022"
SECOND_CLASS_CONSTRUCTOR = "11100000000013338W001"
SAFETY_MANAGER = "11100000000013338W011"
SPECIAL_OPERATION = "11100000000013338W032"
ROAD_DRIVER = "11100000000019713D071"

PUBLIC_SECURITY_USCC = synthetic_social_credit_code("370299", 7, registration="11")
NATURAL_RESOURCES_USCC = synthetic_social_credit_code("370299", 8, registration="11")
BUSINESS_USCC = synthetic_social_credit_code("370299", 21)

_REPORTED_AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)

ZHANG = LicenseHolder("111", ZHANG_ZHIMING.document_number, ZHANG_ZHIMING.name)
LI = LicenseHolder("111", LI_XIAOHE.document_number, LI_XIAOHE.name)
ZHOU = LicenseHolder("111", ZHOU_JINGYAN.document_number, ZHOU_JINGYAN.name)
BUSINESS = LicenseHolder("001", BUSINESS_USCC, "青榆区知明木器加工店")


def demo_licenses() -> tuple[LicenseRecord, ...]:
    """Return every license that the seed registers."""
    return (
        _id_card(ZHANG, "QY19080512", sex="男", born="1908-08-05", address="青榆区榆钱路18号2单元301室"),
        _id_card(LI, "QY19090920", sex="女", born="1909-09-20", address="青榆区桥头街7号1单元502室"),
        _id_card(ZHOU, "QY19010214", sex="男", born="1901-02-14", address="青榆区柳桥巷3号"),
        _housing_bureau(
            SECOND_CLASS_CONSTRUCTOR,
            "20240001127",
            {"employer": "青榆区知明建设工程有限公司", "specialty": "建筑工程"},
        ),
        _housing_bureau(
            SAFETY_MANAGER, "20240000452", {"employer": "青榆区知明建设工程有限公司", "post": "项目负责人"}
        ),
        _housing_bureau(
            SPECIAL_OPERATION,
            "2290117",
            {"operation_kind": "建筑电工"},
            terms=(date(2022, 4, 1), date(2024, 3, 31)),
            status=LicenseStatus.EXPIRED,
        ),
        _record(
            REAL_ESTATE_TITLE,
            NATURAL_RESOURCES_USCC,
            "青榆区自然资源局",
            serial="20190012345",
            number="鲁（2019）青榆区不动产权第0012345号",
            holders=(ZHANG, LI),
            terms=(date(2019, 6, 18), None),
            face={
                "co_ownership": "共同共有",
                "location": "青榆区榆钱路18号2单元301室",
                "unit_number": "370299001001GB00021F00010301",
                "right_kind": "国有建设用地使用权/房屋所有权",
                "right_nature": "出让/市场化商品房",
                "usage": "城镇住宅用地/住宅",
                "floor_area": "房屋建筑面积88.64平方米",
            },
        ),
        _record(
            REAL_ESTATE_CERTIFICATE,
            NATURAL_RESOURCES_USCC,
            "青榆区自然资源局",
            serial="20190098761",
            number="鲁（2019）青榆区不动产证明第0098761号",
            holders=(ZHANG,),
            terms=(date(2019, 6, 25), None),
            face={
                "obligor": "张知明、李晓禾",
                "location": "青榆区榆钱路18号2单元301室",
                "unit_number": "370299001001GB00021F00010301",
                "right_kind": "抵押权",
            },
        ),
        _record(
            BUSINESS_LICENSE,
            MARKET_USCC,
            "青榆区市场监督管理局",
            serial="370299600012345",
            number=BUSINESS_USCC,
            holders=(BUSINESS,),
            terms=(date(2021, 9, 1), None),
            face={
                "enterprise_kind": "个体工商户",
                "legal_representative": "张知明",
                "registered_capital": "壹拾万元整",
                "established_on": "2021-09-01",
                "domicile": "青榆区榆钱路20号底商",
                "business_scope": "木器加工；家具修理",
            },
        ),
    )


def _id_card(holder: LicenseHolder, serial: str, *, sex: str, born: str, address: str) -> LicenseRecord:
    return _record(
        RESIDENT_ID_CARD,
        PUBLIC_SECURITY_USCC,
        "青榆区公安局",
        serial=serial,
        number=holder.code,
        holders=(holder,),
        terms=(date(2018, 5, 10), date(2038, 5, 10)),
        face={"sex": sex, "ethnicity": "汉", "birth_date": born, "address": address},
    )


def _housing_bureau(
    type_code: str,
    serial: str,
    face: Mapping[str, str],
    *,
    terms: tuple[date, date | None] = (date(2024, 7, 1), date(2027, 6, 30)),
    status: LicenseStatus = LicenseStatus.VALID,
) -> LicenseRecord:
    return _record(
        type_code,
        HOUSING_USCC,
        "青榆区住房和城乡建设局",
        serial=serial,
        number=f"鲁{serial}",
        holders=(ZHANG,),
        terms=terms,
        face=face,
        status=status,
    )


def _record(
    type_code: str,
    issuer_code: str,
    issuer_name: str,
    *,
    serial: str,
    number: str,
    holders: tuple[LicenseHolder, ...],
    terms: tuple[date, date | None],
    face: Mapping[str, str],
    status: LicenseStatus = LicenseStatus.VALID,
) -> LicenseRecord:
    return LicenseRecord(
        type_code=type_code,
        issuer_code=issuer_code,
        issuer_name=issuer_name,
        serial=serial,
        version=1,
        number=number,
        holders=holders,
        issued_on=terms[0],
        valid_from=terms[0],
        valid_to=terms[1],
        status=status,
        face=face,
        provenance=issuer_name,
        source_updated_at=_REPORTED_AT,
    )
