"""`renzheng license`, on both stacks: what it shows, what it changes, and what it never tells."""

from typing import Any

import pytest
from sqlalchemy import select

from certs_catalog.holders import reference_of_canonical
from certs_catalog.tables import licenses
from foundation.ledger.store import ledger_entries
from gateway.cli.exit_codes import ExitCode
from gateway.composition import Parts
from gateway.demo.licenses import BUSINESS_USCC, REAL_ESTATE_TITLE
from gateway.demo.people import ZHANG_NUMBER, ZHOU_JINGYAN
from tests.gateway.cli.conftest import Installation


def title_of_zhang(installation: Installation) -> tuple[str, str]:
    """Id and identifier of a license of the demo world."""

    async def work(parts: Parts) -> tuple[str, str]:
        async with parts.db.read() as connection:
            row = (
                await connection.execute(
                    select(licenses.c.license_id, licenses.c.identifier).where(
                        licenses.c.type_code == REAL_ESTATE_TITLE
                    )
                )
            ).one()
        return row.license_id, row.identifier

    found: tuple[str, str] = installation.with_parts(work)
    return found


def protected(installation: Installation) -> frozenset[bytes]:
    """The references of all protected holders, as a starting node reads them."""

    async def work(parts: Parts) -> frozenset[bytes]:
        return await parts.licenses.protected.load()

    found: frozenset[bytes] = installation.with_parts(work)
    return found


def reference(installation: Installation, holder_type: str, number: str) -> bytes:
    """The reference of a holder."""

    async def work(parts: Parts) -> bytes:
        return reference_of_canonical(holder_type, number, blind_index=parts.blind_index).index

    found: bytes = installation.with_parts(work)
    return found


def everything_recorded(installation: Installation) -> str:
    """All bodies of the ledger."""

    async def work(parts: Parts) -> str:
        async with parts.db.read() as connection:
            return "".join((await connection.execute(select(ledger_entries.c.body))).scalars())

    found: str = installation.with_parts(work)
    return found


def test_a_license_is_shown_without_its_values(installation: Installation) -> None:
    """By identifier or by id: type, status, issuer and validity; nobody's name, number or address."""
    license_id, identifier = title_of_zhang(installation)
    shown = installation.run("license", "show", identifier, "--json")
    assert shown.code == ExitCode.DONE, shown.err
    assert shown.value == installation.run("license", "show", license_id, "--json").value
    assert (shown.value["type"], shown.value["type_name_zh"]) == (REAL_ESTATE_TITLE, "不动产权证书")
    assert (shown.value["status"], shown.value["status_today"]) == ("valid", "valid")
    assert (shown.value["issuer_name"], shown.value["valid_to"]) == ("青榆区自然资源局", "长期")
    told = shown.out + installation.run("license", "show", identifier).out
    for value in (ZHANG_NUMBER, "张知明", "0012345", "榆钱路"):
        assert value not in told
    for unknown in ("0" * 32, identifier[:-1], "not a license"):
        assert installation.run("license", "show", unknown).code == ExitCode.NOT_FOUND


def test_a_license_is_suspended_restored_and_revoked(installation: Installation) -> None:
    """Each act once, on record, with a reason that lies sealed; what has ended stays so."""
    license_id, identifier = title_of_zhang(installation)

    def change(status: str, *more: str) -> Any:
        done = installation.run("license", "status", identifier, status, *more, "--json")
        assert done.code == ExitCode.DONE, done.err
        return done.value["changed"]

    assert change("suspended", "--reason", "法院协助执行，张知明") is True
    assert change("suspended") is False
    assert installation.run("license", "show", license_id, "--json").value["status_today"] == "suspended"
    assert change("valid") is True
    assert change("revoked") is True
    assert installation.kinds().count("license.status") == 3
    assert "张知明" not in everything_recorded(installation)
    refused = installation.run("license", "status", identifier, "valid")
    assert refused.code == ExitCode.NOT_SOUND
    assert "revoked" in refused.err
    assert "it has ended" in refused.err
    assert installation.run("license", "status", identifier, "burnt").code == ExitCode.USAGE
    assert installation.run("license", "status", identifier, "valid", "--reason", "长" * 201).code == ExitCode.USAGE
    assert installation.run("license", "status", "0" * 32, "valid").code == ExitCode.NOT_FOUND


def test_holders_are_protected_by_account_and_by_number(installation: Installation) -> None:
    """Both ways lead to the same reference; a repetition changes nothing; nothing of the number is told or recorded."""
    person = reference(installation, "111", ZHOU_JINGYAN.document_number)
    business = reference(installation, "001", BUSINESS_USCC)
    by_user = installation.run("license", "protect", "--user", ZHOU_JINGYAN.user_name, "--json")
    assert by_user.value == {"protected": True, "changed": True}
    assert protected(installation) == {person}
    again = installation.run("license", "protect", "--number", ZHOU_JINGYAN.document_number, "--json")
    assert again.value == {"protected": True, "changed": False}
    organisation = installation.run("license", "protect", "--type", "001", "--number", BUSINESS_USCC)
    assert organisation.code == ExitCode.DONE, organisation.err
    assert protected(installation) == {person, business}
    assert installation.run("license", "unprotect", "--user", ZHOU_JINGYAN.user_name).code == ExitCode.DONE
    assert protected(installation) == {business}
    assert installation.kinds().count("holder.protection") == 3
    told = everything_recorded(installation) + by_user.out + again.out + organisation.out
    assert ZHOU_JINGYAN.document_number not in told
    assert business.hex() not in told


@pytest.mark.parametrize("act", ["protect", "unprotect"])
def test_a_holder_that_cannot_be_is_refused(installation: Installation, act: str) -> None:
    """A wrong number is not repeated; an unknown user is said to be unknown."""
    wrong = ZHOU_JINGYAN.document_number[:-1] + ("0" if ZHOU_JINGYAN.document_number[-1] != "0" else "1")
    refused = installation.run("license", act, "--number", wrong)
    assert refused.code == ExitCode.USAGE
    assert wrong not in refused.out + refused.err
    assert installation.run("license", act, "--type", "777", "--number", wrong).code == ExitCode.USAGE
    assert installation.run("license", act, "--user", "nobody-here").code == ExitCode.NOT_FOUND
    both = installation.run("license", act, "--user", "zhoujingyan", "--number", wrong)
    assert both.code == ExitCode.USAGE
    assert "holder.protection" not in installation.kinds()


def test_the_number_of_a_holder_is_asked_for(installation: Installation) -> None:
    """Left out, it is read without being shown, so that it stays in no history."""
    done = installation.run("license", "protect", typed=f"{ZHOU_JINGYAN.document_number}\n")
    assert done.code == ExitCode.DONE, done.err
    assert ZHOU_JINGYAN.document_number not in done.out
    assert len(protected(installation)) == 1
