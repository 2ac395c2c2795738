"""The functions every template may call: now, undef, omit and those of Jinja."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from asyncrun.templating.values import OMIT, Undefined


def now(utc: bool = False, fmt: str | None = None) -> datetime | str:
    """The time, or with `fmt` its text by strftime's rules."""
    moment = datetime.now(UTC).replace(tzinfo=None) if utc else datetime.now()
    return moment.strftime(fmt) if fmt else moment


def undef(hint: str | None = None) -> Undefined:
    """A value that must be replaced: using it is an error that says `hint`."""
    return Undefined(hint=hint or "Mandatory variable has not been overridden")


GLOBALS: Final[Mapping[str, Any]] = {"now": now, "undef": undef, "omit": OMIT}
