"""Samples of what a citizen sees after signing in, in every state."""

from datetime import date, timedelta
from typing import Any

from gateway.pages.forms import FieldError
from tests.gateway.samples.people import BUSINESS, CITIZEN, COMPANY, HOUSING, NOW, Sample


def license_card(name: str, issuer: str, status: str, lines: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    """Return the data of one card."""
    return {
        "name": name,
        "issuer": issuer,
        "status": status,
        "days_left": None,
        "lines": lines,
        "synced_at": NOW - timedelta(minutes=2),
        "href": "/licenses/0001",
        **more,
    }


LICENSES = [
    license_card(
        "不动产权证书",
        "青榆区自然资源局",
        "valid",
        [("权利人", "张*明"), ("证号", "鲁（2019）青榆区不动产权第 0*****2 号"), ("有效期", "长期")],
    ),
    license_card(
        "道路运输从业人员从业资格证",
        "青榆区交通运输局",
        "valid",
        [("持证人", "张*明"), ("证号", "3702**********0012"), ("有效期", "至 2026年6月30日")],
        days_left=43,
    ),
    license_card(
        "二级建造师注册证书",
        "省住房和城乡建设厅",
        "expired",
        [("持证人", "张*明"), ("证号", "鲁237**********61"), ("有效期", "至 2025年12月31日")],
        synced_at=NOW - timedelta(hours=12),
    ),
]


def access(minutes: int, office: str, outcome: str = "allowed", **more: Any) -> dict[str, Any]:
    """Return one recorded use."""
    return {
        "at": NOW - timedelta(minutes=minutes),
        "office": office,
        "post": "3 号窗口，窗口工作人员",
        "license": "不动产权证书",
        "fields": ["权利人", "坐落", "面积"],
        "grade": "masked",
        "purpose": "公共租赁住房资格确认",
        "case": "QY-2026-000101",
        "basis": "履行法定职责（LB-77 第 3 版）",
        "outcome": outcome,
        "reason": "",
        "number": "A7K2-0518-19",
        "dispute_href": "/accesses/A7K2-0518-19/dispute",
        "href": "/accesses#A7K2-0518-19",
        **more,
    }


ACCESSES = [
    access(0, "青榆区住房和城乡建设局"),
    access(51, "青榆区公安分局　户政窗口", grade="verify", number="A7K2-0518-04", dispute_href=None),
    access(
        8800,
        "青榆区松涛街道办事处",
        "refused",
        grade="full",
        purpose="没有对应的办件",
        case="",
        reason="办件编号不存在",
        number="A7K2-0512-33",
    ),
]

HOME: dict[str, Any] = {
    "viewer": CITIZEN,
    "notices": [{"kind": "soon", "words": "市场监督管理局的数据截至今天 09:50，其余为最新。"}],
    "accesses": ACCESSES,
    "access_count": 6,
    "licenses": LICENSES,
    "license_count": 3,
    "issuer_count": 3,
    "licenses_missing": None,
}

SOURCES = [
    {"name": "本区证照库", "state": "ok", "synced_at": NOW},
    {"name": "省电子证照共享平台", "state": "down", "synced_at": NOW - timedelta(minutes=42)},
]

LICENSE: dict[str, Any] = {
    "viewer": CITIZEN,
    "license": {
        **LICENSES[0],
        "identifier": "1.2.156.3005.2.11100000MB03271699001.11370299MB1A0001XL.20190005120.001.A",
        "type_code": "11100000MB03271699001",
        "issued_on": date(2019, 5, 12),
        "valid_from": date(2019, 5, 12),
        "valid_to": None,
        "source": "青榆区自然资源局，本区证照库",
        "status_reason": None,
        "replaced_by_href": None,
    },
    "fields": [
        {"label": "权利人", "value": "张*明", "masked": True, "disputed": False},
        {"label": "坐落", "value": "青榆区松涛路 18 号 3 单元 502 室", "masked": False, "disputed": True},
        {"label": "面积", "value": "62.40 平方米", "masked": False, "disputed": False},
    ],
    "accesses": ACCESSES[:2],
    "reveal_href": "/licenses/0001/reveal",
    "dispute_href": "/licenses/0001/dispute",
}

ALL_ACCESSES: dict[str, Any] = {
    "viewer": CITIZEN,
    "as_of": NOW,
    "retention_days": 180,
    "months": [
        {"month": date(2025, 12, 1), "count": 3, "at_desk": 2},
        {"month": date(2026, 1, 1), "count": 2, "at_desk": 1},
        {"month": date(2026, 2, 1), "count": 0, "at_desk": 0},
        {"month": date(2026, 3, 1), "count": 9, "at_desk": 5},
        {"month": date(2026, 4, 1), "count": 4, "at_desk": 3},
        {"month": date(2026, 5, 1), "count": 6, "at_desk": 4},
    ],
    "deferred_count": 1,
    "total": 24,
    "matching": 6,
    "filter": {"month": "2026-05", "license": "", "office": ""},
    "month_options": [("", "全部月份"), ("2026-05", "2026年5月")],
    "license_options": [("", "全部证照"), ("11100000MB03271699001", "不动产权证书")],
    "office_options": [("", "全部单位"), ("housing", "青榆区住房和城乡建设局")],
    "days": [
        {"day": date(2026, 5, 18), "count": 2, "accesses": ACCESSES[:2]},
        {
            "day": date(2026, 5, 12),
            "count": 2,
            "accesses": [
                ACCESSES[2],
                {
                    "at": NOW - timedelta(days=6, hours=1),
                    "deferred": {"code": "DF-02", "until": date(2026, 8, 1)},
                },
            ],
        },
    ],
    "pager": {"words": "第 1 页，共 2 页", "newer_href": None, "older_href": "/accesses?cursor=2"},
    "export_href": "/accesses.csv?month=2026-05",
}

CONNECTED: dict[str, Any] = {
    "viewer": CITIZEN,
    "results": [],
    "apps": [
        {
            "id": "gzf",
            "name": HOUSING["name"],
            "department": HOUSING["department"],
            "claims": ["姓名", "实名等级", "手机号"],
            "login_url": "https://gzf.example/login?iss=https%3A%2F%2Fid.example",
            "first_used_at": NOW - timedelta(days=70),
            "last_used_at": NOW,
            "signed_in": True,
        },
        {
            "id": "qyfw",
            "name": BUSINESS["name"],
            "department": BUSINESS["department"],
            "claims": ["姓名"],
            "first_used_at": NOW - timedelta(days=400),
            "last_used_at": NOW - timedelta(days=1),
            "signed_in": False,
        },
    ],
    "devices": [
        {"id": "s1", "label": "手机浏览器（Android）", "place": "青榆区附近", "last_active_at": NOW, "current": True},
        {
            "id": "s2",
            "label": "Edge 浏览器（Windows）",
            "place": "",
            "last_active_at": NOW - timedelta(days=1),
            "current": False,
        },
    ],
}

ACCOUNT: dict[str, Any] = {
    "viewer": CITIZEN,
    "saved": None,
    "phone": "138****5521",
    "password_changed_at": NOW - timedelta(days=30),
    "level": 2,
    "evidence": [
        {"method": "姓名与证件号码核对", "source": "省公安厅人口信息核验", "at": NOW - timedelta(days=30)},
        {"method": "手机号验证", "source": "短信验证码", "at": NOW - timedelta(days=30)},
    ],
    "methods": [
        {"icon": "lock", "title": "密码", "description": "30 天前修改", "href": "#password"},
        {
            "icon": "org",
            "title": "省统一身份认证平台",
            "description": "",
            "href": "#",
            "unavailable": "对方系统没有应答。",
        },
    ],
    "password_form": {"action": "/account/password"},
    "errors": [],
    "hidden": {},
    "events": [
        {"at": NOW, "words": "登录成功", "place": "手机浏览器，青榆区附近", "bad": False},
        {"at": NOW - timedelta(days=1), "words": "密码输错 3 次", "place": "Edge 浏览器", "bad": True},
    ],
    "events_pager": {"words": "最近 50 条", "newer_href": None, "older_href": None},
}

CITIZEN_SAMPLES: tuple[Sample, ...] = (
    Sample("home.html", "usual", HOME),
    Sample("home.html", "company", {**HOME, "viewer": COMPANY}),
    Sample(
        "home.html",
        "new",
        {
            **HOME,
            "notices": [],
            "accesses": [],
            "access_count": 0,
            "licenses": [],
            "license_count": 0,
            "issuer_count": 0,
            "licenses_missing": "none",
        },
    ),
    Sample("home_elder.html", "usual", HOME),
    Sample(
        "licenses.html",
        "usual",
        {
            "viewer": CITIZEN,
            "groups": [
                {"name": "住房与不动产", "licenses": LICENSES[:1]},
                {"name": "职业资格", "licenses": LICENSES[1:]},
            ],
            "total": 8,
            "q": "",
            "licenses_missing": None,
            "sources": SOURCES,
        },
    ),
    Sample(
        "licenses.html",
        "no-hit",
        {"viewer": CITIZEN, "groups": [], "total": 3, "q": "护照", "licenses_missing": None, "sources": []},
    ),
    *(
        Sample(
            "licenses.html",
            why.replace("_", "-"),
            {"viewer": CITIZEN, "groups": [], "total": 0, "q": "", "licenses_missing": why, "sources": []},
        )
        for why in ("none", "not_connected", "source_down")
    ),
    Sample("license.html", "usual", LICENSE),
    Sample(
        "license.html",
        "replaced",
        {
            **LICENSE,
            "license": {
                **LICENSE["license"],
                "status": "replaced",
                "valid_to": date(2025, 1, 1),
                "replaced_by_href": "/licenses/0002",
            },
            "accesses": [],
            "reveal_href": None,
            "dispute_href": None,
        },
    ),
    Sample("accesses.html", "usual", ALL_ACCESSES),
    Sample("accesses.html", "none", {**ALL_ACCESSES, "total": 0, "days": [], "pager": None}),
    Sample("accesses.html", "no-match", {**ALL_ACCESSES, "matching": 0, "days": [], "pager": None}),
    Sample("connected.html", "usual", CONNECTED),
    Sample("connected.html", "none", {**CONNECTED, "apps": [], "devices": CONNECTED["devices"][:1]}),
    Sample(
        "connected.html",
        "results",
        {
            **CONNECTED,
            "results": [
                {"name": HOUSING["name"], "state": state, "told": told}
                for state, told in (
                    *(("revoked", True), ("revoked", False)),
                    *((state, False) for state in ("done", "pending", "failed", "asked", "unreachable")),
                )
            ]
            + [{"state": "devices", "count": 2}],
        },
    ),
    Sample("account.html", "usual", ACCOUNT),
    Sample(
        "account.html",
        "errors",
        {**ACCOUNT, "errors": [FieldError("current_password", "现在的密码不正确")], "events": [], "evidence": []},
    ),
    Sample("account.html", "saved", {**ACCOUNT, "saved": "password", "password_changed_at": None}),
)
