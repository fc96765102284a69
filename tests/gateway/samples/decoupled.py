"""Samples of what people are asked on behalf of another device, in every state."""

from datetime import timedelta
from typing import Any

from gateway.pages.forms import FieldError
from tests.gateway.samples.people import BUSINESS, CITIZEN, HOUSING, NOW, Sample
from tests.gateway.samples.signin import CONSENT

DEVICE: dict[str, Any] = {
    "viewer": CITIZEN,
    "action": "/device",
    "values": {},
    "errors": [],
    "hidden": {},
    "throttle": None,
}
CONFIRMATION: dict[str, Any] = {
    **{name: CONSENT[name] for name in ("required", "sensitive", "optional", "purpose", "duration", "basis")},
    "viewer": CITIZEN,
    "kind": "device",
    "action": "/device/confirm",
    "hidden": {"flow": "f-0001"},
    "errors": [],
    "app": HOUSING,
    "user_code": "WDJB-MJHT",
    "binding_message": None,
    "network": "203.0.113.0/24",
    "created_at": NOW - timedelta(minutes=1),
    "expires_at": NOW + timedelta(minutes=9),
    "already": [],
    "by_law": False,
}
COUNTER = {**CONFIRMATION, "kind": "ciba", "user_code": None, "binding_message": "3 号窗口 QY-2026-000101"}
AGREED = [
    {"key": "realname", "label": "真实姓名与实名等级", "value": "张*明　高级", "why": "姓名、实名等级", "purpose": None}
]
WAITING = [
    {
        "name": app["name"],
        "department": app["department"],
        "binding_message": message,
        "created_at": NOW - timedelta(minutes=minutes),
        "expires_at": NOW + timedelta(minutes=5 - minutes),
        "href": f"/confirmations/{minutes:032x}",
    }
    for minutes, (app, message) in enumerate([(HOUSING, "3 号窗口 QY-2026-000101"), (BUSINESS, None)])
]
ANSWERED = {"viewer": CITIZEN, "outcome": "approved", "kind": "device", "app": HOUSING}

DECOUPLED_SAMPLES: tuple[Sample, ...] = (
    Sample("device.html", "first", DEVICE),
    Sample("device.html", "filled", {**DEVICE, "values": {"user_code": "WDJB-MJHT"}}),
    Sample(
        "device.html",
        "error",
        {
            **DEVICE,
            "values": {"user_code": "WDJB"},
            "errors": [FieldError("user_code", "验证码不正确，请再看一下短信")],
        },
    ),
    Sample("device.html", "throttled", {**DEVICE, "throttle": {"retry_after": 540}}),
    Sample("confirmation.html", "device", CONFIRMATION),
    Sample("confirmation.html", "counter", COUNTER),
    Sample(
        "confirmation.html",
        "agreed-before",
        {**COUNTER, "required": [], "sensitive": [], "optional": [], "already": AGREED},
    ),
    Sample(
        "confirmation.html",
        "by-law",
        {**COUNTER, "required": [], "sensitive": [], "optional": [], "already": AGREED, "by_law": True},
    ),
    Sample(
        "confirmation.html",
        "error",
        {**CONFIRMATION, "errors": [FieldError("claims-realname.id", "请勾选，表示您单独同意；不同意请选“拒绝”")]},
    ),
    Sample("confirmations.html", "usual", {"viewer": CITIZEN, "waiting": WAITING}),
    Sample("confirmations.html", "none", {"viewer": CITIZEN, "waiting": []}),
    Sample("confirmed.html", "device", ANSWERED),
    Sample("confirmed.html", "counter", {**ANSWERED, "kind": "ciba"}),
    Sample("confirmed.html", "refused", {**ANSWERED, "outcome": "refused"}),
    Sample("confirmed.html", "gone", {**ANSWERED, "outcome": "gone", "app": None}),
)
