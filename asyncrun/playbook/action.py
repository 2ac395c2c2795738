"""Which module a task calls, in any of the ways it may be written, and with which arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asyncrun.catalog import BUILTIN_PREFIXES, WHOLE_TEMPLATE, Catalog
from asyncrun.errors import ParseError, UndefinedError, suggest
from asyncrun.origin import Origin
from asyncrun.playbook.inherit import key_origin, unknown_keyword
from asyncrun.playbook.keywords import BY_NAME, Keyword
from asyncrun.playbook.values import is_template, several, type_name
from asyncrun.source import Sealed, origin_of
from asyncrun.source.arguments import split_args

# Names that the loader itself knows; an include_tasks is left for the engine.
IMPORT_TASKS, IMPORT_PLAYBOOK, INCLUDE_TASKS = "import_tasks", "import_playbook", "include_tasks"
IMPORT_ROLE, INCLUDE_ROLE = "import_role", "include_role"
ROLE_ACTIONS = frozenset((IMPORT_ROLE, INCLUDE_ROLE))
LOADED = frozenset((IMPORT_TASKS, IMPORT_PLAYBOOK, INCLUDE_TASKS, *ROLE_ACTIONS))

# A free text is the whole command for these; only the listed options are taken out of it.
COMMANDS = frozenset(("command", "shell", "raw", "script"))
COMMAND_OPTIONS = frozenset((
    "chdir", "creates", "executable", "removes", "stdin", "stdin_add_newline", "strip_empty_ends", "warn",
))
RAW = "_raw_params"
# In place of a canonical name: the name is a template of variables that a host has, and known when it is its turn.
LATE, LATE_TEXT = "{{ }}", "_text"

RenderName = Callable[[str, Origin | None], Any]


@dataclass(frozen=True, slots=True)
class Found:
    """The action of a task: its canonical name, as it was written, its arguments, and whether it is to run here.

    `args` knows the origins of its values where it was written as one mapping.
    """

    name: str
    written: str
    args: Mapping[str, Any]
    origin: Origin | None
    local: bool = False


class ActionFinder:
    """Finds the action of a task; `render` gives the name when it is a template."""

    def __init__(self, catalog: Catalog, render: RenderName) -> None:
        self._catalog = catalog
        self._render = render

    def find(
        self, data: Mapping[Any, Any], known: Mapping[str, Keyword], place: str, collections: Sequence[str] = ()
    ) -> Found:
        """The action of the task `data`, where `known` are the keywords. ParseError: none, two, or not to be found.

        `collections` are searched first for a short name.
        """
        collections = several(data.get("collections")) or collections
        if collections:
            return ActionFinder(self._catalog.searching(tuple(map(str, collections))), self._render).find_here(
                data, known, place)
        return self.find_here(data, known, place)

    def find_here(self, data: Mapping[Any, Any], known: Mapping[str, Keyword], place: str) -> Found:
        """`find` without a search list."""
        names = [key for key in data if key not in known and not (isinstance(key, str) and key.startswith("with_"))]
        long_form = [key for key in ("action", "local_action") if key in data]
        if len(long_form) == 2:
            raise ParseError("action and local_action are mutually exclusive", origin=key_origin(data, long_form[1]))
        if long_form:
            found = self._from_long_form(data, long_form[0])
            self._only(found.written, names, data, known, place)
        else:
            name = self._module_key(names, data, known, place)
            at = origin_of(data, name) or origin_of(data)
            found = Found(self._named(name, key_origin(data, name)), name, {}, at)
            found = self._with_args(found, data[name])
        return self._with_args_keyword(found, data)

    def parsed(self, name: str, text: str, at: Origin | None) -> Found:
        """The action for a name and the text of its arguments."""
        return self._with_args(Found(self._named(name, at), name, {}, at), text or None)

    def _module_key(self, names: list[Any], data: Mapping[Any, Any], known: Mapping[str, Keyword], place: str) -> str:
        if not names:
            raise ParseError(
                "no module/action detected in task.", origin=origin_of(data),
                hint="A task names a module: debug, copy, command, ...",
            )
        modules = [name for name in names if self._is_action(name)]
        if len(modules) == 1:
            self._only(modules[0], [name for name in names if name != modules[0]], data, known, place)
            return str(modules[0])
        if len(names) > 1:
            raise self._conflict(modules or names, data, known)
        if not isinstance(names[0], str) or names[0] in BY_NAME:
            raise unknown_keyword(names[0], place, known, key_origin(data, names[0]))
        raise self._unknown(names[0], known).at(key_origin(data, names[0]))

    def _only(
        self, action: str, others: list[Any], data: Mapping[Any, Any], known: Mapping[str, Keyword], place: str
    ) -> None:
        """ParseError when something stands beside the action that is no keyword."""
        if not others:
            return
        if self._is_action(others[0]):
            raise self._conflict([action, *others], data, known)
        raise unknown_keyword(others[0], place, known, key_origin(data, others[0]))

    def _conflict(self, names: list[Any], data: Mapping[Any, Any], known: Mapping[str, Keyword]) -> ParseError:
        hints = [suggest(str(name), known) for name in names if not self._is_action(name)]
        return ParseError(
            f"conflicting action statements: {', '.join(map(str, names))}",
            origin=key_origin(data, names[1] if names[1] in data else names[0]),
            hint=next((hint for hint in hints if hint), "A task calls one module; make two tasks of it."),
        )

    def _is_action(self, name: object) -> bool:
        return isinstance(name, str) and (short_name(name) in LOADED or name in self._catalog)

    def _named(self, name: str, at: Origin | None) -> str:
        """The canonical name."""
        if short_name(name) in LOADED:
            return short_name(name)
        canonical = self._catalog.canonical(name)
        if canonical is None:
            raise self._unknown(name, {}).at(at)
        return canonical

    def _unknown(self, name: str, known: Mapping[str, Keyword]) -> ParseError:
        error = self._catalog.unknown(name)
        if short_name(name) == "include":
            error.hint = "Write include_tasks or import_tasks."
        return ParseError(error.message, hint=error.hint or suggest(name, known))

    def _from_long_form(self, data: Mapping[Any, Any], key: str) -> Found:
        value, at = data[key], origin_of(data, key) or origin_of(data)
        given: dict[str, Any] = {}
        if isinstance(value, Mapping):
            given = {name: each for name, each in value.items() if name != "module"}
            value = value.get("module")
            if value is None:
                raise ParseError("no module/action detected in task.", origin=at, hint=f"{key}: needs a `module`.")
        if not isinstance(value, str):
            raise ParseError(f"unexpected parameter type in action: {type_name(value)}", origin=at)
        name, text = _templated_name(value) if value.lstrip().startswith("{{") else _plain_name(value)
        if not name:
            raise ParseError("no module/action detected in task.", origin=at)
        inner = given.get("args")
        if isinstance(inner, Mapping):
            given = {**{key: each for key, each in given.items() if key != "args"}, **inner}
        found = self._under_name(name, text, at, local=key == "local_action")
        return _with(found, {**given, **found.args})

    def _under_name(self, written: str, text: str, at: Origin | None, local: bool) -> Found:
        """The action of a name that may be a template, with the text of its arguments."""
        name = self._early(written, at) if is_template(written) else written
        if name is None:
            return Found(LATE, written, {LATE_TEXT: text} if text else {}, at, local)
        return self._with_args(Found(self._named(name, at), written, {}, at, local), text or None)

    def _early(self, template: str, at: Origin | None) -> str | None:
        """The name that a template gives before any host is known; None where it gives none."""
        try:
            name = self._render(template, at)
        except ParseError as error:
            if not isinstance(error.__cause__, UndefinedError):
                raise
            return None
        return name if self._is_action(name) else None

    def _with_args(self, found: Found, value: Any) -> Found:
        """The action with the arguments written after its name."""
        if value is None:
            return found
        if isinstance(value, Mapping):
            return _with(found, value)
        if isinstance(value, Sealed) and found.name in COMMANDS:
            return _with(found, {RAW: value})
        if not isinstance(value, str):
            raise ParseError(
                f"unexpected parameter type in action: {type_name(value)}", origin=found.origin,
                hint=f"The arguments of {found.written} are a mapping, or a text of name=value.",
            )
        known = COMMAND_OPTIONS if found.name in COMMANDS else None
        options, rest = split_args(value, known, origin=found.origin)
        if not rest.strip():
            return _with(found, dict(options))
        if found.name in COMMANDS or found.name in LOADED:
            return _with(found, {**options, RAW: rest})
        return _with(found, {**options, self._free_name(found, rest): rest})

    def _free_name(self, found: Found, rest: str) -> str:
        """The name under which a free text is an argument. A module that takes none fails when it is its turn."""
        entry = self._catalog.find(found.name)
        free = None if entry.spec is None else entry.spec.get("free_form")
        if free:
            return str(free)
        return WHOLE_TEMPLATE if is_template(rest) else RAW

    def _with_args_keyword(self, found: Found, data: Mapping[Any, Any]) -> Found:
        """The action with the `args` keyword under its own arguments."""
        more = data.get("args")
        if more is None:
            return found
        if is_template(more):
            return _with(found, {WHOLE_TEMPLATE: more, **found.args})
        if not isinstance(more, Mapping):
            raise ParseError(
                "The value of the task `args` keyword is invalid.", origin=origin_of(data, "args"),
                hint="It is a mapping of arguments, or a template that gives one.",
            )
        return _with(found, {**more, **found.args})


def short_name(name: str) -> str:
    """The name without the prefix of what is built in."""
    for prefix in BUILTIN_PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _plain_name(text: str) -> tuple[str, str]:
    name, *rest = text.split(maxsplit=1)[:2] or [""]
    return name, rest[0] if rest else ""


def _templated_name(text: str) -> tuple[str, str]:
    """A name that is a template with spaces in it, and what follows."""
    name, brace, rest = text.strip().partition("}}")
    return name + brace, rest.strip()


def _with(found: Found, args: Mapping[str, Any]) -> Found:
    return Found(found.name, found.written, args, found.origin, found.local)


__all__ = ["ActionFinder", "Found", "short_name"]
