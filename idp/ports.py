"""What this room needs from the outside: text messages, identity proofing and upper user centers.

Adapters satisfy these protocols. None of them may be awaited inside a transaction, every call ends within its own deadline, and
failures arrive as the errors below, never as an HTTP library's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.problems import ErrorCode, RenzhengError, register
from idp.vocabulary import RealNameLevel


class SmsUnavailable(RenzhengError):
    """The message was not accepted by the gateway: down, slow, refused or malformed; whether it left anyway is not known."""

    error_code = register(
        ErrorCode(
            code="22901",
            status=503,
            title_zh="短信暂时无法发送",
            title_en="Text messages cannot be sent at the moment",
            cause_zh="短信通道暂时不可用，验证码没有发出。",
            cause_en="The text message channel is unavailable, and the code was not sent.",
            remedy_zh="请稍后再试，或换一种登录方式。",
            remedy_en="Please try again later or choose another way to sign in.",
        )
    )


class ProofingUnavailable(RenzhengError):
    """The proofing source did not answer in time or not in its own form; nothing is known about the person."""

    error_code = register(
        ErrorCode(
            code="23901",
            status=503,
            title_zh="身份核验暂时不可用",
            title_en="Identity check temporarily unavailable",
            cause_zh="身份信息核验服务暂时没有应答，您的信息尚未核验。",
            cause_en="The identity check service did not answer, and your details were not checked.",
            remedy_zh="请稍后再试，或到政务服务窗口办理。",
            remedy_en="Please try again later or visit a service counter.",
        )
    )


class CenterFailure(RenzhengError):
    """An upper user center did not deliver an identity; subclasses say why."""

    error_code = register(
        ErrorCode(
            code="22902",
            status=502,
            title_zh="上级认证平台未能完成登录",
            title_en="The upper identity platform did not complete the sign-in",
            cause_zh="上级认证平台没有返回可用的身份。",
            cause_en="The upper identity platform returned no usable identity.",
            remedy_zh="请重新登录，或换一种登录方式。",
            remedy_en="Please sign in again or choose another way to sign in.",
        )
    )


class CenterUnavailable(CenterFailure):
    """The center is down, slow or cannot be reached."""

    error_code = register(
        ErrorCode(
            code="22903",
            status=503,
            title_zh="上级认证平台暂时不可用",
            title_en="The upper identity platform is unavailable",
            cause_zh="上级认证平台没有在规定时间内应答。",
            cause_en="The upper identity platform did not answer in time.",
            remedy_zh="请稍后再试，或换一种登录方式。",
            remedy_en="Please try again later or choose another way to sign in.",
        )
    )


class CenterRefused(CenterFailure):
    """The center answered, and its answer is no: the person gave up there, or it refused us."""

    error_code = register(
        ErrorCode(
            code="22904",
            status=403,
            title_zh="上级认证平台拒绝了登录",
            title_en="The upper identity platform refused the sign-in",
            cause_zh="您在上级认证平台取消了登录，或该平台拒绝了本次请求。",
            cause_en="You cancelled at the upper identity platform, or it refused the request.",
            remedy_zh="请重新登录，或换一种登录方式。",
            remedy_en="Please sign in again or choose another way to sign in.",
        )
    )


class CenterMalformed(CenterFailure):
    """The center's answer breaks its own interface or fails a check of signature, issuer, nonce or subject."""

    error_code = register(
        ErrorCode(
            code="22905",
            status=502,
            title_zh="上级认证平台的应答无法核实",
            title_en="The answer of the upper identity platform cannot be verified",
            cause_zh="上级认证平台的应答不符合约定或未通过校验。",
            cause_en="The answer of the upper identity platform breaks the agreed form or failed a check.",
            remedy_zh="请换一种登录方式；如反复出现，请联系服务热线。",
            remedy_en="Please choose another way to sign in. If it keeps happening, call the hotline.",
        )
    )


class SmsSender(Protocol):
    """Sends one short text message. May be called from any task; delivery is at most once and not acknowledged."""

    async def send(self, *, phone: str, text: str, template: str) -> None:
        """Hand the message to the gateway; `phone` has eleven digits. Raises SmsUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class ProofingResult:
    """One answer of a proofing source: whether the facts agree, never which of them does not."""

    agreed: bool
    method: str
    source: str
    reference: str
    checked_at: datetime


class IdentityProofing(Protocol):
    """Asks an authoritative source whether facts about a person agree."""

    async def check_name_and_number(self, *, name: str, document_type: str, document_number: str) -> ProofingResult:
        """Compare a name with a canonical document number (two-factor check). Raises ProofingUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class CenterRedirect:
    """Where to send the browser, and what must be remembered for its return (`code_verifier` and the like)."""

    url: str
    remember: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CenterEvidence:
    """How the center itself proved the person: its method, its own name as source, and when."""

    method: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CenterIdentity:
    """Who arrived, as the center says; `level` is already capped by what the center is trusted for."""

    center: str
    subject: str
    level: RealNameLevel
    name: str
    document_type: str
    document_number: str
    phone: str | None
    evidence: CenterEvidence


@dataclass(frozen=True, slots=True)
class CenterHealth:
    """Whether the center answered lately, and since when that is so."""

    available: bool
    since: datetime | None


class UserCenter(Protocol):
    """An upper-level identity source. One that fails harms no other way of signing in."""

    name: str
    display_name_zh: str
    display_name_en: str
    ceiling: RealNameLevel

    async def begin(self, *, state: str, nonce: str, redirect_uri: str) -> CenterRedirect:
        """Prepare a sign-in at the center. Raises CenterUnavailable."""
        ...

    async def finish(
        self, *, callback: Mapping[str, str], remembered: Mapping[str, str], nonce: str, redirect_uri: str
    ) -> CenterIdentity:
        """Turn the browser's return into an identity; `state` was compared by the caller.

        Raises CenterUnavailable, CenterRefused or CenterMalformed; all checks of signature, issuer, nonce and subject are made here.
        """
        ...

    def health(self) -> CenterHealth:
        """Return what the last calls showed, without I/O."""
        ...


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that has just been ended, with what is needed to tell its apps."""

    session_id: str
    person_id: str
    account_id: str
    expires_at: datetime


class SessionEndings(Protocol):
    """What else ends with sessions: grants and sign-out messages of the provider, in the same transaction."""

    async def __call__(self, connection: AsyncConnection, ended: Sequence[EndedSession], *, now: datetime) -> None:
        """Write whatever must happen because of these endings; never commits and never awaits another system."""
        ...
