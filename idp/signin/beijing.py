"""Beijing time, by which birth dates are compared and people are told when something happened."""

from datetime import date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))


def beijing_date(now: datetime) -> date:
    """Return today's date in Beijing."""
    return now.astimezone(BEIJING).date()


def beijing_moment(now: datetime) -> str:
    """Return month, day and minute as messages show them, for example `05月18日09:30`."""
    return now.astimezone(BEIJING).strftime("%m月%d日%H:%M")
