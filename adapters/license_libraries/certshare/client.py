"""A certshare library as the catalogue's `LicenseLibrary`: deadline, bulkhead, breaker, one retry where
nothing was sent.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from adapters.breaker import Breaker, BreakerOpen, BreakerPolicy, Monotonic
from adapters.bulkhead import Bulkhead, BulkheadFull
from adapters.guarded_http import (
    Fetched,
    FetchFailed,
    FetchNotConnected,
    FetchTimedOut,
    FetchTooLarge,
    GuardedHttp,
)
from adapters.license_libraries.certshare import wire
from adapters.license_libraries.certshare.codes import HeadStatus, Operation
from adapters.license_libraries.certshare.envelope import NotSealedForUs, open_certificate_data
from adapters.license_libraries.certshare.settings import CertshareSettings
from certs_catalog.ports import (
    Cause,
    LibraryLicense,
    LibraryMalformed,
    LibraryRefused,
    LibraryTimeout,
    LibraryUnavailable,
)
from certs_catalog.vocabulary import LicenseStatus
from foundation.clock import Clock

# Faults of the library's own machinery: they say nothing about the question and count against the library.
_LIBRARY_FAULTS = frozenset({HeadStatus.OTHER, HeadStatus.STATUS_MISCONFIGURED})

Source = TypeVar("Source")
Read = TypeVar("Read")


class CertshareLibrary:
    """One upper license library. Safe for concurrent use on one event loop; see `LicenseLibrary` for the
    contract.
    """

    def __init__(self, settings: CertshareSettings, *, http: GuardedHttp, clock: Clock, monotonic: Monotonic) -> None:
        self.name = settings.name
        self.display_name_zh = settings.display_name_zh
        self.display_name_en = settings.display_name_en
        self._settings = settings
        self._http = http
        self._clock = clock
        self._monotonic = monotonic
        keys = (settings.private_key, settings.previous_private_key)
        self._private_keys = [bytes.fromhex(key.get_secret_value()) for key in keys if key is not None]
        self._bulkhead = Bulkhead(settings.concurrency, settings.patience)
        self.breaker = Breaker(
            BreakerPolicy(
                settings.breaker_window,
                settings.breaker_minimum_calls,
                settings.breaker_failure_share,
                settings.breaker_pause,
                settings.breaker_probes,
            ),
            monotonic,
        )

    async def find_by_holder(
        self, *, holder_type: str, holder_code: str, license_type: str, cause: Cause
    ) -> list[LibraryLicense]:
        """See `LicenseLibrary.find_by_holder`; a license of another holder or type in the answer is
        malformed.
        """
        data = {
            "holderCode": holder_code,
            "holderTypeCode": holder_type,
            "certTypeCode": license_type,
            "useCause": wire.render_cause(cause),
        }
        found = await self._certificates(Operation.BY_HOLDER, data)
        for certificate in found:
            is_theirs = any(holder.code == holder_code for holder in certificate.holders)
            if not is_theirs or certificate.type_code != license_type:
                raise LibraryMalformed(self.name, "the answer holds a license that was not asked for")
        return [self._license(certificate) for certificate in found]

    async def find_by_identifier(self, *, identifier: str, cause: Cause) -> LibraryLicense | None:
        """See `LicenseLibrary.find_by_identifier`; an answer about another license is malformed."""
        data = {"certIdentifier": identifier, "useCause": wire.render_cause(cause)}
        found = await self._certificates(Operation.BY_IDENTIFIER, data)
        if not found:
            return None
        if len(found) != 1 or found[0].identifier != identifier:
            raise LibraryMalformed(self.name, "the answer holds a license that was not asked for")
        return self._license(found[0])

    async def _certificates(self, operation: Operation, data: Mapping[str, Any]) -> list[wire.CertificateData]:
        try:
            answer = await self._ask(operation, data)
        except LibraryRefused as error:
            if error.status == HeadStatus.NOT_FOUND:
                return []
            raise
        sealed = self._read(wire.sealed_certificate_data, answer)
        return self._read(wire.parse_certificates, self._open(sealed))

    async def _ask(self, operation: Operation, data: Mapping[str, Any]) -> wire.Answer:
        """Send one question within the deadline and return a successful answer; raises LibraryError."""
        try:
            async with (
                self._bulkhead.place(),
                self.breaker.guard((LibraryUnavailable, LibraryTimeout, LibraryMalformed)),
            ):
                return await self._exchange(operation, data)
        except BulkheadFull as error:
            raise LibraryUnavailable(self.name, "too many calls wait for this library") from error
        except BreakerOpen as error:
            raise LibraryUnavailable(self.name, f"the circuit breaker is {error}") from error

    async def _exchange(self, operation: Operation, data: Mapping[str, Any]) -> wire.Answer:
        try:
            fetched = await self._fetch(operation, data)
        except FetchTimedOut as error:
            raise LibraryTimeout(self.name, str(error)) from error
        except FetchTooLarge as error:
            raise LibraryMalformed(self.name, str(error)) from error
        except FetchFailed as error:
            raise LibraryUnavailable(self.name, str(error)) from error
        if fetched.status in (502, 503, 504) or fetched.status == 429:
            raise LibraryUnavailable(self.name, f"HTTP {fetched.status}")
        if fetched.status != 200:
            raise LibraryMalformed(self.name, f"HTTP {fetched.status}")
        if fetched.content_type != "application/json":
            raise LibraryMalformed(self.name, "the answer does not say that it is JSON")
        answer = self._read(wire.parse_answer, fetched.body)
        if answer.status in _LIBRARY_FAULTS:
            raise LibraryUnavailable(self.name, f"status {answer.status}")
        if answer.status != HeadStatus.SUCCESS:
            raise LibraryRefused(self.name, answer.status, wire.describe_status(answer.status))
        return answer

    async def _fetch(self, operation: Operation, data: Mapping[str, Any]) -> Fetched:
        """One request, repeated once when no connection came about, within one deadline for both."""
        settings = self._settings
        body = wire.render_request(settings.access_id, settings.access_token.get_secret_value(), data)
        began = self._monotonic()

        async def send(deadline: timedelta) -> Fetched:
            return await self._http.fetch(
                "POST",
                f"{settings.base_url}/{operation.value}",
                headers={"Content-Type": "application/json"},
                body=body,
                deadline=deadline,
                max_bytes=settings.max_bytes,
            )

        try:
            return await send(settings.deadline)
        except FetchNotConnected:
            # Nothing was sent, so a second attempt repeats nothing; it may use only the time that is left.
            left = settings.deadline - timedelta(seconds=self._monotonic() - began)
            if left <= timedelta(0):
                raise
            return await send(left)

    def _open(self, sealed: str) -> bytes:
        for private_key in self._private_keys:
            try:
                return open_certificate_data(sealed, private_key)
            except NotSealedForUs:
                continue
        raise LibraryMalformed(self.name, "certData is not sealed for our key")

    def _read(self, parse: Callable[[Source], Read], source: Source) -> Read:
        try:
            return parse(source)
        except wire.MalformedAnswer as error:
            raise LibraryMalformed(self.name, str(error)) from error

    def _license(self, certificate: wire.CertificateData) -> LibraryLicense:
        return LibraryLicense(
            identifier=certificate.identifier,
            type_code=certificate.type_code,
            number=certificate.number,
            status=self._settings.statuses.get(certificate.status, LicenseStatus.OTHER),
            holders=certificate.holders,
            issuer_code=certificate.issuer_code,
            issuer_name=certificate.issuer_name,
            face=certificate.face,
            as_of=self._clock(),
        )
