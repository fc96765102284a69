"""办件: the case a lookup is made for, as the case system confirms it.

Positive answers are believed for a few seconds and concurrent questions about one case share one call;
"unknown" is never kept, and open or closed is read again once the answer is too old. The holder's number is
turned into its blind reference at once.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from certs_catalog.holders import holder_ref
from certs_catalog.ports import CaseFacts, Matters, MattersUnavailable
from certs_catalog.statuses import beijing_date
from certs_catalog.vocabulary import HolderRef
from foundation.identifiers import InvalidIdentifier
from foundation.sealing import BlindIndex

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class CheckedCase:
    """A case as confirmed at ``checked_at``.

    ``holder`` is None when the case system names none we can check.
    """

    number: str
    matter_code: str
    matter_name_zh: str
    matter_name_en: str
    department_uscc: str
    open: bool
    holder: HolderRef | None
    checked_at: datetime


class CaseBook:
    """Cases by number, through the case system's port."""

    def __init__(
        self, matters: Matters, *, blind_index: BlindIndex, believed_for: timedelta, deadline: timedelta
    ) -> None:
        self._matters = matters
        self._blind_index = blind_index
        self._believed_for = believed_for
        self._deadline = deadline.total_seconds()
        self._known: OrderedDict[str, CheckedCase] = OrderedDict()
        self._asking: dict[str, asyncio.Task[CheckedCase | None]] = {}

    async def find(self, number: str, *, now: datetime) -> CheckedCase | None:
        """Return the case, or None when the case system does not know it. Raises MattersUnavailable."""
        known = self._known.get(number)
        if known is not None and timedelta() <= now - known.checked_at < self._believed_for:
            return known
        task = self._asking.get(number)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(number, now))
            self._asking[number] = task
            task.add_done_callback(lambda done: self._settled(number, done))
        # Shielded, so that one caller who goes away does not fail the others.
        return await asyncio.shield(task)

    def _settled(self, number: str, done: "asyncio.Task[CheckedCase | None]") -> None:
        self._asking.pop(number, None)
        if not done.cancelled():
            # Looked at here, so that a failure whose callers all went away is not reported as unhandled.
            done.exception()

    async def _ask(self, number: str, now: datetime) -> CheckedCase | None:
        try:
            async with asyncio.timeout(self._deadline):
                facts = await self._matters.find_case(number)
        except TimeoutError as late:
            raise MattersUnavailable("deadline") from late
        if facts is None or facts.number != number:
            self._known.pop(number, None)
            return None
        checked = self._checked(facts, now)
        self._known[number] = checked
        self._known.move_to_end(number)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return checked

    def _checked(self, facts: CaseFacts, now: datetime) -> CheckedCase:
        holder: HolderRef | None = None
        if facts.holder_type is not None and facts.holder_number is not None:
            try:
                holder = holder_ref(
                    facts.holder_type,
                    facts.holder_number,
                    blind_index=self._blind_index,
                    today=beijing_date(now),
                )
            except InvalidIdentifier:
                holder = None
        return CheckedCase(
            number=facts.number,
            matter_code=facts.matter_code,
            matter_name_zh=facts.matter_name,
            matter_name_en=facts.matter_name_en or facts.matter_name,
            department_uscc=facts.department_uscc,
            open=facts.open,
            holder=holder,
            checked_at=now,
        )
