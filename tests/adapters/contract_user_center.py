"""What every `UserCenter` owes its caller. A new connector subclasses this with a `center_kit` fixture of
its own.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import pytest

from idp.ports import CenterIdentity, CenterMalformed, CenterRefused, CenterUnavailable, UserCenter
from idp.vocabulary import RealNameLevel

STATE, NONCE = "state-of-this-browser", "nonce-of-this-flow"


@dataclass(frozen=True, slots=True)
class CenterKit:
    """A center with one person of the highest level, and the ways to move it.

    `walk(url, refuse)` plays the browser at the center and returns the callback's parameters; `stop`
    makes every operation of the center fail, `stall` makes it slower than the deadline.
    """

    center: UserCenter
    redirect_uri: str
    document_number: str
    walk: Callable[[str, bool], Awaitable[Mapping[str, str]]]
    stop: Callable[[], None]
    stall: Callable[[], None]


async def finish(
    kit: CenterKit, callback: Mapping[str, str], remembered: Mapping[str, str], *, nonce: str = NONCE
) -> CenterIdentity:
    """Hand the browser's return to the center."""
    return await kit.center.finish(callback=callback, remembered=remembered, nonce=nonce, redirect_uri=kit.redirect_uri)


class UserCenterContract:
    """The suite; it is collected through its subclasses."""

    @pytest.fixture
    async def center_kit(self) -> CenterKit:
        raise NotImplementedError("a connector's test brings its own kit")

    async def test_a_person_arrives_with_number_and_capped_level(self, center_kit: CenterKit) -> None:
        """The identity names its center, carries a canonical number and never exceeds the ceiling."""
        center = center_kit.center
        redirect = await center.begin(state=STATE, nonce=NONCE, redirect_uri=center_kit.redirect_uri)
        callback = await center_kit.walk(redirect.url, False)
        assert callback["state"] == STATE
        identity = await finish(center_kit, callback, redirect.remember)
        assert identity.center == center.name
        assert identity.subject
        assert identity.document_number == center_kit.document_number
        assert RealNameLevel.NONE < identity.level <= center.ceiling
        assert center.health().available

    async def test_a_return_is_good_for_one_identity(self, center_kit: CenterKit) -> None:
        """Whatever the browser brought is spent above by the first use."""
        center = center_kit.center
        redirect = await center.begin(state=STATE, nonce=NONCE, redirect_uri=center_kit.redirect_uri)
        callback = await center_kit.walk(redirect.url, False)
        await finish(center_kit, callback, redirect.remember)
        with pytest.raises((CenterRefused, CenterMalformed)):
            await finish(center_kit, callback, redirect.remember)

    async def test_a_person_who_gives_up_is_a_refusal(self, center_kit: CenterKit) -> None:
        """Giving up at the center is the person's right and no fault of the center."""
        center = center_kit.center
        redirect = await center.begin(state=STATE, nonce=NONCE, redirect_uri=center_kit.redirect_uri)
        callback = await center_kit.walk(redirect.url, True)
        with pytest.raises(CenterRefused):
            await finish(center_kit, callback, redirect.remember)
        assert center.health().available

    async def test_a_foreign_nonce_is_refused(self, center_kit: CenterKit) -> None:
        """F05: an answer that belongs to another flow is worth nothing."""
        center = center_kit.center
        redirect = await center.begin(state=STATE, nonce=NONCE, redirect_uri=center_kit.redirect_uri)
        callback = await center_kit.walk(redirect.url, False)
        with pytest.raises(CenterMalformed):
            await finish(center_kit, callback, redirect.remember, nonce="another")

    async def test_what_was_remembered_binds_the_return(self, center_kit: CenterKit) -> None:
        """A stolen callback without the flow's secret brings no identity."""
        center = center_kit.center
        redirect = await center.begin(state=STATE, nonce=NONCE, redirect_uri=center_kit.redirect_uri)
        callback = await center_kit.walk(redirect.url, False)
        with pytest.raises((CenterRefused, CenterMalformed)):
            await center.finish(callback=callback, remembered={}, nonce=NONCE, redirect_uri=center_kit.redirect_uri)

    async def test_a_center_that_is_down_says_so_and_shows_it(self, center_kit: CenterKit) -> None:
        """V12: a clear error, and the button tells the next person."""
        center = center_kit.center
        redirect = await center.begin(state=STATE, nonce=NONCE, redirect_uri=center_kit.redirect_uri)
        callback = await center_kit.walk(redirect.url, False)
        center_kit.stop()
        with pytest.raises(CenterUnavailable):
            await finish(center_kit, callback, redirect.remember)
        assert not center.health().available

    async def test_a_slow_center_is_cut_off_at_the_deadline(self, center_kit: CenterKit) -> None:
        """V12: nobody waits longer than the deadline for a slow center."""
        center = center_kit.center
        redirect = await center.begin(state=STATE, nonce=NONCE, redirect_uri=center_kit.redirect_uri)
        callback = await center_kit.walk(redirect.url, False)
        center_kit.stall()
        with pytest.raises(CenterUnavailable):
            await finish(center_kit, callback, redirect.remember)
