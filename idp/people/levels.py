"""Real-name levels from evidence: what was proved, how, and whether it still counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from idp.vocabulary import RealNameLevel

NAME_AND_NUMBER = "name_number"
PHONE = "phone"
UPPER_CENTER = "upper_center"
IN_PERSON = "in_person"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One proof: method, who vouched for it, its reference there, the level it supports alone, and its time."""

    method: str
    source: str
    reference: str
    level: RealNameLevel
    proved_at: datetime
    expires_at: datetime | None = None


def level_from_evidence(evidence: Iterable[Evidence], *, now: datetime) -> RealNameLevel:
    """Return the highest level that unexpired evidence supports.

    Name and number alone make 初级; together with a phone that confirmed a code they make 中级. An upper center and a check in
    person stand for the level written beside them.
    """
    standing = [proof for proof in evidence if _stands(proof, now)]
    methods = {proof.method for proof in standing}
    level = max((proof.level for proof in standing), default=RealNameLevel.NONE)
    if NAME_AND_NUMBER in methods and PHONE in methods:
        level = max(level, RealNameLevel.MEDIUM)
    return level


def proofs_of_level(evidence: Iterable[Evidence], level: RealNameLevel, *, now: datetime) -> tuple[Evidence, ...]:
    """Return the proofs by which a person has this level, the youngest that suffice; empty when unexpired evidence does not reach it.

    One proof that supports the level alone is preferred to a pair that is older.
    """
    standing = sorted((proof for proof in evidence if _stands(proof, now)), key=lambda proof: proof.proved_at)
    latest = {proof.method: proof for proof in standing}
    candidates: list[tuple[Evidence, ...]] = [(proof,) for proof in standing if proof.level >= level]
    if level <= RealNameLevel.MEDIUM and NAME_AND_NUMBER in latest and PHONE in latest:
        candidates.append((latest[NAME_AND_NUMBER], latest[PHONE]))
    return max(candidates, key=proved_at, default=())


def proved_at(proofs: Iterable[Evidence]) -> datetime:
    """Return when the last of several proofs was brought, which is when they were complete."""
    return max(proof.proved_at for proof in proofs)


def _stands(proof: Evidence, now: datetime) -> bool:
    return proof.expires_at is None or now < proof.expires_at
