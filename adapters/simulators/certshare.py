"""A license library with the certshare wire: lookup by holder and by identifier.

Operations of the wire that it does not offer answer with status 2. Any status can be asked for by a fault
of kind `code`, whose `detail` is the `head.status` to answer.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.license_libraries.certshare.codes import MEANINGS, HeadStatus, Operation
from adapters.license_libraries.certshare.envelope import seal_certificate_data
from adapters.simulators.faults import FaultInjection, Faults
from adapters.simulators.world_admin import administration_routes
from adapters.simulators.world_entries import LibraryAccount, LicenseRecord, World
from foundation.identifiers import InvalidIdentifier, parse_holder_code_type

_LONGEST_CAUSE = 200


class _Refused(Exception):
    def __init__(self, status: HeadStatus) -> None:
        super().__init__(status.name)
        self.status = status


def create_app(world: World, base_url: str = "") -> Starlette:
    """Return the library over `world.licenses`; `base_url` is not used, all simulators are made alike."""
    faults = Faults()
    operations = _offered(world)

    async def asked(request: Request) -> Response:
        operation = request.path_params["operation"]
        fault = faults.take(operation, frozenset({"code"}))
        if fault is not None:
            return _answer(int(fault.detail), "simulated", None)
        try:
            document = json.loads(await request.body())
            head, data = document["head"], document["data"]
            account = _account(world, head)
            offered = operations.get(operation)
            if offered is None:
                raise _Refused(HeadStatus.NO_SUCH_SERVICE)
            return _answer(HeadStatus.SUCCESS, MEANINGS[HeadStatus.SUCCESS], offered(account, data))
        except _Refused as refusal:
            return _answer(refusal.status, MEANINGS[refusal.status], None)
        except (ValueError, KeyError, TypeError, AttributeError):
            return _answer(HeadStatus.PARAMETER_MISSING, MEANINGS[HeadStatus.PARAMETER_MISSING], None)

    return Starlette(
        routes=[
            *administration_routes(world, faults),
            Route("/CertShare/{operation}", asked, methods=["POST"]),
        ],
        middleware=[Middleware(FaultInjection, faults=faults)],
    )


def render_certificate(record: LicenseRecord) -> dict[str, Any]:
    """Return one license in the names of the wire."""
    return {
        "certificate_identifier": record.identifier,
        "certificate_type_name": record.type_name,
        "certificate_type_name_code": record.type_code,
        "certificate_name": record.type_name,
        "certificate_number": record.number,
        "certificate_version": record.identifier.split(".")[-2],
        "certificate_issuing_authority_name": record.issuer_name,
        "certificate_issuing_authority_code": record.issuer_code,
        "certificate_issuing_authority_date": record.issue_date,
        "certificate_holder_name": record.holder_name,
        "certificate_holder_code": record.holder_code,
        "certificate_holder_type": record.holder_type,
        "certificate_validate_start": record.valid_from,
        "certificate_validate_end": record.valid_to,
        "status": record.status,
        "extend_info": dict(record.face),
    }


Offered = Callable[[LibraryAccount, Mapping[str, Any]], dict[str, Any]]


def _offered(world: World) -> dict[str, Offered]:
    """The operations that this library offers, each from account and data to the answer's data."""

    def permitted(account: LibraryAccount, type_code: str) -> None:
        names = {record.type_code for record in world.licenses.values()} | set(account.license_types)
        if type_code not in names:
            raise _Refused(HeadStatus.TYPE_UNKNOWN)
        if type_code not in account.license_types:
            raise _Refused(HeadStatus.NO_ACCESS_TO_TYPE)

    def sealed(account: LibraryAccount, content: object) -> dict[str, Any]:
        plain = json.dumps(content, ensure_ascii=False).encode()
        return {"certData": seal_certificate_data(plain, bytes.fromhex(account.public_key))}

    def of_holder(account: LibraryAccount, data: Mapping[str, Any]) -> list[LicenseRecord]:
        type_code, holder = _needed(data, "certTypeCode"), _needed(data, "holderCode")
        kind = _needed(data, "holderTypeCode")
        try:
            parse_holder_code_type(kind)
        except InvalidIdentifier as error:
            raise _Refused(HeadStatus.HOLDER_TYPE_WRONG) from error
        permitted(account, type_code)
        return [
            record
            for record in world.licenses.values()
            if (record.type_code, record.holder_type) == (type_code, kind)
            and holder in record.holder_code.split("^")
            and data.get("certNo") in (None, "", record.number)
        ]

    def by_holder(account: LibraryAccount, data: Mapping[str, Any]) -> dict[str, Any]:
        _check_cause(data)
        found = of_holder(account, data)
        if not found:
            raise _Refused(HeadStatus.NOT_FOUND)
        return sealed(account, [render_certificate(record) for record in found])

    def by_identifier(account: LibraryAccount, data: Mapping[str, Any]) -> dict[str, Any]:
        _check_cause(data)
        record = world.licenses.get(_needed(data, "certIdentifier"))
        if record is None:
            raise _Refused(HeadStatus.NOT_FOUND)
        permitted(account, record.type_code)
        return sealed(account, render_certificate(record))

    return {
        Operation.BY_HOLDER: by_holder,
        Operation.BY_IDENTIFIER: by_identifier,
    }


def _account(world: World, head: Mapping[str, Any]) -> LibraryAccount:
    account = world.accounts.get(str(head["accessId"]))
    token = str(head["accessToken"]).encode()
    if account is None or not hmac.compare_digest(token, account.access_token.encode()):
        raise _Refused(HeadStatus.IDENTITY_CHECK_FAILED)
    return account


def _check_cause(data: Mapping[str, Any]) -> None:
    cause = json.loads(_needed(data, "useCause"))
    if not 0 < len(cause["certificateCopyCause"]) <= _LONGEST_CAUSE:
        raise _Refused(HeadStatus.PARAMETER_MISSING)


def _needed(data: Mapping[str, Any], member: str) -> str:
    value = data.get(member)
    if not isinstance(value, str) or not value:
        raise _Refused(HeadStatus.PARAMETER_MISSING)
    return value


def _answer(status: int, message: str, data: object) -> Response:
    return JSONResponse({"head": {"status": int(status), "message": message}, "data": data})
