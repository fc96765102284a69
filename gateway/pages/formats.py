"""Dates, times, durations and numbers as people read them. Every time shown is Beijing time (UTC+8, no summer time)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from math import ceil

from gateway.i18n import Language

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

DayOrInstant = date | datetime
"""A calendar day, or an instant of which the day in Beijing is meant."""

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Formats:
    """The formats of one language. Instants are aware; a plain ``date`` is taken as it stands."""

    language: Language

    def date(self, value: DayOrInstant) -> str:
        """``2026年5月18日`` or ``18 May 2026``."""
        day = local_day(value)
        if self.language == "en":
            return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
        return f"{day.year}年{day.month}月{day.day}日"

    def day(self, value: DayOrInstant) -> str:
        """The date without its year: ``5月18日`` or ``18 May``."""
        day = local_day(value)
        return f"{day.day} {_MONTHS[day.month - 1]}" if self.language == "en" else f"{day.month}月{day.day}日"

    def month(self, value: DayOrInstant) -> str:
        """``2026年5月`` or ``May 2026``."""
        day = local_day(value)
        return f"{_MONTHS[day.month - 1]} {day.year}" if self.language == "en" else f"{day.year}年{day.month}月"

    def month_short(self, value: DayOrInstant) -> str:
        """``5月`` or ``May``, for the axis of a chart."""
        day = local_day(value)
        return _MONTHS[day.month - 1][:3] if self.language == "en" else f"{day.month}月"

    def weekday(self, value: DayOrInstant) -> str:
        """``星期一`` or ``Monday``."""
        index = local_day(value).weekday()
        return _WEEKDAYS_EN[index] if self.language == "en" else f"星期{_WEEKDAYS_ZH[index]}"

    def time(self, value: datetime) -> str:
        """``10:32``."""
        return value.astimezone(BEIJING).strftime("%H:%M")

    def time_exact(self, value: datetime) -> str:
        """``10:32:07``, where a second matters."""
        return value.astimezone(BEIJING).strftime("%H:%M:%S")

    def moment(self, value: datetime) -> str:
        """``2026年5月18日 10:32`` or ``18 May 2026, 10:32``."""
        return f"{self.date(value)}{', ' if self.language == 'en' else ' '}{self.time(value)}"

    def moment_exact(self, value: datetime) -> str:
        """``2026年5月18日 10:32:07`` or ``18 May 2026, 10:32:07``."""
        return f"{self.date(value)}{', ' if self.language == 'en' else ' '}{self.time_exact(value)}"

    def when(self, value: datetime, now: datetime) -> str:
        """The shortest unmistakable form seen from ``now``: ``今天 10:32``, ``昨天 23:10``, ``5月12日``, or the date."""
        day, today = local_day(value), local_day(now)
        english = self.language == "en"
        if day == today:
            return f"{'today' if english else '今天'} {self.time(value)}"
        if day == today - timedelta(days=1):
            return f"{'yesterday' if english else '昨天'} {self.time(value)}"
        return self.day(value) if day.year == today.year else self.date(value)

    def duration(self, value: timedelta | int) -> str:
        """An exact wait in at most two units, rounded up to the second: ``4 分 12 秒``, ``2 小时 5 分``, ``1 分钟``."""
        seconds = ceil(value.total_seconds()) if isinstance(value, timedelta) else value
        units = (
            (86400, " 天", "day"),
            (3600, " 小时", "hour"),
            (60, " 分", "minute"),
            (1, " 秒", "second"),
        )
        parts: list[str] = []
        for size, chinese, english in units:
            amount, seconds = divmod(max(seconds, 0), size)
            if amount and len(parts) < 2:
                plural = "" if amount == 1 else "s"
                parts.append(f"{amount} {english}{plural}" if self.language == "en" else f"{amount}{chinese}")
            elif parts:
                break
        if self.language != "en" and len(parts) == 1:
            # Alone, the Chinese minute is said in full.
            parts[0] = parts[0].replace("分", "分钟")
        return " ".join(parts) or ("0 seconds" if self.language == "en" else "0 秒")

    def number(self, value: int) -> str:
        """Thousands parted by a no-break space: ``1 204 883``."""
        return f"{value:,}".replace(",", "\u00a0")


def local_day(value: DayOrInstant) -> date:
    """Return the calendar day of ``value`` in Beijing."""
    return value.astimezone(BEIJING).date() if isinstance(value, datetime) else value
