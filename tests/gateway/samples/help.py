"""Samples of error pages, error codes and the public ledger page."""

from foundation.problems import ErrorCode
from tests.gateway.samples.people import CITIZEN, HOUSING, NOW, Sample

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

HELP_SAMPLES: tuple[Sample, ...] = (
    Sample(
        "error.html",
        "stop",
        {**ERROR, "kind": "stop", "code": "21007", "app": HOUSING, "developers": ENTRY.cause_zh},
    ),
    Sample(
        "error.html",
        "stop-sign-out",
        {**ERROR, "kind": "stop", "code": "21302", "app": HOUSING, "viewer": CITIZEN, "sign_out_href": "/logout"},
    ),
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
    Sample("welcome.html", "visitor"),
    Sample("accessibility.html", "visitor"),
    Sample("privacy.html", "citizen", {"viewer": CITIZEN}),
    Sample("sitemap.html", "visitor"),
    Sample(
        "form_post.html",
        "answer",
        {
            "action": "https://gzf.qingyu.example/oidc/callback",
            "fields": [("code", "c"), ("state", "s")],
            "refused": False,
            "domain": "gzf.qingyu.example",
        },
    ),
    Sample(
        "form_post.html",
        "refusal",
        {
            "action": "https://gzf.qingyu.example/oidc/callback",
            "fields": [("error", "access_denied"), ("state", "s")],
            "refused": True,
            "domain": "",
        },
    ),
    Sample(
        "leaving.html",
        "refusal",
        {
            "app": {
                "name": "不动产登记预约",
                "department": "自然资源局",
                "domain": "bdc.qingyu.example",
                "reviewed": False,
            },
            "href": "https://bdc.qingyu.example/oidc/callback?error=login_required&state=s",
        },
    ),
)
