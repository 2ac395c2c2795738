"""Stands in for `ansible.module_utils.compat.datetime`: the time in UTC, with its zone."""

from datetime import datetime, timezone

UTC = timezone.utc


def utcnow() -> datetime:
    """Now."""
    return datetime.now(UTC)


def utcfromtimestamp(timestamp: float) -> datetime:
    """The time so many seconds after 1970."""
    return datetime.fromtimestamp(timestamp, UTC)
