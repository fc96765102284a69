"""The only place that wires: from settings to everything a handler works with.

Plain construction in the order of dependence. `open_parts` is used by the web application and by the command line alike; the
difference is whether the background jobs run.
"""

import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from adapters.assembly import Adapters, open_adapters
from certs_catalog.room import LicenseRoom, open_license_room
from foundation.changes import ChangeFeed
from foundation.clock import Clock, system_clock
from foundation.database import Database
from foundation.entropy import Entropy, SystemEntropy
from foundation.expiring import ExpiringStore
from foundation.ledger import Ledger
from foundation.ledger.signer import KeyRingNoteSigner
from foundation.sealing import BlindIndex, Sealer, parse_key_octets, parse_sealing_keys
from foundation.signing import KeyRing, ensure_keys
from gateway.expiring_store import open_expiring_store
from gateway.jobs import Jobs
from gateway.schema_check import check_schema
from gateway.security.client_certificates import CertificateHeaders
from gateway.settings import Settings, is_loopback
from idp.people.directory import Directory
from idp.people.facts import PersonFactsLoader
from idp.provider.composition import MutualTls, Provider
from idp.provider.opening import open_provider
from idp.provider.sign_out.session_endings import GrantAndLogoutEndings
from idp.provider.subjects import Subjects
from idp.signin.entrance import Entrance, open_entrance
from idp.signin.sessions import SessionFinder


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that one process works with; `request.state.parts` in handlers."""

    settings: Settings
    node: str
    clock: Clock
    entropy: Entropy
    db: Database
    store: ExpiringStore
    sealer: Sealer
    blind_index: BlindIndex
    feed: ChangeFeed
    ledger: Ledger
    keys: KeyRing
    signer: KeyRingNoteSigner
    adapters: Adapters
    directory: Directory
    people: PersonFactsLoader
    sessions: SessionFinder
    provider: Provider
    entrance: Entrance
    licenses: LicenseRoom
    certificates: CertificateHeaders


@asynccontextmanager
async def open_parts(
    settings: Settings, *, clock: Clock = system_clock, entropy: Entropy | None = None, background: bool
) -> AsyncIterator[Parts]:
    """Open everything, yield it, and close it again; `background` says whether this process runs the periodic jobs."""
    entropy = entropy or SystemEntropy()
    async with AsyncExitStack() as stack:
        db = Database(settings.database_url, pool_size=settings.database_pool)
        stack.push_async_callback(db.close)
        await check_schema(db)
        store = await stack.enter_async_context(open_expiring_store(settings, db=db, clock=clock, entropy=entropy))
        sealer = Sealer(parse_sealing_keys([key.get_secret_value() for key in settings.sealing_keys]), entropy=entropy)
        blind_index = BlindIndex(parse_key_octets(settings.blind_index_key.get_secret_value()))
        feed = ChangeFeed(db, clock)
        ledger = Ledger(db, sealer=sealer, entropy=entropy, feed=feed)
        await ledger.open()
        await feed.mark()
        await ensure_keys(db, sealer=sealer, policy=settings.key_lives.policy(), now=clock())
        keys = KeyRing(sealer)
        await keys.refresh(db)
        adapters = await stack.enter_async_context(
            open_adapters(
                settings.adapters,
                clock=clock,
                entropy=entropy,
                monotonic=time.monotonic,
                write_console=console_outbox(settings),
            )
        )
        directory = Directory.open(db, feed)
        people = PersonFactsLoader(db, sealer)
        licenses = await open_license_room(
            db=db,
            ledger=ledger,
            feed=feed,
            keys=keys,
            sealer=sealer,
            blind_index=blind_index,
            store=store,
            entropy=entropy,
            libraries=adapters.libraries,
            matters=adapters.matters,
            limits=settings.lookup,
            issuer=settings.issuer,
        )
        provider = await open_provider(
            issuer=settings.issuer,
            limits=settings.provider,
            subjects=Subjects.from_setting(settings.subject_keys.get_secret_value()),
            db=db,
            ledger=ledger,
            feed=feed,
            keys=keys,
            sealer=sealer,
            index=blind_index,
            store=store,
            entropy=entropy,
            people=people,
            mutual_tls=MutualTls(bool(settings.client_certificate_header), settings.client_certificate_origin),
            fetcher=adapters.fetcher,
            license_types=licenses.catalog,
        )
        entrance = open_entrance(
            db=db,
            ledger=ledger,
            feed=feed,
            sealer=sealer,
            index=blind_index,
            store=store,
            entropy=entropy,
            limits=settings.signin,
            sms=adapters.sms,
            proofing=adapters.proofing,
            centers=adapters.centers,
            directory=directory,
            end_with_sessions=GrantAndLogoutEndings(provider),
        )
        stack.push_async_callback(entrance.close)
        await feed.start()
        stack.push_async_callback(feed.stop)
        parts = Parts(
            settings=settings,
            node=f"{socket.gethostname()[:20]}-{entropy.identifier()[:8]}",
            clock=clock,
            entropy=entropy,
            db=db,
            store=store,
            sealer=sealer,
            blind_index=blind_index,
            feed=feed,
            ledger=ledger,
            keys=keys,
            signer=KeyRingNoteSigner(settings.ledger_name, keys=keys, clock=clock),
            adapters=adapters,
            directory=directory,
            people=people,
            sessions=SessionFinder(db, settings.signin),
            provider=provider,
            entrance=entrance,
            licenses=licenses,
            certificates=CertificateHeaders.of(settings),
        )
        if background:
            jobs = Jobs(parts)
            jobs.start()
            stack.push_async_callback(jobs.stop)
        yield parts


def console_outbox(settings: Settings) -> Callable[[str], None] | None:
    """Return where messages go without an SMS gateway: the terminal of a demonstration, and otherwise nowhere.

    Messages carry one-time codes, so only the operator's word or an issuer on this very machine lets them be printed.
    """
    return _write_message if settings.adapters.sms_console or is_loopback(settings.issuer) else None


def _write_message(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the console outbox is what this is
