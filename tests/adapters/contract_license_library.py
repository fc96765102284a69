"""What every `LicenseLibrary` owes its caller. A new connector subclasses this with a `library_kit`
fixture of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from certs_catalog.ports import (
    Cause,
    LibraryError,
    LibraryMalformed,
    LibraryRefused,
    LibraryTimeout,
    LibraryUnavailable,
    LicenseLibrary,
)
from certs_catalog.vocabulary import LicenseStatus

CAUSE = Cause(
    text="公共租赁住房资格申请",
    system_name="青榆区电子证照系统",
    matter_code="gzf-apply",
    matter_name="公共租赁住房资格申请",
    case_number="QY-2026-000101",
    department_name="青榆区住房和城乡建设局",
)


@dataclass(frozen=True, slots=True)
class LibraryKit:
    """A library that holds one valid license of one person, and the ways to move it.

    `break_by(name)` makes the next answers bad in one way: unavailable, slow, malformed, huge or refused.
    """

    library: LicenseLibrary
    identifier: str
    license_type: str
    other_type: str
    holder_code: str
    holder_name: str
    break_by: Callable[[str], None]


class LicenseLibraryContract:
    """The suite; it is collected through its subclasses."""

    @pytest.fixture
    async def library_kit(self) -> LibraryKit:
        raise NotImplementedError("a connector's test brings its own kit")

    async def test_a_holder_and_type_find_the_license(self, library_kit: LibraryKit) -> None:
        """Identifier, holder, status and face come over under the names that the catalogue reads."""
        found = await library_kit.library.find_by_holder(
            holder_type="111",
            holder_code=library_kit.holder_code,
            license_type=library_kit.license_type,
            cause=CAUSE,
        )
        assert [license.identifier for license in found] == [library_kit.identifier]
        assert found[0].status is LicenseStatus.VALID
        assert [(holder.type, holder.name) for holder in found[0].holders] == [("111", library_kit.holder_name)]
        assert found[0].face["certificate_holder_name"] == library_kit.holder_name
        assert found[0].as_of.tzinfo is not None

    async def test_an_identifier_finds_the_same_license(self, library_kit: LibraryKit) -> None:
        """Both ways lead to one license."""
        found = await library_kit.library.find_by_identifier(identifier=library_kit.identifier, cause=CAUSE)
        assert found is not None
        assert found.type_code == library_kit.license_type

    async def test_none_found_is_an_empty_answer(self, library_kit: LibraryKit) -> None:
        """None found is no error: an empty list, or None."""
        library = library_kit.library
        assert (
            await library.find_by_holder(
                holder_type="111",
                holder_code="370299190606060080",
                license_type=library_kit.license_type,
                cause=CAUSE,
            )
            == []
        )
        unknown = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"
        assert await library.find_by_identifier(identifier=unknown, cause=CAUSE) is None

    @pytest.mark.parametrize(
        ("way", "expected"),
        [
            ("unavailable", LibraryUnavailable),
            ("slow", LibraryTimeout),
            ("malformed", LibraryMalformed),
            ("huge", LibraryMalformed),
            ("refused", LibraryRefused),
        ],
    )
    async def test_each_failure_is_the_ports_error(
        self, library_kit: LibraryKit, way: str, expected: type[LibraryError]
    ) -> None:
        """V12, Q04: whatever the library does, the caller sees one of four errors, without personal data."""
        library_kit.break_by(way)
        with pytest.raises(expected) as caught:
            await library_kit.library.find_by_holder(
                holder_type="111",
                holder_code=library_kit.holder_code,
                license_type=library_kit.license_type,
                cause=CAUSE,
            )
        assert library_kit.holder_code not in str(caught.value)
        assert library_kit.holder_name not in str(caught.value)
