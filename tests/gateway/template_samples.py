"""Every template in every state, with realistic synthetic data: what the template tests render and look at.

The people do not exist: their document numbers carry birth years before 1915 and are masked as pages show them.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from foundation.problems import ErrorCode
from gateway.pages.forms import FieldError
from gateway.pages.viewer import Viewer

NOW = datetime(2026, 5, 18, 2, 32, 7, tzinfo=UTC)
CITIZEN = Viewer(
    persona="citizen", name="张*明", number="3702**********0012", session_ends_at=NOW + timedelta(minutes=15)
)
COMPANY = Viewer(
    persona="citizen",
    name="张*明",
    organization="青榆松涛商贸有限公司",
    organization_role="您是经办人，到 2026年12月31日",
)
OFFICER = Viewer(persona="officer", name="王守正", work_number="Z0107", post="青榆区住房和城乡建设局 3 号窗口")

HOUSING = {
    "name": "公共租赁住房资格申请",
    "department": "青榆区住房和城乡建设局",
    "domain": "gzf.qingyu.example",
    "reviewed": True,
}
BUSINESS = {
    "name": "企业开办服务",
    "department": "青榆区市场监督管理局",
    "domain": "qyfw.qingyu.example",
    "reviewed": False,
}


@dataclass(frozen=True)
class Sample:
    """One page: a template, the name of its state, and the data a handler would give it."""

    template: str
    state: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A name for test reports and files."""
        return f"{self.template.removesuffix('.html')}-{self.state}"


WAYS = [
    {
        "icon": "sms",
        "title": "短信验证码",
        "description": "发送到已登记的手机号",
        "href": "/login/sms",
        "tag": "上次使用",
    },
    {
        "icon": "org",
        "title": "省统一身份认证平台",
        "description": "用省平台账户登录，实名等级最高到高级",
        "action": "/sign-in/centers/province",
    },
]
WAYS_DOWN = [
    WAYS[0],
    {**WAYS[1], "unavailable": "对方系统 09:40 起没有应答，我们每分钟重试一次。"},
]

LOGIN: dict[str, Any] = {
    "kind": "citizen",
    "app": HOUSING,
    "level_needed": None,
    "leave_href": "/login/cancel",
    "action": "/login",
    "values": {},
    "errors": [],
    "hidden": {"transaction": "t-0001"},
    "throttle": None,
    "ways": WAYS,
    "register_href": "/register",
    "organization_href": None,
    "notice": None,
}
CODE = {"phone": "138****5521", "prefix": "QK", "tries_left": 5, "valid_minutes": 5, "resend_after": 42}
SMS_CODE = {
    "action": "/login/sms/code",
    "resend_action": "/login/sms",
    "back_href": "/login/sms",
    "values": {},
    "errors": [],
    "hidden": {"flow": "f-0001"},
    "code": CODE,
    "locked": False,
}
WRONG_CODE = {
    "values": {"code": "40817"},
    "errors": [FieldError("code", "验证码不正确，请再看一下短信")],
    "code": {**CODE, "tries_left": 1, "resend_after": 0},
}
TOTP: dict[str, Any] = {
    "action": "/login/totp",
    "back_href": "/staff/login",
    "kind": "staff",
    "who": "Z0107",
    "values": {},
    "errors": [],
    "hidden": {},
    "throttle": None,
}
REGISTER: dict[str, Any] = {"action": "/register", "values": {}, "errors": [], "hidden": {}, "throttle": None}
IDENTITY = {
    **REGISTER,
    "document_types": [("111", "公民身份号码")],
    "source": "省公安厅人口信息核验",
    "tries_left": 5,
    "unavailable": False,
}
ARRIVAL = {
    "action": "/sign-in/arrival",
    "hidden": {},
    "errors": [],
    "center": "省统一身份认证平台",
    "app": HOUSING,
    "received": [("姓名", "张*明"), ("证件号码", "3702**********0012"), ("手机号", "138****5521")],
    "level": 3,
    "existing": False,
}
CONSENT = {
    "viewer": CITIZEN,
    "action": "/consent",
    "hidden": {"transaction": "t-0001"},
    "errors": [],
    "app": HOUSING,
    "purpose": "核对您是否符合公共租赁住房申请条件",
    "duration": "本次申请办结为止，最长 180 天",
    "basis": "履行法定职责所必需（《个人信息保护法》第十三条）；证件号码另行取得您的单独同意",
    "required": [
        {"key": "name", "label": "姓名", "value": "张*明", "why": "写入申请表的申请人一栏"},
        {"key": "level", "label": "实名等级", "value": "高级", "why": "确认是您本人在申请"},
    ],
    "sensitive": [
        {
            "key": "realname.id",
            "label": "公民身份号码",
            "value": "3702**********0012",
            "why": "用来向不动产登记核对住房情况，只提供这一次",
            "checked": False,
        }
    ],
    "optional": [
        {
            "key": "phone",
            "label": "手机号",
            "value": "138****5521",
            "why": "用来通知审核结果；不提供则以信件通知",
            "checked": True,
        }
    ],
    "already": [],
    "alternative": {"words": "下载纸质申请表，到区住房保障中心提交", "href": "/help/housing"},
}


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
DESK: dict[str, Any] = {
    "viewer": OFFICER,
    "today_count": 17,
    "values": {},
    "errors": [],
    "hidden": {},
    "case_options": [("QY-2026-000101", "公共租赁住房资格确认")],
    "case": None,
    "license_types": [],
    "purposes": [],
    "grant": "",
    "bases": [],
    "grades": [],
    "fields": [],
    "fact_fields": [],
    "result": None,
    "refusal": None,
    "watermark": "Z0107 王守正　区住建局　05-18 10:32",
}
DESK_OPEN = {
    **DESK,
    "values": {
        "case": "QY-2026-000101",
        "license_type": "11100000MB03271699001",
        "purpose": "gzf-apply",
        "basis": "statutory",
        "grade": "masked",
    },
    "case": {"number": "QY-2026-000101", "matter": "公共租赁住房资格确认", "open": True, "holder": "张*明"},
    "license_types": [("11100000MB03271699001", "不动产权证书"), ("11100000000013127D001", "居民身份证")],
    "purposes": [("gzf-apply", "核验申请人住房状况")],
    "grant": "G-2026-0017 第 2 版",
    "bases": [
        {"value": "statutory", "title": "依职能", "small": "LB-77 第 3 版", "refused": ""},
        {"value": "holder", "title": "持证人授权", "small": "", "refused": "本事项未获批准"},
    ],
    "grades": [
        {"value": "verify", "title": "只核对", "small": "不看内容", "refused": ""},
        {"value": "masked", "title": "部分隐去", "small": "", "refused": ""},
        {"value": "full", "title": "完整内容", "small": "", "refused": ""},
        {"value": "original", "title": "证照原件", "small": "", "refused": "未获授权"},
    ],
    "fields": [
        {"name": "holder_name", "label": "权利人", "small": "部分隐去", "refused": "", "checked": True},
        {"name": "location", "label": "坐落", "small": "", "refused": "", "checked": True},
        {"name": "area", "label": "面积", "small": "", "refused": "", "checked": True},
        {"name": "co_owners", "label": "共有情况", "small": "", "refused": "未获授权", "checked": False},
    ],
    "fact_fields": [{"name": "holder_name", "label": "权利人"}],
}
DESK_RESULT = {
    "verdict": True,
    "verdict_words": "有效",
    "checked_at": NOW,
    "source": "本区证照库，12 秒前的数据",
    "license": "不动产权证书",
    "grade": "masked",
    "lines": [
        ("权利人", "张*明"),
        ("坐落", "青榆区松涛路 18 号 3 单元 502 室"),
        ("面积", "62.40 平方米"),
        ("发证机关", "青榆区自然资源局"),
    ],
    "facts": [],
    "receipt": "R-20260518-103207-7QXM",
    "position": 1204883,
    "sealed_at": NOW + timedelta(seconds=1),
    "field_count": 3,
}
DESK_REFUSAL = {
    "code": "31003",
    "title": "这一项不在授权之内",
    "reason": "贵单位的授权 G-2026-0017 第 2 版不包括“共有情况”。整次查询因此没有执行。",
    "next_step": "去掉这一项再查；确需使用，请由本单位业务管理员申请扩大授权。",
    "receipt": "R-20260518-103311-0PLC",
    "position": 1204884,
}
HISTORY = {
    "viewer": OFFICER,
    "total": 2,
    "rows": [
        {
            "at": NOW,
            "case": "QY-2026-000101",
            "matter": "公共租赁住房资格确认",
            "license": "不动产权证书",
            "grade": "masked",
            "fields": ["权利人", "坐落", "面积"],
            "outcome": "allowed",
            "code": None,
            "number": "A7K2-0518-19",
        },
        {
            "at": NOW - timedelta(minutes=3),
            "case": "QY-2026-000101",
            "matter": "公共租赁住房资格确认",
            "license": "不动产权证书",
            "grade": "full",
            "fields": ["共有情况"],
            "outcome": "refused",
            "code": "31003",
            "number": "A7K2-0518-18",
        },
    ],
    "filter": {"case": "", "outcome": ""},
    "pager": {"words": "第 1–2 条", "newer_href": None, "older_href": None},
    "warning": None,
}
ENTRY = ErrorCode(
    code="21007",
    status=400,
    title_zh="回调地址没有登记",
    title_en="The redirect URI is not registered",
    cause_zh="收到的 redirect_uri 与登记的任何一个都不逐字符相同。",
    cause_en="The redirect_uri received equals none of the registered ones character by character.",
    remedy_zh="把程序里的地址改为登记值，大小写和末尾斜杠也要相同。",
    remedy_en="Use the registered value, with the same case and the same trailing slash.",
)
ERROR = {"code": "10000", "at": NOW}
CHECKPOINT = {
    "origin": "rz.qingyu.example/ledger",
    "size": 1204884,
    "root_hash": "3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "signed_at": NOW,
    "key_name": "rz.qingyu.example/ledger",
    "key_hash": "a1b2c3d4",
}

SAMPLES: tuple[Sample, ...] = (
    Sample("login.html", "app", LOGIN),
    Sample("login.html", "direct", {**LOGIN, "app": None, "hidden": {}}),
    Sample(
        "login.html",
        "wrong",
        {
            **LOGIN,
            "values": {"identifier": "138 0000 5521"},
            "errors": [FieldError("password", "手机号、证件号或密码不正确")],
            "ways": WAYS_DOWN,
        },
    ),
    Sample("login.html", "throttled", {**LOGIN, "throttle": {"retry_after": 47}}),
    Sample("login.html", "level", {**LOGIN, "app": BUSINESS, "level_needed": 3, "notice": "level"}),
    *(
        Sample("login.html", notice, {**LOGIN, "notice": notice})
        for notice in ("expired", "idle", "signed_out", "reauthenticate")
    ),
    Sample(
        "login.html",
        "staff",
        {
            **LOGIN,
            "kind": "staff",
            "app": None,
            "ways": [],
            "register_href": None,
            "action": "/staff/login",
            "hidden": {},
        },
    ),
    Sample(
        "login_sms.html",
        "empty",
        {
            "action": "/login/sms",
            "back_href": "/login",
            "values": {},
            "errors": [],
            "hidden": {},
            "throttle": None,
            "app": HOUSING,
        },
    ),
    Sample(
        "login_sms.html",
        "throttled",
        {
            "action": "/login/sms",
            "back_href": "/login",
            "values": {"phone": "138 0000 5521"},
            "errors": [FieldError("phone", "这不是中国内地手机号")],
            "hidden": {},
            "throttle": {"retry_after": 3700},
            "app": None,
        },
    ),
    Sample("login_sms_code.html", "sent", SMS_CODE),
    Sample("login_sms_code.html", "wrong", {**SMS_CODE, **WRONG_CODE}),
    Sample("login_sms_code.html", "locked", {**SMS_CODE, "locked": True, "code": {**CODE, "resend_after": 0}}),
    Sample(
        "login_identity.html",
        "asked",
        {**REGISTER, "action": "/login/identity", "back_href": "/login", "phone": "138****5521"},
    ),
    Sample("login_totp.html", "staff", TOTP),
    Sample(
        "login_totp.html",
        "wrong",
        {**TOTP, "kind": "citizen", "who": "张*明", "errors": [FieldError("code", "口令不正确或已用过，请等下一个")]},
    ),
    Sample("login_totp.html", "throttled", {**TOTP, "throttle": {"retry_after": 600}}),
    Sample("register_phone.html", "empty", {**REGISTER, "login_href": "/login"}),
    Sample(
        "register_phone.html",
        "errors",
        {
            **REGISTER,
            "login_href": "/login",
            "values": {"phone": "12345"},
            "errors": [FieldError("phone", "这不是中国内地手机号"), FieldError("agreed", "请先表示同意")],
        },
    ),
    Sample("register_code.html", "sent", {**SMS_CODE, "action": "/register/code", "resend_action": "/register"}),
    Sample("register_code.html", "wrong", {**SMS_CODE, **WRONG_CODE}),
    Sample("register_code.html", "locked", {**SMS_CODE, "locked": True}),
    Sample("register_identity.html", "empty", IDENTITY),
    Sample(
        "register_identity.html",
        "mismatch",
        {
            **IDENTITY,
            "document_types": [("111", "公民身份号码"), ("414", "普通护照")],
            "values": {"name": "李𬭚禾", "agreed": "yes"},
            "errors": [FieldError("", "姓名与证件号码核对不一致")],
            "tries_left": 1,
        },
    ),
    Sample("register_identity.html", "unavailable", {**IDENTITY, "unavailable": True, "tries_left": None}),
    Sample("register_identity.html", "throttled", {**IDENTITY, "throttle": {"retry_after": 21000}, "tries_left": 0}),
    Sample("register_password.html", "empty", {**REGISTER, "name": "李*禾"}),
    Sample(
        "register_password.html",
        "errors",
        {
            **REGISTER,
            "name": "李*禾",
            "errors": [FieldError("password", "至少 8 个字符"), FieldError("password_again", "两次输入不一致")],
        },
    ),
    Sample(
        "register_done.html",
        "app",
        {
            "name": "李*禾",
            "number": "3702**********0029",
            "phone": "139****6632",
            "level": 2,
            "next_href": "/oauth/continue",
            "next_label": HOUSING["name"],
        },
    ),
    Sample(
        "register_done.html",
        "home",
        {
            "name": "李*禾",
            "number": "3702**********0029",
            "phone": "139****6632",
            "level": 2,
            "next_href": "/",
            "next_label": None,
        },
    ),
    Sample("center_arrival.html", "new", ARRIVAL),
    Sample("center_arrival.html", "existing", {**ARRIVAL, "existing": True, "app": None}),
    Sample("consent.html", "first", CONSENT),
    Sample(
        "consent.html",
        "difference",
        {**CONSENT, "required": [], "sensitive": [], "already": ["姓名", "实名等级"], "alternative": None},
    ),
    Sample("consent.html", "nothing-optional", {**CONSENT, "optional": [], "sensitive": []}),
    Sample(
        "consent.html",
        "error",
        {**CONSENT, "errors": [FieldError("claims-realname.id", "请勾选，或选择拒绝")]},
    ),
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
                {"name": HOUSING["name"], "state": state} for state in ("done", "revoked", "pending", "failed")
            ],
        },
    ),
    Sample("account.html", "usual", ACCOUNT),
    Sample(
        "account.html",
        "errors",
        {**ACCOUNT, "errors": [FieldError("current_password", "现在的密码不正确")], "events": [], "evidence": []},
    ),
    Sample("account.html", "saved", {**ACCOUNT, "saved": "password", "password_changed_at": None}),
    Sample("desk.html", "start", DESK),
    Sample(
        "desk.html",
        "unknown-case",
        {**DESK, "values": {"case": "QY-1"}, "errors": [FieldError("case", "没有这个办件编号，或不归本单位办理")]},
    ),
    Sample("desk.html", "open", DESK_OPEN),
    Sample("desk.html", "result", {**DESK_OPEN, "result": DESK_RESULT}),
    Sample(
        "desk.html",
        "verify",
        {
            **DESK_OPEN,
            "result": {
                **DESK_RESULT,
                "grade": "verify",
                "lines": [],
                "facts": [("权利人", True), ("面积", False)],
                "field_count": 0,
                "sealed_at": None,
            },
        },
    ),
    Sample("desk.html", "refused", {**DESK_OPEN, "refusal": DESK_REFUSAL}),
    Sample("desk_history.html", "usual", HISTORY),
    Sample(
        "desk_history.html",
        "empty",
        {
            **HISTORY,
            "total": 0,
            "rows": [],
            "pager": None,
            "warning": "您的查询有 24% 没有查到结果，超过 20% 会暂停查询。",
        },
    ),
    Sample(
        "logout.html",
        "asked",
        {
            "viewer": CITIZEN,
            "action": "/logout",
            "hidden": {},
            "app": HOUSING,
            "apps": [HOUSING, BUSINESS],
            "cancel_href": "/",
        },
    ),
    Sample(
        "logout.html",
        "alone",
        {"viewer": CITIZEN, "action": "/logout", "hidden": {}, "app": None, "apps": [], "cancel_href": "/"},
    ),
    Sample(
        "logged_out.html",
        "told",
        {
            "results": [
                {"name": HOUSING["name"], "state": "done"},
                {"name": BUSINESS["name"], "state": "pending"},
                {"name": "医保查询", "state": "failed"},
            ],
            "return_href": "https://gzf.qingyu.example/",
            "return_name": HOUSING["name"],
            "refresh_href": "/logout/result",
        },
    ),
    Sample("logged_out.html", "alone", {"results": [], "return_href": None, "return_name": None, "refresh_href": None}),
    Sample("error.html", "stop", {**ERROR, "kind": "stop", "code": "21007", "app": HOUSING}),
    *(
        Sample("error.html", kind.replace("_", "-"), {**ERROR, "kind": kind})
        for kind in ("bad_request", "form_expired", "not_found")
    ),
    Sample(
        "error.html",
        "forbidden",
        {
            **ERROR,
            "kind": "forbidden",
            "viewer": CITIZEN,
            "missing_right": {"right": "窗口查证", "granted_by": "本单位的系统管理员"},
        },
    ),
    Sample("error.html", "too-many", {**ERROR, "kind": "too_many", "retry_after": 252}),
    Sample(
        "error.html",
        "unavailable",
        {
            **ERROR,
            "kind": "unavailable",
            "code": "10002",
            "retry_after": 5,
            "input_kept": False,
            "retry_href": "/accesses",
        },
    ),
    Sample("error.html", "system", {**ERROR, "kind": "system", "input_kept": True, "retry_href": "/"}),
    Sample("error_code.html", "one", {"entry": ENTRY, "who": "caller"}),
    Sample("error_codes.html", "all", {"groups": [{"name": "登录与授权", "entries": [ENTRY, ENTRY]}]}),
    Sample(
        "ledger.html",
        "sealed",
        {
            "checkpoint": CHECKPOINT,
            "note": "rz.qingyu.example/ledger\n1204884\n3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— rz.qingyu.example/ledger obLD1AAAAAAAAAAA\n",
            "note_href": "/ledger/checkpoint",
            "interval_seconds": 1,
        },
    ),
    Sample(
        "ledger.html",
        "empty",
        {"checkpoint": None, "note": "", "note_href": "/ledger/checkpoint", "interval_seconds": 1},
    ),
    *(
        Sample(
            "session_end.html",
            reason,
            {"reason": reason, "login_href": "/login", "persona": "citizen", "drafts_kept": reason == "idle"},
        )
        for reason in ("idle", "absolute", "elsewhere", "revoked")
    ),
)
