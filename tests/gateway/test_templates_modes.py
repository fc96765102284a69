"""The four choices of appearance: what the cookie may say, where the form may lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pages.formats import Formats
from gateway.pages.modes import COOKIE_NAME, Preferences, parse_preferences, safe_next
from tests.gateway.page_requests import page_request
from tests.gateway.template_samples import NOW


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/accesses?month=2026-05", "/accesses?month=2026-05"),
        ("/login?transaction=a-b_c&next=https://other.example", "/login?transaction=a-b_c&next=https://other.example"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https:evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/%09/evil.example", "/"),
        ("/%2f%2Fevil.example", "/"),
        ("/%5cevil.example", "/"),
        ("/.//evil.example", "/"),
        ("/a/..//evil.example", "/"),
        ("/a/../b", "/"),
        ("javascript:alert(1)", "/"),
        ("@evil.example", "/"),
        ("/a b", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/你好", "/"),
        ("／/evil.example", "/"),
        ("", "/"),
        ("/" + "a" * 2000, "/"),
    ],
)
def test_next_stays_on_this_origin(target: str, expected: str) -> None:
    """RFC 9700 §4.11.1: a form never leads to another site."""
    assert safe_next(target) == expected


@given(st.text(max_size=40))
def test_next_is_always_a_local_path(target: str) -> None:
    """Whatever is sent, the answer is a path that no browser reads as another authority."""
    found = safe_next("/" + target)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isascii()
    assert found.isprintable()


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("dark.elder.2.en", Preferences("dark", "elder", "2", "en")),
        ("contrast.standard.1.zh-CN", Preferences("contrast", "standard", "1", "zh-CN")),
        ("neon.elder.9.fr", Preferences("light", "elder", "1", "zh-CN")),
        ("dark.elder.2", Preferences()),
        ("dark.elder.２.en", Preferences("dark", "elder", "1", "en")),
        ('"><script>.elder.1.en', Preferences("light", "elder", "1", "en")),
        ("", Preferences()),
    ],
)
def test_cookie_is_read_strictly(cookie: str, expected: Preferences) -> None:
    """Each word is one of its list or falls back to the default; a damaged cookie is no error."""
    assert parse_preferences({COOKIE_NAME: cookie}) == expected


def test_preferences_round_trip() -> None:
    """What the form sets is what the next request reads."""
    chosen = Preferences("dark", "elder", "3", "en")
    assert parse_preferences({COOKIE_NAME: chosen.cookie_value()}) == chosen


def test_formats_are_beijing_time() -> None:
    """An instant late in the UTC day belongs to the next day in Beijing."""
    chinese, english = Formats("zh-CN"), Formats("en")
    late = NOW.replace(hour=16, minute=5)
    assert chinese.date(late) == "2026年5月19日"
    assert english.date(late) == "19 May 2026"
    assert chinese.moment(NOW) == "2026年5月18日 10:32"
    assert english.moment_exact(NOW) == "18 May 2026, 10:32:07"
    assert chinese.when(NOW, NOW) == "今天 10:32"
    assert chinese.when(NOW, late) == "昨天 10:32"
    assert english.when(NOW.replace(year=2025), NOW) == "18 May 2025"
    assert chinese.weekday(NOW) == "星期一"


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0, "0 秒", "0 seconds"),
        (1, "1 秒", "1 second"),
        (60, "1 分钟", "1 minute"),
        (252, "4 分 12 秒", "4 minutes 12 seconds"),
        (3600, "1 小时", "1 hour"),
        (7500, "2 小时 5 分", "2 hours 5 minutes"),
        (3605, "1 小时", "1 hour"),
        (259200, "3 天", "3 days"),
    ],
)
def test_durations(seconds: int, chinese: str, english: str) -> None:
    """A wait is said in at most two neighbouring units."""
    assert Formats("zh-CN").duration(seconds) == chinese
    assert Formats("en").duration(seconds) == english


def test_large_numbers_are_parted() -> None:
    """Ledger positions have seven digits and more."""
    assert Formats("en").number(1204883) == "1\u00a0204\u00a0883"


def test_page_request_has_the_state_of_a_real_one() -> None:
    """The samples are rendered with what the composition provides, not with less."""
    state = page_request().state
    assert state.csrf_token
    assert state.request_id
    assert state.parts.clock() == NOW
