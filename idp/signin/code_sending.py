"""Sending and confirming codes, for every flow that needs a phone: registration, sign-in, recovery.

Order of the checks before a message leaves: the kill switch, blocked prefixes, windows of network, prefix and budget in the
expiring store, then the phone's own counters in SQL together with the code. Codes go to any phone alike, so that asking for one says
nothing about accounts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from foundation.expiring import Window as ExpiringWindow
from foundation.identifiers import InvalidIdentifier, canonical_mobile_number
from foundation.partial_display import show_phone_number_in_part
from idp.people.accounts import phone_index
from idp.ports import SmsUnavailable
from idp.signin.attempt_store import forget_attempts, reserve_attempts, within
from idp.signin.entrance import Entrance
from idp.signin.errors import (
    CODE_EXPIRED,
    CODE_SENT_TOO_OFTEN,
    CODES_SWITCHED_OFF,
    TOO_MANY_ATTEMPTS,
    WRONG_CODE,
)
from idp.signin.flows import Flow
from idp.signin.outcomes import CodeSent, Refused
from idp.signin.records import entry_of, refuse
from idp.signin.sms_codes import CodeRight, CodeWrong, NewCode, add_code, parse_typed_code, try_code
from idp.signin.throttling import Held, Window
from idp.signin.visits import Visit, counted_network

Purpose = Literal["register", "sign_in", "recover"]

SENDS = "code.sends"
TRIES = "code.tries"
_WORDS: dict[Purpose, str] = {"register": "注册账户", "sign_in": "登录", "recover": "重设密码"}
_PREFIX_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Phone:
    """A canonical phone number."""

    number: str

    def __repr__(self) -> str:
        return "Phone()"


async def parse_phone(text: str, *, kind: str, visit: Visit, entrance: Entrance, now: datetime) -> Phone | Refused:
    """Return the canonical phone, or the recorded refusal of a form that holds none."""
    try:
        return Phone(canonical_mobile_number(text))
    except InvalidIdentifier as error:
        return await refuse(error.error_code, kind=kind, visit=visit, entrance=entrance, now=now, field="phone")


async def send_code(
    flow: Flow, phone: str, purpose: Purpose, *, visit: Visit, entrance: Entrance, now: datetime
) -> CodeSent | Refused:
    """Send a code bound to the flow, or say why not and when again."""
    kind = f"code.sent.{purpose}"
    limits = entrance.limits
    if not limits.codes_enabled or phone.startswith(limits.blocked_phone_prefixes):
        return await refuse(CODES_SWITCHED_OFF, kind=kind, visit=visit, entrance=entrance, now=now)
    results = await entrance.store.hit_windows(_shared_windows(phone, visit, entrance))
    if not all(result.allowed for result in results):
        retry_at = now + max(result.retry_after for result in results)
        return await refuse(CODE_SENT_TOO_OFTEN, kind=kind, visit=visit, entrance=entrance, now=now, retry_at=retry_at)
    made = await _make_code(flow, phone, purpose, kind, visit, entrance, now)
    if isinstance(made, Held):
        return await refuse(
            CODE_SENT_TOO_OFTEN, kind=kind, visit=visit, entrance=entrance, now=now, retry_at=made.until
        )
    try:
        await entrance.sms.send(phone=phone, text=_message(made, purpose, entrance), template=f"code-{purpose}")
    except SmsUnavailable as error:
        return await refuse(error.error_code, kind=kind, visit=visit, entrance=entrance, now=now, outcome="failed")
    return CodeSent(
        flow.flow_id, made.prefix, show_phone_number_in_part(phone), now + limits.send_cooldown, made.expires_at
    )


async def confirm_code(
    flow: Flow,
    phone: str,
    code_text: str,
    purpose: Purpose,
    *,
    visit: Visit,
    entrance: Entrance,
    now: datetime,
) -> Refused | None:
    """Spend a code of the flow; returns the recorded refusal, or None when it was right (the caller records what follows)."""
    kind = f"code.tried.{purpose}"
    typed = parse_typed_code(code_text)
    if typed is None:
        return await refuse(WRONG_CODE, kind=kind, visit=visit, entrance=entrance, now=now, field="code")
    limits, index = entrance.limits, entrance.index
    subject = phone_index(index, phone)
    window = Window(limits.code_tries_per_phone, limits.code_tries_window)
    async with entrance.db.transaction() as connection:
        held = await reserve_attempts(entrance.db, connection, [within(TRIES, subject, window, now=now)], now=now)
        verdict = held or await try_code(
            connection,
            typed,
            phone=subject,
            purpose=purpose,
            flow_id=flow.flow_id,
            limits=limits,
            index=index,
            now=now,
        )
        if isinstance(verdict, CodeRight):
            await forget_attempts(connection, scope=TRIES, subject=subject)
            await entrance.ledger.append_in(connection, entry_of(kind, "allowed", visit=visit, now=now))
            return None
    if isinstance(verdict, Held):
        return await refuse(
            TOO_MANY_ATTEMPTS, kind=kind, visit=visit, entrance=entrance, now=now, retry_at=verdict.until
        )
    if isinstance(verdict, CodeWrong) and verdict.tries_left > 0:
        return await refuse(
            WRONG_CODE,
            kind=kind,
            visit=visit,
            entrance=entrance,
            now=now,
            tries_left=verdict.tries_left,
            field="code",
        )
    return await refuse(
        WRONG_CODE if isinstance(verdict, CodeWrong) else CODE_EXPIRED,
        kind=kind,
        visit=visit,
        entrance=entrance,
        now=now,
        tries_left=0,
        field="code",
    )


async def _make_code(
    flow: Flow, phone: str, purpose: Purpose, kind: str, visit: Visit, entrance: Entrance, now: datetime
) -> NewCode | Held:
    limits = entrance.limits
    subject = phone_index(entrance.index, phone)
    windows = (
        Window(1, limits.send_cooldown),
        Window(limits.sends_per_hour, timedelta(hours=1)),
        Window(limits.sends_per_day, timedelta(days=1)),
    )
    async with entrance.db.transaction() as connection:
        attempt = within(SENDS, subject, *windows, now=now)
        held = await reserve_attempts(entrance.db, connection, [attempt], now=now)
        if held is not None:
            return held
        made = await add_code(
            connection,
            phone=subject,
            purpose=purpose,
            flow_id=flow.flow_id,
            limits=limits,
            index=entrance.index,
            entropy=entrance.entropy,
            now=now,
        )
        await entrance.ledger.append_in(connection, entry_of(kind, "allowed", visit=visit, now=now))
    return made


def _shared_windows(phone: str, visit: Visit, entrance: Entrance) -> list[ExpiringWindow]:
    limits, index = entrance.limits, entrance.index
    network = index.index("signin.network", counted_network(visit.network)).hex()
    prefix = index.index("signin.prefix", phone[:_PREFIX_DIGITS]).hex()
    return [
        ExpiringWindow(f"code:network:{network}", limits.sends_per_network, timedelta(minutes=5)),
        ExpiringWindow(f"code:prefix:{prefix}", limits.sends_per_prefix, timedelta(minutes=1)),
        ExpiringWindow("code:total", limits.sends_per_day_in_total, timedelta(days=1)),
    ]


def _message(code: NewCode, purpose: Purpose, entrance: Entrance) -> str:
    minutes = entrance.limits.code_lifetime // timedelta(minutes=1)
    return (
        f"【{entrance.limits.sms_signature}】验证码 {code.prefix}-{code.digits}，用于{_WORDS[purpose]}，{minutes}分钟内有效。"
        f"页面上显示的字母应为 {code.prefix}。请勿告诉任何人。"
    )
