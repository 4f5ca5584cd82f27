"""Times in plain words: a day, a moment, or how long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

_AGO = re.compile(r"(\d{1,5})\s*(hour|day|week)s?( ago)?")
_LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}

Since = Annotated[
    str | None,
    typer.Option("--since", "--start", metavar="TIME", help="From: '10 days', 'yesterday', 2025-08-01; see below."),
]
Until = Annotated[str | None, typer.Option("--until", "--end", metavar="TIME", help="Up to, included.")]


def period(since: str | None, until: str | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Read the first and the last moment of a period; lengths count back from its end, or from ``now``.

    Raises:
        typer.BadParameter: If a time is not understood, or the period ends before it begins.
    """
    end = None if until is None else _moment(until, now, last=True)
    start = None if since is None else _moment(since, end or now, last=False)
    if start and end and start > end:
        raise typer.BadParameter(f"{since!r} lies after {until!r}")
    return start, end


def _moment(words: str, now: datetime, *, last: bool) -> datetime:
    """Read a moment; of a day its first second, or its last."""
    text = words.strip().lower()
    ago = _AGO.fullmatch(text)
    if ago:
        return now - int(ago[1]) * _LENGTHS[ago[2]]
    days = {"today": 0, "yesterday": 1}
    if text in days:
        return _end(now - timedelta(days=days[text]), last=last)
    try:
        time = datetime.fromisoformat(words.strip())
    except ValueError as error:
        raise typer.BadParameter(
            f"{words!r} is no time, expected one like '10 days', 'yesterday', 2025-08-30 or 2025-08-30T19:38"
        ) from error
    time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    return _end(time, last=last) if "t" not in text and " " not in text else time


def _end(time: datetime, *, last: bool) -> datetime:
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1, seconds=-1) if last else midnight
