"""ansible.parsing.splitter: k=v arguments."""

from __future__ import annotations

from typing import Any

from asyncrun.errors import AsyncrunError
from asyncrun.source import arguments
from asyncrun.templating.ansible_api.errors import AnsibleParserError


def parse_kv(args: Any, check_raw: bool = False) -> dict[str, Any]:
    """The pairs of a text, and what is no pair under `_raw_params` when `check_raw`."""
    try:
        pairs, rest = arguments.split_args(str(args)) if args else ({}, "")
    except AsyncrunError as error:
        raise AnsibleParserError(error.message) from None
    return {**pairs, **({"_raw_params": rest} if rest and check_raw else {})}


def split_args(args: str) -> list[str]:
    """The words of a text: quotes and templates hold together what has blanks."""
    words: list[str] = []
    held = ""
    for word in args.split(" "):
        held = f"{held} {word}" if held else word
        if _closed(held):
            words.append(held)
            held = ""
    if held.strip():
        raise AnsibleParserError("failed at splitting arguments, either an unbalanced jinja2 block or quotes")
    return [word for word in words if word]


def _closed(text: str) -> bool:
    if any(text.count(opening) != text.count(closing) for opening, closing in (("{{", "}}"), ("{%", "%}"))):
        return False
    quote = ""
    for at, character in enumerate(text):
        if character in "'\"" and (at == 0 or text[at - 1] != "\\"):
            quote = "" if quote == character else quote or character
    return not quote


__all__ = ["parse_kv", "split_args"]
