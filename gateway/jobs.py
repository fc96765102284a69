"""The periodic work of every worker. What must not run twice at once takes a lease; everything is safe to run twice anyway."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certs_catalog.lookup.replay import forget_expired_answers
from foundation.changes import forget_expired_changes
from foundation.expiring import mend_epoch
from foundation.leases import take_lease
from foundation.ledger.sequencer import INTERVAL as LEDGER_INTERVAL
from foundation.ledger.sequencer import sequence
from foundation.problems import RenzhengError
from foundation.signing import ensure_keys
from gateway.metrics import LEDGER_ENTRIES
from idp.provider.decoupled.announcements import announce_requests
from idp.provider.decoupled.pings import deliver_notifications
from idp.provider.housekeeping import forget_finished
from idp.provider.sign_out.backchannel import deliver_logout_tokens
from idp.signin.attempt_store import forget_quiet_counters
from idp.signin.housekeeping import forget_finished_sign_ins

if TYPE_CHECKING:
    from gateway.composition import Parts

log = structlog.get_logger("gateway.jobs")

LOGOUT_INTERVAL = timedelta(seconds=1)
DECOUPLED_INTERVAL = timedelta(seconds=1)
EPOCH_INTERVAL = timedelta(seconds=1)
CENTERS_INTERVAL = timedelta(seconds=30)
KEYS_INTERVAL = timedelta(seconds=30)
HOUSEKEEPING_INTERVAL = timedelta(seconds=60)
HOUSEKEEPING_LEASE = timedelta(seconds=90)


class Jobs:
    """The background tasks of one worker."""

    def __init__(self, parts: "Parts") -> None:
        self._parts = parts
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start every job."""
        for name, interval, work in (
            ("ledger-sequencer", LEDGER_INTERVAL, self._sequence_ledger),
            ("logout-delivery", LOGOUT_INTERVAL, self._deliver_logouts),
            ("decoupled-requests", DECOUPLED_INTERVAL, self._serve_decoupled),
            ("expiring-store", EPOCH_INTERVAL, self._mend_epoch),
            ("centers", CENTERS_INTERVAL, self._probe_centers),
            ("keys", KEYS_INTERVAL, self._rotate_keys),
            ("housekeeping", HOUSEKEEPING_INTERVAL, self._clean_up),
        ):
            self._tasks.append(asyncio.create_task(self._repeat(name, interval, work), name=name))

    async def stop(self) -> None:
        """Stop every job and wait for it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, name: str, interval: timedelta, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(interval.total_seconds())
            try:
                await work()
            except RenzhengError as failure:
                log.warning("job.postponed", job=name, code=failure.code, detail=failure.detail)
            except Exception:  # A job must outlive whatever one round of it met; the log has the cause.
                log.exception("job.failed", job=name)

    async def _sequence_ledger(self) -> None:
        parts = self._parts
        checkpoint = await sequence(parts.db, signer=parts.signer, clock=parts.clock)
        if checkpoint is not None:
            LEDGER_ENTRIES.set(checkpoint.size)

    async def _deliver_logouts(self) -> None:
        parts = self._parts
        await deliver_logout_tokens(
            provider=parts.provider, http=parts.adapters.logout, worker=parts.node, now=parts.clock()
        )

    async def _serve_decoupled(self) -> None:
        parts = self._parts
        now = parts.clock()
        await announce_requests(
            provider=parts.provider,
            directory=parts.directory,
            notices=parts.entrance.notices,
            signature=parts.settings.signin.sms_signature,
            now=now,
        )
        await deliver_notifications(provider=parts.provider, http=parts.adapters.ciba, worker=parts.node, now=now)

    async def _mend_epoch(self) -> None:
        parts = self._parts
        await mend_epoch(parts.db, parts.store, now=parts.clock(), entropy=parts.entropy)

    async def _probe_centers(self) -> None:
        # So that the sign-in page shows a center as down, and as back, before somebody tries it.
        await asyncio.gather(*(center.probe() for center in self._parts.adapters.centers.values()))

    async def _rotate_keys(self) -> None:
        parts = self._parts
        policy = parts.settings.key_lives.policy()
        await ensure_keys(parts.db, sealer=parts.sealer, policy=policy, now=parts.clock())
        await parts.keys.refresh(parts.db)

    async def _clean_up(self) -> None:
        await clean_up(self._parts)


async def clean_up(parts: "Parts") -> bool:
    """Forget in every room what can matter no more, when no other worker is at it; tell whether this one was."""
    now = parts.clock()
    if not await take_lease(parts.db, "housekeeping", holder=parts.node, term=HOUSEKEEPING_LEASE, now=now):
        return False
    changes = await forget_expired_changes(parts.db, now=now)
    counters = await forget_quiet_counters(parts.db, now=now)
    answers = await forget_expired_answers(parts.db, now=now)
    grants = await forget_finished(provider=parts.provider, now=now)
    sign_ins = await forget_finished_sign_ins(db=parts.db, now=now)
    log.debug(
        "housekeeping.done", changes=changes, counters=counters, answers=answers, grants=grants, sign_ins=sign_ins
    )
    return True
