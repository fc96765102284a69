"""The entrance: everything the sign-in use cases work with, made once per worker and handed to each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from foundation.changes import ChangeFeed
from foundation.database import Database
from foundation.entropy import Entropy
from foundation.expiring import ExpiringStore
from foundation.ledger import Ledger
from foundation.sealing import BlindIndex, Sealer
from idp.people.directory import Directory
from idp.ports import EndedSession, IdentityProofing, SessionEndings, SmsSender, UserCenter
from idp.signin.flows import Flows
from idp.signin.limits import SignInLimits
from idp.signin.notices import Notices
from idp.signin.passwords import PasswordHasher


@dataclass(frozen=True, slots=True)
class Entrance:
    """Collaborators of sign-in; `end_with_sessions` lets the provider end grants in the transaction that ends sessions."""

    db: Database
    ledger: Ledger
    feed: ChangeFeed
    sealer: Sealer
    index: BlindIndex
    store: ExpiringStore
    entropy: Entropy
    limits: SignInLimits
    hasher: PasswordHasher
    flows: Flows
    sms: SmsSender
    notices: Notices
    proofing: IdentityProofing
    centers: Mapping[str, UserCenter]
    directory: Directory
    end_with_sessions: SessionEndings

    async def close(self) -> None:
        """Finish the notices under way and let the hashing pool end."""
        await self.notices.settle()
        self.hasher.close()


async def nothing_else_ends(connection: AsyncConnection, ended: Sequence[EndedSession], *, now: datetime) -> None:
    """The `SessionEndings` of a composition without a provider, such as the seed's."""


def open_entrance(
    *,
    db: Database,
    ledger: Ledger,
    feed: ChangeFeed,
    sealer: Sealer,
    index: BlindIndex,
    store: ExpiringStore,
    entropy: Entropy,
    limits: SignInLimits,
    sms: SmsSender,
    proofing: IdentityProofing,
    centers: Mapping[str, UserCenter],
    directory: Directory,
    end_with_sessions: SessionEndings = nothing_else_ends,
) -> Entrance:
    """Build the entrance from what the composition holds; close it with the lifespan. Hashes one dummy password."""
    return Entrance(
        db=db,
        ledger=ledger,
        feed=feed,
        sealer=sealer,
        index=index,
        store=store,
        entropy=entropy,
        limits=limits,
        hasher=PasswordHasher(limits, entropy=entropy),
        flows=Flows(store, sealer=sealer, entropy=entropy, lifetime=limits.flow_lifetime),
        sms=sms,
        notices=Notices(sms),
        proofing=proofing,
        centers=centers,
        directory=directory,
        end_with_sessions=end_with_sessions,
    )
