"""Samples of signing in, registering, agreeing and signing out, in every state."""

from typing import Any

from gateway.pages.forms import FieldError
from tests.gateway.samples.people import BUSINESS, CITIZEN, HOUSING, Sample

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
    "recover_href": "/recover",
    "organization_href": None,
    "notice": None,
}

CODE = {"phone": "138****5521", "prefix": "QK", "tries_left": 5, "valid_minutes": 5, "resend_after": 42}

SMS_CODE = {
    "action": "/login/sms/code",
    "back_href": "/login/sms",
    "values": {},
    "errors": [],
    "hidden": {"flow": "f-0001"},
    "code": CODE,
    "locked": False,
    "throttle": None,
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
            "purpose": "核对申请人名下的住房",
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
            "is_sensitive": True,
            "purpose": None,
        },
        {
            "key": "verified:name:0123456789abcdef",
            "label": "经核验的姓名及核验情况",
            "value": "张*明",
            "why": "姓名",
            "checked": False,
            "is_sensitive": True,
            "purpose": "核对申请人姓名",
        },
    ],
    "already": [],
    "alternative": {"words": "下载纸质申请表，到区住房保障中心提交", "href": "/help/housing"},
}

RECOVER: dict[str, Any] = {
    "action": "/recover",
    "back_href": "/login",
    "values": {},
    "errors": [],
    "hidden": {},
    "throttle": None,
    "app": None,
}

RECOVER_CODE = {
    **SMS_CODE,
    "action": "/recover/code",
    "back_href": "/recover",
}

RECOVER_PASSWORD = {**RECOVER, "action": "/recover/password", "hidden": {"flow": "f-0001"}}

SIGNIN_SAMPLES: tuple[Sample, ...] = (
    Sample("recover_phone.html", "asked", {**RECOVER, "app": HOUSING}),
    Sample("recover_phone.html", "wrong", {**RECOVER, "errors": [FieldError("phone", "请输入 11 位手机号")]}),
    Sample("recover_phone.html", "throttled", {**RECOVER, "throttle": {"retry_after": 240}}),
    Sample("recover_code.html", "asked", RECOVER_CODE),
    Sample("recover_code.html", "wrong", {**RECOVER_CODE, **WRONG_CODE}),
    Sample("recover_code.html", "throttled", {**RECOVER_CODE, "throttle": {"retry_after": 540}}),
    Sample("recover_code.html", "locked", {**RECOVER_CODE, "locked": True}),
    Sample("recover_password.html", "asked", RECOVER_PASSWORD),
    Sample(
        "recover_password.html",
        "wrong",
        {**RECOVER_PASSWORD, "errors": [FieldError("password_again", "两次输入的密码不一样")]},
    ),
    Sample("recover_password.html", "throttled", {**RECOVER_PASSWORD, "throttle": {"retry_after": 600}}),
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
    Sample("register_code.html", "sent", {**SMS_CODE, "action": "/register/code"}),
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
    Sample(
        "consent.html",
        "nothing-new",
        {**CONSENT, "required": [], "sensitive": [], "optional": [], "already": ["姓名", "实名等级"]},
    ),
    Sample("consent.html", "nothing-optional", {**CONSENT, "optional": [], "sensitive": []}),
    Sample(
        "consent.html",
        "error",
        {**CONSENT, "errors": [FieldError("claims-realname.id", "请勾选，或选择拒绝")]},
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
                {"name": "图书馆", "state": "asked"},
                {"name": "停车场", "state": "unreachable"},
            ],
            "frames": [],
            "return_href": "https://gzf.qingyu.example/",
            "return_name": HOUSING["name"],
            "login_href": "/login",
            "refresh_href": "/logout/result",
            "refresh_s": None,
        },
    ),
    Sample(
        "logged_out.html",
        "alone",
        {
            "results": [],
            "frames": [],
            "return_href": None,
            "return_name": None,
            "login_href": "/staff/login",
            "refresh_href": None,
            "refresh_s": None,
        },
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
