"""Reads what a host answered: never trusted, so whatever it holds, the worst it can do is fail its own task."""

from __future__ import annotations

import json
import re
from typing import Any

from asyncrun.transport import Reply

DEEPEST = 100                    # levels of lists and objects in a result
SURROGATES = re.compile("[\ud800-\udfff]")


class _Bad(ValueError):
    """A result that is no result."""


def failure(msg: str, **more: Any) -> Reply:
    """The answer of a request that failed before or after the host had its say."""
    return Reply({"failed": True, "changed": False, "msg": msg, **more})


def read_result(blob: bytes) -> Reply:
    """The Reply in a result's JSON; a failed one, that says why, when there is none. Never raises."""
    try:
        text = blob.decode("utf-8", "replace")
        value = json.loads(text, parse_constant=_constant)
        if not isinstance(value, dict):
            raise _Bad(f"it is a {type(value).__name__}, not an object")
        if text.count("[") + text.count("{") > DEEPEST:
            _check_depth(value)
        if "\\ud" in text or "\\uD" in text:
            value = _clean(value)
    except (ValueError, RecursionError, MemoryError) as error:
        return failure(f"The host's answer cannot be read as a result: {error}")
    return Reply({key: each for key, each in value.items() if not key.startswith("_ansible_")})


def _constant(word: str) -> Any:
    raise _Bad(f"{word} is no JSON")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [each for container in level for each in _children(container) if isinstance(each, (dict, list))]
        if not level:
            return
    raise _Bad(f"it is nested deeper than {DEEPEST} levels")


def _children(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


def _clean(value: Any) -> Any:
    """Half characters, which no file or screen takes, as U+FFFD. The depth was checked."""
    if isinstance(value, str):
        return SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return value
