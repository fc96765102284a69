"""What a step of signing in can come to. Every one of these is on record when the caller sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from idp.signin.sessions import Session
from idp.vocabulary import RealNameLevel


@dataclass(frozen=True, slots=True)
class Refused:
    """The step was refused: `code` is a registered error code; `retry_at` says when trying again makes sense.

    `field` names the form field to correct, `tries_left` how often a code may still be tried.
    """

    code: str
    retry_at: datetime | None = None
    tries_left: int | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person is signed in: `token` goes into the session cookie, `device` into the device cookie."""

    session: Session
    token: str = field(repr=False)
    device: str = field(repr=False)
    new_device: bool = False
    account_made: bool = False


@dataclass(frozen=True, slots=True)
class SecondFactorNeeded:
    """The first factor was right; the one-time password is asked next."""

    flow_id: str


@dataclass(frozen=True, slots=True)
class CodeSent:
    """A code is on its way; its message begins with `prefix`. Says nothing about whether an account exists."""

    flow_id: str
    prefix: str
    phone_masked: str
    resend_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PhoneConfirmed:
    """The phone is confirmed; name and number are asked next."""

    flow_id: str


@dataclass(frozen=True, slots=True)
class IdentityProven:
    """Name and number agree; the password is asked next."""

    flow_id: str
    name_masked: str
    document_number_masked: str


@dataclass(frozen=True, slots=True)
class IdentityCheckNeeded:
    """The phone has not been used here for long and may have a new owner; the document number is asked next."""

    flow_id: str


@dataclass(frozen=True, slots=True)
class ArrivalToConfirm:
    """Somebody came from an upper center for the first time; what was received is shown in part before an account is made."""

    flow_id: str
    center: str
    name_masked: str
    document_number_masked: str
    phone_masked: str | None
    level: RealNameLevel


@dataclass(frozen=True, slots=True)
class GoToCenter:
    """Send the browser to the upper center."""

    url: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a return from an upper center came to, and what the caller had asked to be carried along."""

    outcome: SignedIn | SecondFactorNeeded | ArrivalToConfirm | Refused
    carry: Mapping[str, str]


SignInOutcome = SignedIn | SecondFactorNeeded | IdentityCheckNeeded | Refused
