"""The simulators' part of the demo world: who exists above, what the upper library holds, which cases are
open.

Every person is synthetic: the document numbers carry valid check characters and birth years before 1915, the
area code 370299 is assigned to no place. Every entry may be changed at run time through `/_world`.
"""

from pydantic import SecretStr

from adapters.api_calls import ApiSettings
from adapters.license_libraries.certshare.settings import CertshareSettings
from adapters.settings import AdapterSettings, OutgoingSettings
from adapters.simulators.world_entries import (
    CaseRecord,
    CenterClient,
    Citizen,
    LibraryAccount,
    LicenseRecord,
    ProvincePerson,
    ServiceApp,
    World,
)
from adapters.sms.settings import SmsSettings
from adapters.user_centers.oidc.settings import OidcCenterSettings

HOUSING_USCC = "11370299MB90000152"
APPROVAL_USCC = "11370299MB9000023W"
MARKET_USCC = "11370299MB9000031P"
DATA_USCC = "11370299MB900004XF"
TRANSPORT_USCC = "11370299MB9000066A"
HAULAGE_COMPANY_USCC = "91370299MA9000011B"

HOUSING_MATTER = "gzf-apply"


ZHANG_ZHIMING = ProvincePerson(
    user_name="zhangzhiming",
    subject="p-370299-000017",
    name="张知明",
    document_number="370299190805120015",
    phone="13800000001",
)
LI_XIAOHE = Citizen(document_number="370299190909200028", name="李晓禾")
WANG_SHOUZHENG = Citizen(document_number="370299191003080036", name="王守正")
CHEN_MULAN = ProvincePerson(
    user_name="chenmulan",
    subject="p-370299-000018",
    name="陈木兰",
    document_number="370299191104010045",
    phone="13800000004",
    level="2",
)
ZHAO_WUSHI = ProvincePerson(
    user_name="zhaowushi",
    subject="p-370299-000019",
    name="赵无实",
    document_number="370299191211230051",
    level="0",
)

# Fixed so that demo and tests can be repeated; they open nothing but the simulators.
DEMO_LIBRARY_PRIVATE_KEY = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
DEMO_LIBRARY_PUBLIC_KEY = (
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)


def demo_world(*, issuer: str = "http://127.0.0.1:8000") -> World:
    """Return the world of the demo; `issuer` is the product's address, to which the center sends people
    back.
    """
    people = (ZHANG_ZHIMING, CHEN_MULAN, ZHAO_WUSHI)
    citizens = (
        *(Citizen(document_number=person.document_number, name=person.name) for person in people),
        LI_XIAOHE,
        WANG_SHOUZHENG,
    )
    return World(
        issuer=issuer,
        people={person.user_name: person for person in people},
        clients={
            "renzheng": CenterClient(
                client_id="renzheng",
                name="青榆区实名认证与电子证照",
                client_secret="province-demo-secret",
                redirect_uris=(f"{issuer}/sign-in/centers/province/callback",),
            )
        },
        accounts={
            "qingyu": LibraryAccount(
                access_id="qingyu",
                access_token="certshare-demo-token",
                organization="青榆区数据管理局",
                public_key=DEMO_LIBRARY_PUBLIC_KEY,
                license_types=tuple(_ROAD_LICENSE_NAMES),
            )
        },
        licenses={record.identifier: record for record in _road_licenses()},
        cases={case.number: case for case in _cases()},
        citizens={citizen.document_number: citizen for citizen in citizens},
        api_keys={"sms": "sms-demo-key", "proofing": "proofing-demo-key", "matters": "matters-demo-key"},
        service_apps={app.client_id: app for app in _service_apps()},
    )


def demo_settings(world: World, *, addresses: dict[str, str] | None = None) -> AdapterSettings:
    """Return settings that point at the simulators of this world.

    `addresses` maps simulator names to base URLs; left out, they lie on their default ports of this machine.
    """
    at = {
        "province-center": "http://127.0.0.1:8010",
        "certshare": "http://127.0.0.1:8011",
        "sms": "http://127.0.0.1:8012",
        "proofing": "http://127.0.0.1:8013",
        "matters": "http://127.0.0.1:8014",
        **(addresses or {}),
    }

    def api(name: str) -> ApiSettings:
        return ApiSettings(base_url=at[name], api_key=SecretStr(world.api_keys[name]))

    client, account = world.clients["renzheng"], world.accounts["qingyu"]
    return AdapterSettings(
        outgoing=OutgoingSettings(allow_private_networks=True, allow_http=True),
        centers=(
            OidcCenterSettings(
                name="province",
                display_name_zh="省统一身份认证平台",
                display_name_en="Provincial identity platform",
                issuer=at["province-center"],
                client_id=client.client_id,
                client_secret=SecretStr(client.client_secret or ""),
            ),
        ),
        libraries=(
            CertshareSettings(
                name="certshare",
                display_name_zh="省电子证照共享平台",
                display_name_en="Provincial e-license sharing platform",
                base_url=f"{at['certshare']}/CertShare",
                access_id=account.access_id,
                access_token=SecretStr(account.access_token),
                private_key=SecretStr(DEMO_LIBRARY_PRIVATE_KEY),
            ),
        ),
        sms=SmsSettings(gateway=api("sms")),
        proofing=api("proofing"),
        matters=api("matters"),
    )


_ROAD_LICENSE_NAMES = {
    "11100000000019713D071": "道路运输从业人员从业资格证",
    "11100000000019713D008": "道路运输经营许可证",
    "11100000000019713D013": "道路运输证",
}


def _road_licenses() -> tuple[LicenseRecord, ...]:
    issuer = {"issuer_name": "青榆区交通运输局", "issuer_code": TRANSPORT_USCC}
    zhang = {
        "holder_name": ZHANG_ZHIMING.name,
        "holder_type": "111",
        "holder_code": ZHANG_ZHIMING.document_number,
    }
    company = {
        "holder_name": "青榆远途运输有限公司",
        "holder_type": "001",
        "holder_code": HAULAGE_COMPANY_USCC,
    }
    return (
        LicenseRecord(
            identifier="1.2.156.3005.2.11100000000019713D071.11370299MB9000066A.370299020260017.001.5",
            type_code="11100000000019713D071",
            type_name=_ROAD_LICENSE_NAMES["11100000000019713D071"],
            number="370299020260017",
            issue_date="20240312",
            valid_from="20240312",
            valid_to="20300311",
            face={
                "KZ_CYLB": "道路旅客运输驾驶员；道路货物运输驾驶员",
                "KZ_ZJCX": "A1",
                "KZ_CCLZRQ": "20120405",
            },
            **issuer,
            **zhang,
        ),
        LicenseRecord(
            identifier="1.2.156.3005.2.11100000000019713D008.11370299MB9000066A.370299000312.001.A",
            type_code="11100000000019713D008",
            type_name=_ROAD_LICENSE_NAMES["11100000000019713D008"],
            number="370299000312",
            issue_date="20250106",
            valid_from="20250106",
            valid_to="20290105",
            face={"KZ_JYFW": "道路普通货物运输", "KZ_DZ": "青榆区榆钱路12号", "KZ_JJLX": "有限责任公司"},
            **issuer,
            **company,
        ),
        LicenseRecord(
            identifier="1.2.156.3005.2.11100000000019713D013.11370299MB9000066A.370299100558.001.U",
            type_code="11100000000019713D013",
            type_name=_ROAD_LICENSE_NAMES["11100000000019713D013"],
            number="370299100558",
            issue_date="20230710",
            valid_from="20230710",
            valid_to="20260709",
            status="02",
            face={"KZ_CPH": "鲁Z00558", "KZ_CLLX": "重型栏板货车", "KZ_DWZW": "总质量25000kg"},
            **issuer,
            **zhang,
        ),
    )


def _cases() -> tuple[CaseRecord, ...]:
    housing = {
        "matter_code": HOUSING_MATTER,
        "matter_name": "公共租赁住房资格申请",
        "matter_name_en": "Public rental housing application",
        "department_uscc": HOUSING_USCC,
    }
    zhang = ZHANG_ZHIMING.document_number
    return (
        CaseRecord(number="QY-2026-000101", holder_number=ZHANG_ZHIMING.document_number, **housing),
        CaseRecord(number="QY-2026-000102", open=False, holder_number=ZHANG_ZHIMING.document_number, **housing),
        CaseRecord(
            number="QY-2026-000103",
            matter_code="qyfw-open",
            matter_name="企业开办服务",
            matter_name_en="Business start-up",
            department_uscc=MARKET_USCC,
            holder_number=zhang,
        ),
        CaseRecord(number="QY-2026-000104", holder_number=LI_XIAOHE.document_number, **housing),
    )


def _service_apps() -> tuple[ServiceApp, ...]:
    return (
        ServiceApp(
            client_id="gzf",
            client_secret="gzf-demo-secret-0f6d1c0a2b7e4d55a1c3",
            title_zh="公共租赁住房资格申请",
            title_en="Public rental housing",
            department_zh="青榆区住房和城乡建设局",
            base_url="http://127.0.0.1:8001",
            scopes=("openid", "profile", "realname"),
            department_uscc=HOUSING_USCC,
        ),
        ServiceApp(
            client_id="qyfw",
            client_secret="qyfw-demo-secret-7c9e3a4d8b1f4c02b6e8",
            title_zh="企业开办服务",
            title_en="Business start-up",
            department_zh="青榆区市场监督管理局",
            base_url="http://127.0.0.1:8002",
            scopes=("openid", "profile", "realname"),
            department_uscc=MARKET_USCC,
        ),
    )
