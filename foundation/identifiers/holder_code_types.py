"""持证主体代码类型代码 per GB/T 36903 annex A: what kind of number names a holder.

Further codes that were seen elsewhere (551 to 554) are not in the annex; such documents are 999.
"""

from enum import StrEnum

from foundation.identifiers.errors import UnknownIdentifierType


class HolderGroup(StrEnum):
    """The groups of annex A."""

    ORGANIZATION = "法人和其他组织"
    CITIZEN = "一般公民"
    MILITARY = "军人"
    OVERSEAS = "华侨和外籍人士"
    TAIWAN = "台湾人士"
    HONG_KONG_MACAO = "港澳人士"


class HolderCodeType(StrEnum):
    """One code of annex A; the value is the code, ``name_zh``, ``name_en`` and ``group`` describe it."""

    name_zh: str
    name_en: str
    group: HolderGroup

    def __new__(cls, code: str, name_zh: str, name_en: str, group: HolderGroup) -> "HolderCodeType":
        member = str.__new__(cls, code)
        member._value_ = code
        member.name_zh = name_zh
        member.name_en = name_en
        member.group = group
        return member

    SOCIAL_CREDIT_CODE = ("001", "统一社会信用代码", "Unified social credit code", HolderGroup.ORGANIZATION)
    OTHER_ORGANIZATION = (
        "099",
        "其他法人或其他组织有效证件代码",
        "Other valid code of an organisation",
        HolderGroup.ORGANIZATION,
    )
    RESIDENT_ID = ("111", "公民身份号码", "Citizen identity number", HolderGroup.CITIZEN)
    PLA_OFFICER = ("114", "解放军军官证编号", "PLA officer's card", HolderGroup.MILITARY)
    POLICE_OFFICER = ("115", "武警警官证编号", "Armed police officer's card", HolderGroup.MILITARY)
    PLA_SOLDIER = ("118", "解放军士兵证编号", "PLA soldier's card", HolderGroup.MILITARY)
    POLICE_SOLDIER = ("119", "武警士兵证编号", "Armed police soldier's card", HolderGroup.MILITARY)
    PLA_CIVILIAN = ("120", "解放军文职人员证编号", "PLA civilian staff card", HolderGroup.MILITARY)
    POLICE_CIVILIAN = ("122", "武警文职人员证编号", "Armed police civilian staff card", HolderGroup.MILITARY)
    DIPLOMATIC_PASSPORT = ("411", "外交护照", "Diplomatic passport", HolderGroup.OVERSEAS)
    SERVICE_PASSPORT = ("412", "公务护照", "Service passport", HolderGroup.OVERSEAS)
    PUBLIC_AFFAIRS_PASSPORT = ("413", "公务普通护照", "Passport for public affairs", HolderGroup.OVERSEAS)
    PASSPORT = ("414", "普通护照", "Ordinary passport", HolderGroup.OVERSEAS)
    TAIWAN_PERMIT = (
        "511",
        "台湾居民来往大陆通行证",
        "Mainland travel permit for Taiwan residents",
        HolderGroup.TAIWAN,
    )
    HONG_KONG_MACAO_PERMIT = (
        "516",
        "港澳居民来往内地通行证",
        "Mainland travel permit for Hong Kong and Macao residents",
        HolderGroup.HONG_KONG_MACAO,
    )
    OTHER_PERSON = ("999", "其他自然人有效证件代码", "Other valid document of a person", HolderGroup.CITIZEN)

    @property
    def is_organization(self) -> bool:
        """Whether the code names an organisation rather than a natural person."""
        return self.group is HolderGroup.ORGANIZATION


def parse_holder_code_type(code: str) -> HolderCodeType:
    """Return the type, or raise UnknownIdentifierType."""
    found = _BY_CODE.get(code)
    if found is None:
        raise UnknownIdentifierType("not in GB/T 36903 annex A")
    return found


_BY_CODE: dict[str, HolderCodeType] = {member.value: member for member in HolderCodeType}
