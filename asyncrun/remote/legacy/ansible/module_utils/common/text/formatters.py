"""Stands in for `ansible.module_utils.common.text.formatters`: sizes for people, lists in lower case."""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional

SIZE_RANGES = {"Y": 1 << 80, "Z": 1 << 70, "E": 1 << 60, "P": 1 << 50, "T": 1 << 40, "G": 1 << 30, "M": 1 << 20,
               "K": 1 << 10, "B": 1}
NUMBER = re.compile(r"^\s*(\d*\.?\d+)\s*([A-Za-z]+)?\s*$")


def lenient_lowercase(lst: "List[Any]") -> "List[Any]":
    """The list with its texts in lower case."""
    return [value.lower() if hasattr(value, "lower") else value for value in lst]


def human_to_bytes(number: "Any", default_unit: "Optional[str]" = None, isbits: bool = False) -> int:
    """The bytes (or bits) that '10M' means. Raises ValueError."""
    match = NUMBER.match(str(number))
    if match is None:
        raise ValueError("human_to_bytes() can't interpret following string: %s" % number)
    unit = match.group(2) or default_unit
    if unit is None:
        return round(float(match.group(1)))
    letter = unit[0].upper()
    if letter not in SIZE_RANGES:
        raise ValueError("human_to_bytes() failed to convert %s (unit = %s). The suffix must be one of %s" % (
            number, unit, ", ".join(SIZE_RANGES)))
    short, long = ("b", "bit") if isbits else ("B", "byte")
    words = (short, long) if letter == "B" else (letter + short, letter)
    if len(unit) > 1 and unit not in words and not (letter == "B" and unit.lower() == long):
        raise ValueError("human_to_bytes() failed to convert %s. Value is not a valid string (expect %s or %s)" % (
            (number,) + words))
    return round(float(match.group(1)) * SIZE_RANGES[letter])


def bytes_to_human(size: "Any", isbits: bool = False, unit: "Optional[str]" = None) -> str:
    """A size for people: 10.00 MB."""
    base = "bits" if isbits else "Bytes"
    for letter, limit in SIZE_RANGES.items():
        if (unit is None and size >= limit) or (unit is not None and unit.upper() == letter):
            break
    suffix = base if limit == 1 else letter + base[0]
    return "%.2f %s" % (size / limit, suffix)
