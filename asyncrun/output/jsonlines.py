"""A Sink that writes each event as one line of JSON: {"event": its name, "schema": 1, its fields}."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any, TextIO

from asyncrun.events import Event
from asyncrun.output.results import to_json
from asyncrun.output.sanitise import clean

SCHEMA = 1


class JsonLines:
    """Writes events to `out`, one a line, at once."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def handle(self, event: Event) -> None:
        """Write one event."""
        line = {"event": type(event).__name__, "schema": SCHEMA, **_plain(event)}
        self._out.write(clean(to_json(line)) + "\n")
        self._out.flush()


def _plain(value: Any) -> Any:
    """Dataclasses as mappings, enums as their values; the rest is plain already."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict) and any(dataclasses.is_dataclass(one) for one in value.values()):
        return {key: _plain(one) for key, one in value.items()}
    return value
