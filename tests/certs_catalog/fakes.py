"""A license library and a case system in memory, which keep the contracts of ``certs_catalog.ports``."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from certs_catalog.ports import CaseFacts, Cause, LibraryLicense, MattersUnavailable


@dataclass
class MemoryLibrary:
    """Answers from a list; ``fails`` raises instead, ``takes`` seconds pass first. Keeps the causes it was given."""

    name: str = "certshare"
    display_name_zh: str = "省电子证照共享平台"
    display_name_en: str = "Provincial e-license sharing platform"
    licenses: list[LibraryLicense] = field(default_factory=list)
    believes_anything: bool = False
    fails: Callable[[], Exception] | None = None
    takes: float = 0.0
    causes: list[Cause] = field(default_factory=list)

    async def find_by_holder(
        self, *, holder_type: str, holder_code: str, license_type: str, cause: Cause
    ) -> list[LibraryLicense]:
        """See ``LicenseLibrary``."""
        await self._asked(cause)
        return [
            one
            for one in self.licenses
            if self.believes_anything
            or (
                one.type_code == license_type
                and any((holder.type, holder.code) == (holder_type, holder_code) for holder in one.holders)
            )
        ]

    async def find_by_identifier(self, *, identifier: str, cause: Cause) -> LibraryLicense | None:
        """See ``LicenseLibrary``."""
        await self._asked(cause)
        return next((one for one in self.licenses if one.identifier == identifier), None)

    async def _asked(self, cause: Cause) -> None:
        self.causes.append(cause)
        if self.takes:
            await asyncio.sleep(self.takes)
        if self.fails is not None:
            raise self.fails()


@dataclass
class MemoryMatters:
    """Cases by number; counts how often it was asked, and can be down."""

    cases: dict[str, CaseFacts] = field(default_factory=dict)
    is_down: bool = False
    asked: int = 0

    async def find_case(self, number: str) -> CaseFacts | None:
        """See ``Matters``."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise MattersUnavailable("down")
        return self.cases.get(number)
