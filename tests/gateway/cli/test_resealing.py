"""`renzheng keys reseal`, on both stacks: after a rotation of the sealing key nothing needs the former one any more."""

import base64
import json
from datetime import timedelta

from sqlalchemy import LargeBinary, func, insert, select, update

from certs_catalog.holders import reference_of_canonical
from certs_catalog.holdings import list_licenses
from certs_catalog.lookup.outcomes import AnswerSource
from certs_catalog.lookup.replay import answer_row
from certs_catalog.tables import licenses, lookup_answers
from foundation.database import metadata
from foundation.entropy import SystemEntropy
from foundation.leases import take_lease
from foundation.ledger.store import ledger_entries
from foundation.resealing import LEASE, LEASE_TERM
from gateway.cli.exit_codes import ExitCode
from gateway.composition import Parts
from gateway.demo.people import ZHOU_JINGYAN
from gateway.sealed_columns import SEALED_COLUMNS
from tests.gateway.cli.conftest import Installation

KEYS = "RENZHENG_SEALING_KEYS"
LOOKUP = "1" * 32


def new_key(key_id: str) -> str:
    """A fresh sealing key as a setting."""
    return f"{key_id}:A256GCM:{base64.b64encode(SystemEntropy().octets(32)).decode()}"


def keep_an_answer(installation: Installation) -> None:
    """The demo world has no kept answer of a lookup yet."""

    async def work(parts: Parts) -> None:
        kept = answer_row(
            b"r" * 32,
            lookup_id=LOOKUP,
            request_digest=b"d" * 32,
            results_json=b"[]",
            claims_json=b"{}",
            source=AnswerSource("index", 0, "本库", "own index"),
            sealer=parts.sealer,
            kept_for=timedelta(hours=24),
            now=parts.clock(),
        )
        async with parts.db.transaction() as connection:
            await connection.execute(insert(lookup_answers).values(**kept.row))

    installation.with_parts(work)


def columns_with(installation: Installation, key_id: str) -> set[str]:
    """Every binary column of the database, registered or not, that holds something sealed under the key."""
    head = bytes((1, len(key_id))) + key_id.encode()

    async def work(parts: Parts) -> set[str]:
        found = set()
        async with parts.db.read() as connection:
            for table in metadata.sorted_tables:
                for column in table.columns:
                    if isinstance(column.type, LargeBinary):
                        beginning = func.substr(column, 1, len(head), type_=LargeBinary)
                        counted = select(func.count()).select_from(table).where(beginning == head)
                        if (await connection.execute(counted)).scalar_one():
                            found.add(f"{table.name}.{column.name}")
        return found

    found: set[str] = installation.with_parts(work)
    return found


def test_after_a_rotation_nothing_needs_the_former_key(installation: Installation) -> None:
    """Counted first, then sealed again, all of it: the former key is thrown away and everything still opens."""
    keep_an_answer(installation)
    registered = {one.name for one in SEALED_COLUMNS}
    (old,) = json.loads(installation.variables()[KEYS])
    new = new_key("2027a")
    assert columns_with(installation, "demo-1") == registered
    installation.set(KEYS, json.dumps([new, old]))
    counted = installation.run("keys", "reseal", "--dry-run", "--json")
    assert counted.code == ExitCode.DONE, counted.err
    left = counted.value["left"]
    assert set(left) == registered
    assert min(left.values()) > 0
    assert columns_with(installation, "demo-1") == registered
    done = installation.run("keys", "reseal", "--json")
    assert done.code == ExitCode.DONE, done.err
    # The entry of the beginning is sealed under the new key already, and holds nothing personal.
    assert done.value["resealed"] == left
    assert not any(done.value["left"].values())
    assert columns_with(installation, "demo-1") == set()
    installation.set(KEYS, json.dumps([new]))
    installation.cover()
    assert installation.run("ledger", "verify", "--json").value["sound"] is True
    assert installation.run("keys", "rotate", "--purpose", "oidc").code == ExitCode.DONE
    users = installation.run("user", "list", "--json").value["users"]
    assert {user["name"] for user in users} == {"周*言", "王*正"}

    async def open_the_rest(parts: Parts) -> tuple[int, bool]:
        async with parts.db.read() as connection:
            rows = (await connection.execute(select(lookup_answers.c.answer_sealed))).scalars().all()
        holder = reference_of_canonical("111", ZHOU_JINGYAN.document_number, blind_index=parts.blind_index)
        held = await list_licenses(holder, room=parts.licenses, now=parts.clock())
        opened = [parts.sealer.open(bytes(row), context=f"lookup.answer:{LOOKUP}") for row in rows]
        return len(held), all(opened)

    assert installation.with_parts(open_the_rest) == (1, True)


def test_resealing_again_does_nothing(installation: Installation) -> None:
    """Without a new key there is nothing to do and nothing to record."""
    before = installation.kinds()
    done = installation.run("keys", "reseal", "--json")
    assert done.code == ExitCode.DONE, done.err
    assert not any(done.value["resealed"].values())
    assert installation.kinds() == before


def test_each_pass_is_on_record(installation: Installation) -> None:
    """With its beginning, so that one that was killed is known too; keys are named and never shown."""
    (old,) = json.loads(installation.variables()[KEYS])
    new = new_key("2027a")
    installation.set(KEYS, json.dumps([new, old]))
    done = installation.run("keys", "reseal")
    assert done.code == ExitCode.DONE, done.err
    assert installation.kinds()[-2:] == ["keys.reseal_begun", "keys.resealed"]
    assert "persons.name_sealed" in done.out

    async def bodies(parts: Parts) -> str:
        async with parts.db.read() as connection:
            rows = await connection.execute(
                select(ledger_entries.c.body).where(ledger_entries.c.kind.like("keys.reseal%"))
            )
            return "".join(rows.scalars())

    recorded = installation.with_parts(bodies)
    assert '"2027a"' in recorded
    assert not any(key.rpartition(":")[2] in recorded for key in (old, new))


def test_another_pass_is_waited_for(installation: Installation) -> None:
    """The exit code says that it is in the way, and the text for how long."""
    (old,) = json.loads(installation.variables()[KEYS])
    installation.set(KEYS, json.dumps([new_key("2027a"), old]))

    async def hold(parts: Parts) -> None:
        assert await take_lease(parts.db, LEASE, holder="other", term=LEASE_TERM, now=parts.clock())

    installation.with_parts(hold)
    refused = installation.run("keys", "reseal")
    assert refused.code == ExitCode.IN_THE_WAY
    assert "30 s" in refused.err
    assert installation.run("keys", "reseal", "--dry-run").code == ExitCode.DONE


def test_a_value_that_does_not_open_is_named(installation: Installation) -> None:
    """It keeps the former key from being removed; everything else is done."""
    (old,) = json.loads(installation.variables()[KEYS])

    async def exchange(parts: Parts) -> list[str]:
        async with parts.db.transaction() as connection:
            rows = list(await connection.execute(select(licenses.c.license_id, licenses.c.face_sealed).limit(2)))
            for row, other in zip(rows, reversed(rows), strict=True):
                await connection.execute(
                    update(licenses)
                    .where(licenses.c.license_id == row.license_id)
                    .values(face_sealed=other.face_sealed)
                )
        return sorted(row.license_id for row in rows)

    moved = installation.with_parts(exchange)
    installation.set(KEYS, json.dumps([new_key("2027a"), old]))
    done = installation.run("keys", "reseal", "--json")
    assert done.code == ExitCode.NOT_SOUND
    assert done.value["broken"] == {"licenses.face_sealed": moved}
    assert done.value["left"] == {one.name: 2 if one.name == "licenses.face_sealed" else 0 for one in SEALED_COLUMNS}
