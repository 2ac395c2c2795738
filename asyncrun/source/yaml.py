"""YAML text to plain values that know their origins; and back. The only file that knows the YAML library."""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.emitter import Emitter
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

from asyncrun.errors import ParseError, suggest
from asyncrun.origin import Origin
from asyncrun.source import Repeated, Unsafe, Warn, YamlMap, YamlSeq, origin_of
from asyncrun.source.files import read_text
from asyncrun.source.hints import explain, pointed
from asyncrun.source.scalars import STANDARD, TAGGED, resolve
from asyncrun.source.vault import Sealed, Vault
from asyncrun.source.writing import Writer, children

_log = logging.getLogger(__name__)

VAULT_TAGS = ("!vault", "!vault-encrypted")
MERGE = "<<"
_CONTAINER_TAGS = {STANDARD + kind for kind in ("map", "seq", "set", "omap", "pairs")}
_MISSING = object()


def _c_parser() -> ModuleType | None:
    """The compiled half of the YAML library, which is about eight times as fast, when it is installed."""
    try:
        return importlib.import_module("_ruamel_yaml")
    except ImportError:
        return None


_COMPILED = _c_parser()


def _events(text: str, *, pure: bool = False, version: tuple[int, int] = (1, 1)) -> Iterator[Any]:
    """The parser's events, by the compiled parser when there is one. `version`: of YAML, for the other parser."""
    if _COMPILED is None or pure:
        reader = YAML(typ="safe", pure=True)
        reader.version = version
        yield from reader.parse(text)
        return
    next_event: Callable[[], Any] = _COMPILED.CParser(text).get_event
    while True:
        event = next_event()
        yield event
        if type(event) is StreamEndEvent:
            return


class _Open:
    """A mapping or sequence whose end has not been read yet."""

    __slots__ = ("key", "key_mark", "merges", "start", "tag", "unsafe", "value")

    def __init__(self, value: YamlMap | YamlSeq, tag: str | None, unsafe: bool, start: tuple[int, int]) -> None:
        self.value = value
        self.tag = tag
        self.unsafe = unsafe
        self.start = start
        self.key: Any = _MISSING
        self.key_mark = start
        self.merges: list[YamlMap] = []


class _Builder:
    """Makes values of events, without recursion: a text nested 100,000 deep is no danger."""

    def __init__(self, file: str, vault: Vault | None, warn: Warn, lazy: bool) -> None:
        self.file = file
        self.vault = vault
        self.lazy = lazy
        self.warn = warn
        self.anchors: dict[str, Any] = {}
        self.open: list[_Open] = []
        self.known: dict[str, Any] = {}          # plain scalars met so far: keys repeat a thousand times

    def documents(self, events: Iterator[Any]) -> Iterator[tuple[Any, Origin]]:
        """Each document's value, and where it begins."""
        root: Any = None
        place: Origin | None = None
        for event in events:
            kind = type(event)
            if kind is ScalarEvent:
                value = self.scalar(event)
                if event.anchor:
                    self.anchors[event.anchor] = value
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self.begin(event, YamlMap if kind is MappingStartEvent else YamlSeq)
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = self.end()
            elif kind is AliasEvent:
                value = self.alias(event)
            elif kind is DocumentEndEvent:
                yield root, place or self.at(event)
                root, place = None, None
                self.anchors.clear()
                continue
            else:
                continue
            if self.open:
                self.place(value, event)
            else:
                root, place = value, origin_of(value) or self.at(event)

    def at(self, event: Any) -> Origin:
        return Origin(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def scalar(self, event: Any) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            text: str = event.value
            if not event.implicit[0]:
                return Unsafe(text) if self.open and self.open[-1].unsafe else text
            if text in self.known:
                value = self.known[text]
            else:
                value = self.known[text] = self.convert(resolve, event)
            if self.open and self.open[-1].unsafe and type(value) is str:
                return Unsafe(value)
            return value
        return self.tagged(str(tag), event)

    def tagged(self, tag: str, event: Any) -> Any:
        if tag == "!unsafe":
            return Unsafe(event.value)
        if tag in VAULT_TAGS:
            return self.sealed(event)
        if tag in TAGGED:
            return self.convert(TAGGED[tag], event)
        raise self.unknown_tag(tag, event)

    def convert(self, to: Callable[[str], Any], event: Any) -> Any:
        try:
            return to(event.value)
        except ValueError as error:
            shown = event.value if len(event.value) <= 40 else event.value[:40] + "..."
            raise ParseError(
                f"YAML parsing failed: '{shown}' looks like a number, a date or a truth value, but is none: {error}",
                origin=self.at(event), hint="Put it in quotes when text is meant.",
            ) from None

    def sealed(self, event: Any) -> str | Sealed:
        if not event.value:
            raise ParseError("YAML parsing failed: the tag !vault needs an encrypted text", origin=self.at(event))
        value = Sealed(event.value, self.at(event))
        return value if self.lazy else (self.vault or Vault(())).open(value)

    def unknown_tag(self, tag: str, event: Any) -> ParseError:
        shown = "!!" + tag.removeprefix(STANDARD) if tag.startswith(STANDARD) else tag
        known = ["!vault", "!unsafe", *("!!" + name.removeprefix(STANDARD) for name in (*TAGGED, *_CONTAINER_TAGS))]
        hint = suggest(shown, known) or "Tags that can be used: " + ", ".join(sorted(known)) + "."
        return ParseError(f"YAML parsing failed: unknown tag {shown}", origin=self.at(event), hint=hint)

    def begin(self, event: Any, kind: type[YamlMap] | type[YamlSeq]) -> None:
        tag = None if event.tag is None else str(event.tag)
        if tag not in (None, "!", "!unsafe") and tag not in _CONTAINER_TAGS:
            raise self.unknown_tag(str(tag), event)
        value = kind(origin=self.at(event))
        unsafe = tag == "!unsafe" or bool(self.open and self.open[-1].unsafe)
        # An open collection can be named inside itself: what is shared is the object.
        if event.anchor:
            self.anchors[event.anchor] = value
        self.open.append(_Open(value, tag, unsafe, (event.start_mark.line + 1, event.start_mark.column + 1)))

    def end(self) -> Any:
        done = self.open.pop()
        value = done.value
        if done.merges and isinstance(value, YamlMap):
            _merge(value, done.merges)
        if done.tag == STANDARD + "set" and isinstance(value, YamlMap):
            items = YamlSeq(value, origin=value.origin)
            items.marks = list(value.marks.values())
            return items
        return value

    def alias(self, event: Any) -> Any:
        try:
            return self.anchors[event.anchor]
        except KeyError:
            hint = suggest(event.anchor, self.anchors)
            if hint is None:
                hint = "A value that begins with an asterisk has to be quoted when no anchor (&name) is meant."
            raise ParseError(
                f"YAML parsing failed: there is no anchor '{event.anchor}' before this alias",
                origin=self.at(event), hint=hint,
            ) from None

    def place(self, value: Any, event: Any) -> None:
        """Put a finished value where it belongs: an item, a key, or the value of the key before it."""
        top = self.open[-1]
        container = top.value
        kind = type(value)
        if (kind is YamlMap or kind is YamlSeq) and type(event) is not AliasEvent:
            line, column = value.origin.line, value.origin.column
        else:
            mark = event.start_mark
            line, column = mark.line + 1, mark.column + 1
        if type(container) is YamlSeq:
            container.append(value)
            container.marks.append((line, column, line, column))
        elif top.key is _MISSING:
            self.take_key(top, value, event, (line, column))
        elif top.key is MERGE_KEY:
            self.take_merge(top, value, (line, column))
            top.key = _MISSING
        else:
            if top.key in container:
                self.duplicate(top)
            container[top.key] = value
            container.marks[top.key] = (*top.key_mark, line, column)
            top.key = _MISSING

    def take_key(self, top: _Open, value: Any, event: Any, mark: tuple[int, int]) -> None:
        top.key_mark = mark
        if type(value) is Sealed:
            raise ParseError("YAML parsing failed: an encrypted text cannot be a key", origin=Origin(self.file, *mark))
        if type(event) is ScalarEvent and event.value == MERGE and event.implicit[0] and event.tag is None:
            top.key = MERGE_KEY
            return
        try:
            hash(value)
        except TypeError:
            origin = Origin(self.file, *mark)
            raise ParseError("YAML parsing failed: a mapping or a list cannot be a key", origin=origin) from None
        top.key = str(value) if type(value) is Unsafe else value

    def take_merge(self, top: _Open, value: Any, mark: tuple[int, int]) -> None:
        found = value if type(value) is YamlSeq else [value]
        if not all(type(one) is YamlMap for one in found):
            raise ParseError(
                "YAML parsing failed: `<<` takes a mapping or a list of mappings", origin=Origin(self.file, *mark)
            )
        top.merges.extend(reversed(found))

    def duplicate(self, top: _Open) -> None:
        line, column = top.value.marks[top.key][:2]
        where = Origin(self.file, *top.key_mark)
        text = f"{where}: duplicate key '{top.key}': this one is used, the one at {line}:{column} is ignored"
        self.warn(Repeated(text, where))


MERGE_KEY = object()


def _merge(value: YamlMap, merges: list[YamlMap]) -> None:
    """Add what `<<` names below the mapping's own keys: of two merged mappings the first in a list wins."""
    own, marks = dict(value), dict(value.marks)
    value.clear()
    value.marks.clear()
    for merged in merges:
        value.update(own if merged is value else merged)
        value.marks.update(merged.marks)
    value.update(own)
    value.marks.update(marks)


def load_all(
    text: str, file: str, *, vault: Vault | None = None, warn: Warn = _log.warning, lazy: bool = True,
    pure: bool = False,
) -> list[Any]:
    """Every document of a YAML text; see `load`."""
    return [value for value, _ in _documents(text, file, vault, warn, lazy, pure)]


def load(
    text: str, file: str, *, vault: Vault | None = None, warn: Warn = _log.warning, lazy: bool = True,
    pure: bool = False,
) -> Any:
    """The one document of a YAML (or JSON) text, None when it is empty. `file` names it in origins and errors.

    Mappings are YamlMap, sequences YamlSeq; dates are date and datetime. ParseError: it is not YAML, a tag is
    unknown, or there is more than one document.
    `lazy`: `!vault` values are `Sealed`, opened when they are used; else `vault` opens them here (VaultError).
    `pure`: by the slow parser, even when there is a fast one.
    """
    looks_like_json = text.lstrip()[:1] in ("{", "[")
    found = _json(text, file) if looks_like_json else _MISSING
    try:
        documents = _documents(text, file, vault, warn, lazy, pure)
    except ParseError:
        if found is _MISSING:
            raise
        return found
    if len(documents) > 1:
        raise ParseError(
            "YAML parsing failed: one document was expected, and here another one begins", origin=documents[1][1],
            hint="Remove the `---` in the middle of the file.",
        )
    value = documents[0][0] if documents else None
    # JSON has its own spelling of numbers: 1e3 is a float there, and text in YAML.
    return value if found is _MISSING or found == value else found


def _documents(
    text: str, file: str, vault: Vault | None, warn: Warn, lazy: bool, pure: bool
) -> list[tuple[Any, Origin]]:
    text = text.removeprefix("\ufeff")
    heard: list[str] = []
    try:
        found = list(_Builder(file, vault, heard.append, lazy).documents(_events(text, pure=pure)))
    except ParseError as error:
        raise _shown(error, text, "") from None
    except MarkedYAMLError as error:
        by_newer_rules = _with_urls(text, file, vault, warn, lazy) if _is_url(error) else None
        if by_newer_rules is not None:
            return by_newer_rules
        mark, problem = error.problem_mark or error.context_mark, str(error.problem or error.context)
        context = str(error.context or "")
        if error.context_mark is not None and ("quoted scalar" in context or "flow" in context):
            if "escape" not in problem:
                mark = error.context_mark        # where the quote or bracket was opened tells more than the end
            problem = f"{problem} {context}"
        origin = Origin(file, mark.line + 1, mark.column + 1)
        raise _shown(ParseError(f"YAML parsing failed: {problem}", origin=origin), text, problem) from None
    except (ReaderError, UnicodeEncodeError) as error:
        raise _bad_character(error, text, file) from None
    except YAMLError as error:
        raise ParseError(f"YAML parsing failed: {error}", origin=Origin(file)) from None
    for message in heard:
        warn(message)
    return found


def _is_url(error: MarkedYAMLError) -> bool:
    """Whether a parser stumbled over a `:` or `?` in a plain word between brackets, as a URL has them."""
    return "unexpected ':'" in str(error.problem) or "expected ',' or" in str(error.problem)


def _with_urls(
    text: str, file: str, vault: Vault | None, warn: Warn, lazy: bool
) -> list[tuple[Any, Origin]] | None:
    """The documents by the rules of YAML 1.2, which let `{url: http://host/path?query}` be; None when they fail too.

    Ansible's parser lets it be as well; the compiled one here is older.
    """
    try:
        return list(_Builder(file, vault, warn, lazy).documents(_events(text, pure=True, version=(1, 2))))
    except (YAMLError, ParseError):
        return None


def _shown(error: ParseError, text: str, problem: str) -> ParseError:
    """The same error with its line and a caret, and with a hint when the mistake is a usual one."""
    if error.origin is None:
        return error
    error.hint = explain(text, error.origin, problem) or error.hint
    error.message += pointed(text, error.origin)
    return error


def _bad_character(error: Exception, text: str, file: str) -> ParseError:
    position: int = getattr(error, "position", getattr(error, "start", 0))
    before = text[:position]
    origin = Origin(file, before.count("\n") + 1, position - before.rfind("\n"))
    code = ord(text[position]) if position < len(text) else 0
    return ParseError(
        f"YAML parsing failed: the character U+{code:04X} cannot stand in a YAML text", origin=origin,
        hint=f'Inside double quotes it can be written "\\u{code:04x}".',
    )


def _json(text: str, file: str) -> Any:
    """The text read as JSON, or _MISSING when it is none."""
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: YamlMap(pairs, origin=Origin(file)))
    except (ValueError, RecursionError):
        return _MISSING


def load_file(
    path: str | os.PathLike[str], *, vault: Vault | None = None, warn: Warn = _log.warning, lazy: bool = True
) -> Any:
    """`load` of a file, which may be encrypted as a whole. SourceError when it cannot be read."""
    text, sealed = read_text(path, vault=vault)
    try:
        return load(text, os.fspath(path), vault=vault, warn=warn, lazy=lazy)
    except ParseError as error:
        if sealed:
            error.message = error.message.partition("\n")[0]     # the line is a secret
        raise


def dump(
    value: Any, *, indent: int | None = None, default_flow_style: bool | None = False, width: int | None = None,
    sort_keys: bool = True, allow_unicode: bool = True, explicit_start: bool = False, explicit_end: bool = False,
) -> str:
    """A value as YAML 1.1 text, laid out as PyYAML does (and so Ansible's to_yaml and to_nice_yaml).

    `default_flow_style`: False each item on a line of its own, True all in brackets, None brackets for collections
    of plain scalars only. TypeError: a value that YAML has no form for.
    """
    out = io.StringIO()
    options: dict[str, Any] = {"indent": indent, "width": width, "allow_unicode": allow_unicode}
    if _COMPILED is not None:
        emit = _COMPILED.CEmitter(out, **options).emit
    else:
        emit = Emitter(out, dumper=YAML(typ="safe", pure=True), **options).emit
    emit(StreamStartEvent())
    emit(DocumentStartEvent(explicit=explicit_start))
    Writer(_Said(emit), default_flow_style, sort_keys).write(value)
    emit(DocumentEndEvent(explicit=explicit_end))
    emit(StreamEndEvent())
    text = out.getvalue()
    # A lone plain scalar gets a closing mark from some emitters and not from others.
    return text if explicit_end or children(value) is not None else text.removesuffix("...\n")


class _Said:
    """The emitter's events, as `Writer` says them."""

    def __init__(self, emit: Callable[[Any], None]) -> None:
        self.emit = emit

    def scalar(self, text: str, tag: str | None, plain: bool, style: str | None, anchor: str | None = None) -> None:
        quoted = tag is None
        self.emit(ScalarEvent(anchor, tag, (plain, quoted, quoted), text, style=style))

    def alias(self, anchor: str) -> None:
        self.emit(AliasEvent(anchor))

    def begin(self, kind: str, anchor: str | None, tag: str | None, flow: bool) -> None:
        start = MappingStartEvent if kind == "mapping" else SequenceStartEvent
        self.emit(start(anchor, tag, tag is None, flow_style=flow))

    def end(self, kind: str) -> None:
        self.emit(MappingEndEvent() if kind == "mapping" else SequenceEndEvent())
