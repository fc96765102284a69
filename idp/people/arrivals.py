"""What a return from an upper center means for our persons and accounts: a pure decision.

The identity key is (center, subject) alone. An existing account is entered only through that key, or linked once through an equal
document number that the center proved firmly enough; never through a name, phone or mail address.
"""

import unicodedata
from dataclasses import dataclass

from foundation.identifiers import name_matching_key
from foundation.problems import ErrorCode
from idp.people.accounts import CLOSED, Account
from idp.people.errors import IDENTITY_CONFLICT, LEVEL_TOO_LOW_TO_LINK
from idp.vocabulary import RealNameLevel

LONGEST_SUBJECT = 255
_NOBODY = frozenset(("", "0", "null", "none", "nil", "undefined", "nan", "false", "true", "[]", "{}"))


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person we have, as far as the decision needs it; `account` is None for one without an account."""

    person_id: str
    name: str | None
    account: Account | None


@dataclass(frozen=True, slots=True)
class Enter:
    """The subject is linked: enter this account."""

    account: Account


@dataclass(frozen=True, slots=True)
class Link:
    """The document number is known and proved: link the subject to this account, then enter."""

    account: Account


@dataclass(frozen=True, slots=True)
class MakeAccount:
    """Nobody with this document number has an account: make one, after the person confirmed it."""


@dataclass(frozen=True, slots=True)
class TurnAway:
    """Neither: the reason is shown, and a conflict goes to manual review."""

    reason: ErrorCode


def is_usable_subject(subject: object) -> bool:
    """Tell whether a center's subject can name somebody: a text, exact, without outer spaces or control characters."""
    if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT:
        return False
    if subject != subject.strip() or subject.casefold() in _NOBODY:
        return False
    return all(unicodedata.category(character)[0] not in "CZ" or character == " " for character in subject)


def decide_arrival(
    *,
    linked: KnownPerson | None,
    same_number: KnownPerson | None,
    name: str,
    level: RealNameLevel,
    link_level: RealNameLevel,
) -> Enter | Link | MakeAccount | TurnAway:
    """Decide by what is linked to the subject and by who has the document number; both may be the same person.

    `level` is the center's level after capping. A subject that now carries another person's number, or a number with another name,
    is never resolved by guessing.
    """
    if linked is not None and linked.account is not None:
        if same_number is None or same_number.person_id != linked.person_id:
            return TurnAway(IDENTITY_CONFLICT)
        return Enter(linked.account) if _is_same_name(linked.name, name) else TurnAway(IDENTITY_CONFLICT)
    if level is RealNameLevel.NONE:
        return TurnAway(LEVEL_TOO_LOW_TO_LINK)
    if same_number is None or same_number.account is None or same_number.account.status == CLOSED:
        return MakeAccount()
    if not _is_same_name(same_number.name, name):
        return TurnAway(IDENTITY_CONFLICT)
    if level < link_level:
        return TurnAway(LEVEL_TOO_LOW_TO_LINK)
    return Link(same_number.account)


def _is_same_name(ours: str | None, theirs: str) -> bool:
    return ours is not None and name_matching_key(ours) == name_matching_key(theirs)
