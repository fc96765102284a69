"""How many pages one address may ask for without being signed in: enough for people, too few for trying things out by the thousand.

Whoever has a live session is somebody, and is counted by other limits. Files and the back channel (tokens, introspection,
userinfo, the license API, metadata) are no pages; for them this costs nothing.
"""

from datetime import timedelta
from math import ceil

from starlette.requests import Request

from foundation.expiring import ExpiringStore, MemoryExpiringStore, StoreUnavailable, WindowResult
from foundation.problems import ErrorCode, RenzhengError, register
from gateway.pages.paths import PATHS
from gateway.requests import current_session, parts_of
from idp.signin.visits import counted_network

_FILES = f"{PATHS.static}/"


class TooManyPages(RenzhengError):
    """The address asked for too many pages; `retry_after` is in whole seconds (RFC 6585 §4)."""

    error_code = register(
        ErrorCode(
            code="42901",
            status=429,
            title_zh="打开页面过于频繁",
            title_en="Too many pages in a short time",
            cause_zh="短时间内，没有登录的人从您所在的网络打开了太多页面。已经登录的人不受影响。",
            cause_en="People who are not signed in opened too many pages from your network in a short time. "
            "Whoever is signed in is not affected.",
            remedy_zh="请在所示时间之后再试，不需要联系任何人。",
            remedy_en="Please try again after the time shown; you need not contact anybody.",
        )
    )

    def __init__(self, retry_after: int) -> None:
        super().__init__("pages of one address")
        self.retry_after = retry_after


class PageLimit:
    """Counts the page requests of each address; `limit` 0 counts nothing."""

    def __init__(self, *, limit: int, window: timedelta) -> None:
        self._limit = limit
        self._window = window
        self._own_count = MemoryExpiringStore()

    async def count(self, request: Request) -> None:
        """Count one request to a page, unless somebody signed in makes it; raises TooManyPages."""
        if not self._limit or request.scope["path"].startswith(_FILES):
            return
        if await current_session(request) is not None:
            return
        parts = parts_of(request)
        address = parts.blind_index.index("pages.network", counted_network(request.state.network)).hex()
        result = await self._hit(f"pages:network:{address}", parts.store)
        if not result.allowed:
            raise TooManyPages(max(1, ceil(result.retry_after.total_seconds())))

    async def _hit(self, key: str, store: ExpiringStore) -> WindowResult:
        """Without the shared store each worker counts for itself: neither open to everybody nor shut to everybody."""
        try:
            return await store.hit_window(key, self._limit, self._window)
        except StoreUnavailable:
            return await self._own_count.hit_window(key, self._limit, self._window)
