"""Samples of the counter desk, in every state."""

from datetime import timedelta
from typing import Any

from gateway.pages.forms import FieldError
from tests.gateway.samples.people import NOW, OFFICER, Sample

DESK: dict[str, Any] = {
    "viewer": OFFICER,
    "today_count": 17,
    "values": {},
    "errors": [],
    "hidden": {},
    "case_options": [("QY-2026-000101", "公共租赁住房资格确认")],
    "case": None,
    "license_types": [],
    "holder_types": [],
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
    "holder_types": [("111", "公民身份号码"), ("identifier", "电子证照标识")],
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
    "receipt_jws": "eyJhbGciOiJFZERTQSJ9." + "c3ludGhldGlj" * 40 + ".c2lnbmF0dXJl",
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

DESK_SAMPLES: tuple[Sample, ...] = (
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
)
