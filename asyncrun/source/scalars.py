"""What a plain YAML scalar means: the YAML 1.1 table that playbooks are written for, and the standard tags."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

# Only these spellings: `y`, `n`, `YeS` are text.
WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
WORDS |= {spelt: True for word in ("yes", "true", "on") for spelt in (word, word.title(), word.upper())}
WORDS |= {spelt: False for word in ("no", "false", "off") for spelt in (word, word.title(), word.upper())}

_NUMERIC_START = frozenset("-+.0123456789")

_FLOAT = re.compile(r"""
      [-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?      # 1.5, 1., 1.5e+3 (but 1e3 and 1.5e3 are text)
    | \.[0-9][0-9_]*(?:[eE][-+][0-9]+)?                  # .5 (but -.5 is text)
    | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*        # 190:20:30.15, base sixty
    | [-+]?\.(?:inf|Inf|INF)
    | \.(?:nan|NaN|NAN)
""", re.VERBOSE)
_INT = re.compile(r"""
      [-+]?0b[0-1_]+
    | [-+]?0[0-7_]+                                      # 0644 is octal
    | [-+]?(?:0|[1-9][0-9_]*)
    | [-+]?0x[0-9a-fA-F_]+
    | [-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+                 # 12:30:45, base sixty
""", re.VERBOSE)
_TIME = re.compile(r"""
    (?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})
    (?: (?:[Tt]|[ \t]+) (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})
        (?:\.(?P<fraction>[0-9]*))?
        (?: [ \t]* (?P<zone>Z|(?P<sign>[-+])(?P<zone_hour>[0-9]{1,2})(?::(?P<zone_minute>[0-9]{2}))?) )?
    )?
""", re.VERBOSE)
_SHORT_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def resolve(text: str) -> Any:
    """The value of a plain (unquoted, untagged) scalar. ValueError: it looks like a number or a date and is none."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in _NUMERIC_START:
        return text
    if _FLOAT.fullmatch(text):
        return to_float(text)
    if _INT.fullmatch(text):
        return to_int(text)
    match = _TIME.fullmatch(text)
    # A date alone needs two digits for month and day; before a time of day one will do.
    if match and (match["hour"] or _SHORT_DATE.fullmatch(text)):
        return _to_time(match)
    return text


def _sixty(digits: str, number: Callable[[str], Any]) -> Any:
    value = number("0")
    for part in digits.split(":"):
        value = value * 60 + number(part)
    return value


def to_int(text: str) -> int:
    """An integer as YAML 1.1 spells it: 0644, 0x1F, 0b11, 12:30:45, 1_000."""
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-") if digits[:1] in "+-" else digits
    if digits.startswith("0b"):
        return sign * int(digits, 2)
    if digits.startswith("0x"):
        return sign * int(digits, 16)
    if ":" in digits:
        return sign * int(_sixty(digits, int))
    if digits.startswith("0"):
        return sign * int(digits, 8)
    return sign * int(digits)


def to_float(text: str) -> float:
    """A float as YAML 1.1 spells it: 1.5e+3, .inf, .nan, 190:20:30.15."""
    digits = text.replace("_", "").lower()
    sign = -1.0 if digits.startswith("-") else 1.0
    digits = digits.lstrip("+-") if digits[:1] in "+-" else digits
    if digits in (".inf", ".nan"):
        return sign * float(digits[1:])
    if ":" in digits:
        return sign * float(_sixty(digits, float))
    return sign * float(digits)


def to_time(text: str) -> date | datetime:
    """A date, or a date with a time of day."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("expected a date like 2026-01-31 or 2026-01-31T12:30:45Z")
    return _to_time(match)


def _to_time(match: re.Match[str]) -> date | datetime:
    day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    if match["hour"] is None:
        return day
    micro = int((match["fraction"] or "").ljust(6, "0")[:6])
    zone = None
    if match["zone"] == "Z":
        zone = UTC
    elif match["zone"]:
        off = timedelta(hours=int(match["zone_hour"]), minutes=int(match["zone_minute"] or 0))
        zone = timezone(-off if match["sign"] == "-" else off)
    clock = (int(match["hour"]), int(match["minute"]), int(match["second"]), micro)
    return datetime(day.year, day.month, day.day, *clock, tzinfo=zone)


def to_bool(text: str) -> bool:
    """A truth value in any of YAML 1.1's spellings, in any case."""
    value = WORDS.get(text.lower())
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def to_bytes(text: str) -> bytes:
    """What a `!!binary` scalar (base64) holds."""
    try:
        return base64.decodebytes(text.encode("ascii"))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError(f"not base64: {error}") from None


def to_none(_text: str) -> None:
    """`!!null` is null, whatever stands behind it."""


STANDARD = "tag:yaml.org,2002:"

TAGGED: dict[str, Callable[[str], Any]] = {
    STANDARD + "str": str,
    STANDARD + "int": to_int,
    STANDARD + "float": to_float,
    STANDARD + "bool": to_bool,
    STANDARD + "null": to_none,
    STANDARD + "binary": to_bytes,
    STANDARD + "timestamp": to_time,
}
