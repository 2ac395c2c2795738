"""Arguments written on one line: `k=v k2='a b' free text {{ kept whole }}`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator

from asyncrun.errors import ParseError
from asyncrun.origin import Origin

_OPTION = re.compile(r"([^\s=\\'\"{}]+)=")
_NAME_PART = re.compile(r"[^\s=\\'\"{}]+")
_ESCAPED_EQUALS = re.compile(r"([A-Za-z_][\w.-]*)\\=")
_ESCAPE = re.compile(r"\\(U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|N\{[^}]+\}|[\\'\"abfnrtv])")
_PLAIN_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CLOSERS = {"{{": "}}", "{%": "%}", "{#": "#}"}


def split_args(
    text: str, known: Collection[str] | None = None, *, origin: Origin | None = None
) -> tuple[dict[str, str], str]:
    """The options of a line, and the rest as it was typed, quotes and spacing included.

    `known`: only these names are options, and any other `k=v` stays in the rest (as `command` needs it); None:
    every name is. Values lose their quotes and backslash escapes; templates and quoted parts are never split.
    ParseError (at `origin`): a quote or a template is not closed.
    """
    options: dict[str, str] = {}
    rest: list[str] = []
    gap = ""                                   # the white space before the current word, as it was typed
    folded: str | None = None                  # the same before a lone backslash, which only joins lines
    for space, word in _words(text, origin):
        gap = gap or space
        if folded is not None:
            gap, folded = folded + gap.replace("\n", "", 1), None
        if word == "\\":
            folded, gap = gap[:-1], ""
            continue
        name = _option(word)
        if name and (known is None or name in known):
            options[name] = _value(word[len(name) + 1 :])
            continue
        rest.append((gap if rest else "") + _ESCAPED_EQUALS.sub(r"\1=", word, count=1))
        gap = ""
    trailing = text[len(text.rstrip()) :] if rest and not gap else ""
    return options, "".join(rest) + trailing


def _option(word: str) -> str:
    """The name in `name=value`, templates in it as they stand ("" when the word is none): `{{ item }}_port=80`."""
    match = _OPTION.match(word)
    if match or "{{" not in word:
        return match[1] if match else ""
    at = 0
    while at < len(word) and word[at] != "=":
        part = _NAME_PART.match(word, at)
        after = part.end() if part else _past_template(word, at) if word.startswith("{{", at) else 0
        if not after:
            return ""
        at = after
    return word[:at] if at < len(word) else ""


def _words(text: str, origin: Origin | None) -> Iterator[tuple[str, str]]:
    """The words of `text`, each with the white space before it; a backslash at a line's end joins lines."""
    at = 0
    while at < len(text):
        start = at
        while at < len(text) and (text[at].isspace() or text.startswith("\\\n", at)):
            at += 2 if text[at] == "\\" else 1
        space = text[start:at].replace("\\\n", "")
        start = at
        while at < len(text) and not text[at].isspace() and not text.startswith("\\\n", at):
            at = _past(text, at, origin)
        if at > start:
            yield space or " ", text[start:at]


def _past(text: str, at: int, origin: Origin | None) -> int:
    """The index after the character, quoted part or template that begins at `at`."""
    char = text[at]
    if char == "\\" and not text[at + 1 : at + 2].isspace():
        return min(at + 2, len(text))
    if text[at : at + 2] in _CLOSERS:
        return _past_template(text, at) or _unbalanced(text, at, origin)
    if char in "'\"":
        return _past_quoted(text, at) or _unbalanced(text, at, origin)
    return at + 1


def _past_quoted(text: str, at: int) -> int:
    """The index after a quoted part, 0 when it is never closed. A template in it may hold the same quote."""
    quote = text[at]
    at += 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == quote:
            return at + 1
        else:
            at = (_past_template(text, at) if text[at : at + 2] in _CLOSERS else 0) or at + 1
    return 0


def _past_template(text: str, at: int) -> int:
    """The index after the `{{ }}`, `{% %}` or `{# #}` that begins at `at`, 0 when it is never closed."""
    closer = _CLOSERS[text[at : at + 2]]
    at += 2
    if closer == "#}":
        return text.find(closer, at) + 2 if closer in text[at:] else 0
    depth = 0
    while at < len(text):
        if depth == 0 and text.startswith(closer, at):
            return at + 2
        if text[at] in "'\"":
            at = _past_string(text, at)
            if not at:
                return 0
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return 0


def _past_string(text: str, at: int) -> int:
    """The index after a string inside a template, 0 when it is never closed."""
    quote = text[at]
    at += 1
    while at < len(text):
        if text[at] == quote:
            return at + 1
        at += 2 if text[at] == "\\" else 1
    return 0


def _unbalanced(text: str, at: int, origin: Origin | None) -> int:
    shown = text[at : at + 60]
    raise ParseError(
        f"failed at splitting arguments, either an unbalanced jinja2 block or quotes: {shown}", origin=origin,
        hint=f"The {text[at : at + 2] if text[at] == '{' else text[at]} here is never closed.",
    )


def unquote(text: str) -> str:
    """The text without the quotes around it, when it has a pair of them."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        inside = text[1:-1]
        return inside if not inside.endswith("\\") or inside.endswith("\\\\") else text
    return text


def _value(text: str) -> str:
    return _ESCAPE.sub(_unescape, unquote(text))


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "Uux":
        number = int(code[1:], 16)
        return chr(number) if number <= 0x10FFFF else match[0]
    if code[0] == "N":
        try:
            return unicodedata.lookup(code[2:-1])
        except KeyError:
            return match[0]
    return _PLAIN_ESCAPES.get(code, code)
