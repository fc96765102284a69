"""`/account`: who I am here, how I sign in, my password, and what happened to the account."""

from starlette.requests import Request
from starlette.responses import Response

from foundation.problems import find_error_code
from gateway.i18n import Language, mark, translator
from gateway.pages.forms import FieldError
from gateway.pages.paths import PATHS
from gateway.pages.refusals import FRESH, Returned, field_error, returned
from gateway.pages.rendering import render
from gateway.pages.signed_in import for_citizens, viewer_of
from gateway.pages.signin.entry import go_on
from gateway.pages.signin.journeys import Goal
from gateway.requests import form_of, language_of, parts_of, visit_of
from idp.people.account_events import AccountEvent, list_account_events
from idp.signin.outcomes import Refused
from idp.signin.password_change import change_password
from idp.signin.sessions import Session

SHOWN_EVENTS = 20
SAVED = Goal(next=f"{PATHS.account}?saved=password")
_EVENT_WORDS = {
    "signin.completed": mark("登录成功"),
    "signin.first_factor": mark("第一步验证通过"),
    "signin.identity_asked": mark("短信登录时另外核对了证件号码"),
    "signin.step_up": mark("加强了登录验证"),
    "signin.recovery": mark("找回密码"),
    "signin.password": mark("密码登录没有成功"),
    "signin.code": mark("短信验证码登录没有成功"),
    "signin.second_factor": mark("动态口令没有通过"),
    "signin.center": mark("从上级认证平台登录没有成功"),
    "session.ended": mark("退出登录"),
    "registration": mark("开立账户"),
    "account.opened": mark("开立账户"),
    "account.enrolled": mark("开立账户"),
    "account.center_linked": mark("关联上级认证平台"),
    "account.center_level_changed": mark("上级认证平台给出的实名等级有变化"),
    "account.phone_released": mark("手机号已由他人登记，从本账户移除"),
    "account.disabled": mark("账户停用"),
    "account.enabled": mark("账户恢复"),
    "account.closed": mark("账户注销"),
    "account.totp_enrolled": mark("绑定动态口令"),
    "account.password_changed": mark("修改密码"),
    "account.recovery": mark("找回密码"),
}


@for_citizens
async def show_account(request: Request, session: Session) -> Response:
    """`GET /account`."""
    saved = "password" if request.query_params.get("saved") == "password" else None
    return await _account_page(request, session, saved=saved)


@for_citizens
async def set_new_password(request: Request, session: Session) -> Response:
    """`POST /account`: change the password; every other device is signed out by it."""
    parts, form = parts_of(request), form_of(request)
    if form.get("password", "") != form.get("password_again", ""):
        return await _account_page(request, session, back=field_error("password_again", mark("两次输入的密码不一样")))
    outcome = await change_password(
        session,
        form.get("current_password", ""),
        form.get("password", ""),
        visit=visit_of(request),
        entrance=parts.entrance,
        now=parts.clock(),
    )
    if isinstance(outcome, Refused):
        back = returned(outcome, language=language_of(request), now=parts.clock(), at="current_password")
        return await _account_page(request, session, back=_renamed(back))
    return await go_on(request, outcome, SAVED, kind="citizen")


def _renamed(back: Returned) -> Returned:
    """Put the use case's field names onto the form's."""
    names = {"new_password": "password", "new": "password", "current": "current_password"}
    errors = [FieldError(names.get(error.field, error.field), error.message, error.values) for error in back.errors]
    return Returned(back.status, errors, back.throttle, back.headers)


async def _account_page(
    request: Request, session: Session, *, saved: str | None = None, back: Returned = FRESH
) -> Response:
    parts, language = parts_of(request), language_of(request)
    facts = await parts.people.load(session.person_id)
    events = await list_account_events(session.account_id, db=parts.db, limit=SHOWN_EVENTS)
    errors = list(back.errors)
    if back.throttle is not None:
        errors.append(FieldError("current_password", mark("密码输错太多次，请稍后再试")))
    return render(
        request,
        "account.html",
        status_code=back.status,
        headers=back.headers,
        viewer=await viewer_of(request),
        saved=saved,
        phone=facts.phone_masked if facts is not None else None,
        level=int(facts.level) if facts is not None else 0,
        evidence=[],
        methods=_methods(language, has_password=facts is not None and facts.has_password),
        has_password=facts is not None and facts.has_password,
        # Without a password there is none to prove it with: one is set through recovery, which proves the phone.
        password_form={"action": PATHS.account} if facts is not None and facts.has_password else None,
        errors=errors,
        events=[_event(event, language) for event in events],
        events_pager=None,
    )


def _methods(language: Language, *, has_password: bool) -> list[dict[str, object]]:
    words = translator(language)
    return [
        {
            "icon": "key",
            "title": words.text(mark("密码")),
            # Whoever came from an upper center has none; setting the first one is a recovery, which proves the phone.
            "description": words.text(
                mark("已设置，可在下面修改") if has_password else mark("还没有设置；用手机验证码和证件号码设置一个")
            ),
            "href": f"{PATHS.account}#password" if has_password else PATHS.recover,
        },
        {
            "icon": "device",
            "title": words.text(mark("登录设备")),
            "description": words.text(mark("看账户登录在哪些设备上，结束不认识的")),
            "href": PATHS.connected,
        },
        {
            "icon": "flag",
            "title": words.text(mark("等待确认")),
            "description": words.text(mark("窗口或热线替您办事时，在这里确认")),
            "href": PATHS.confirmations,
        },
        {
            "icon": "qr",
            "title": words.text(mark("在另一台设备上登录")),
            "description": words.text(mark("输入自助终端屏幕上显示的代码")),
            "href": PATHS.device,
        },
    ]


def _event(event: AccountEvent, language: Language) -> dict[str, object]:
    words = translator(language)
    bad = event.outcome in ("refused", "failed")
    text = words.text(_EVENT_WORDS.get(event.kind, mark("账户有变动")))
    code = find_error_code(event.code) if event.code else None
    reason = "" if code is None else code.title_en if language == "en" else code.title_zh
    seen = (reason, str(event.details.get("device", "")), str(event.details.get("network", "")))
    place = " · ".join(part for part in seen if part.strip(" ·"))
    return {"at": event.at, "words": text, "place": place, "bad": bad}
