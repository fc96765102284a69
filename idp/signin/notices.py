"""Security notices by text message: sent beside the answer, never before it, and bounded.

A notice is a courtesy and not a decision: when the gateway is down it is lost and the account events still show what happened.
"""

import asyncio

import structlog

from idp.ports import SmsSender, SmsUnavailable

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 64


class Notices:
    """Sends notices in the background; one per worker."""

    def __init__(self, sms: SmsSender) -> None:
        self._sms = sms
        self._under_way: set[asyncio.Task[None]] = set()

    def send_soon(self, *, phone: str, text: str, template: str) -> None:
        """Begin sending one message; drops it when too many are under way."""
        if len(self._under_way) >= MOST_AT_ONCE:
            log.warning("notice.dropped", template=template)
            return
        task = asyncio.create_task(self._send(phone, text, template))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settle(self) -> None:
        """Wait until everything under way is sent or failed; for the end of a worker and for tests."""
        await asyncio.gather(*self._under_way)

    async def _send(self, phone: str, text: str, template: str) -> None:
        try:
            await self._sms.send(phone=phone, text=text, template=template)
        except SmsUnavailable:
            log.warning("notice.not_sent", template=template)
