"""What a task gets from the play, blocks and imports around it, settled while reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from asyncrun.errors import ParseError, suggest
from asyncrun.origin import Origin
from asyncrun.playbook.context import LoadContext
from asyncrun.playbook.keywords import BY_NAME, ON_TASKS, ROLE, Keyword
from asyncrun.playbook.model import Become, OrOuter, Raw, Role
from asyncrun.playbook.values import check, check_variables, is_template, several, tag_words, type_name
from asyncrun.source import origin_of

PLACES = {"P": "Play", "B": "Block", "T": "Task", "H": "Handler"}
RESERVED_TAGS = frozenset(("all", "tagged", "untagged"))

Layers = tuple[Mapping[str, Any], ...]
RenderTag = Callable[[str, Origin | None, Layers], Any]


@dataclass(frozen=True, slots=True)
class Inherited:
    """Everything that comes from outside, outermost first. Plain data: it travels with include_tasks.

    `values`: fields of the model where the nearest one holds. `base` is the folder of the playbook.
    """

    values: Mapping[str, Raw] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    become: Become = field(default_factory=Become)
    tags: frozenset[str] = frozenset()
    when: tuple[Raw, ...] = ()
    vars: tuple[Mapping[str, Raw], ...] = ()
    environment: tuple[Raw, ...] = ()
    module_defaults: tuple[Raw, ...] = ()
    directory: str = ""
    base: str = ""
    role: Role | None = None
    collections: tuple[str, ...] = ()          # where short names are looked for first

    @property
    def search(self) -> tuple[str, ...]:
        """Where files are looked for, nearest first: the role, those around it, the file's folder, the playbook's."""
        roles = reversed(self.role.own) if self.role else ()
        return tuple(dict.fromkeys((*(each.path for each in roles), self.directory, self.base)))

    def fields(self) -> dict[str, Any]:
        """The arguments for a Task that come from here."""
        return {
            **self.values, "become": self.become, "tags": self.tags, "when": self.when, "vars": self.vars,
            "environment": self.environment, "module_defaults": self.module_defaults, "directory": self.directory,
            "role": self.role, "search": self.search,
        }

    def at(self, directory: str) -> Inherited:
        """The same, for what stands in a file of another folder."""
        return replace(self, directory=directory)


class Settler:
    """Puts the keywords of one mapping under what is inherited, checking each on its way."""

    def __init__(self, ctx: LoadContext, render_tag: RenderTag) -> None:
        self._catalog = ctx.catalog
        self._warn = ctx.warn
        self._beware = ctx.beware
        self._render_tag = render_tag

    def settle(self, data: Mapping[Any, Any], outer: Inherited, place: str, *, with_vars: bool = True) -> Inherited:
        """`outer` with the inheritable keywords of `data` in it. `place`: Play, Block, Task... for error texts."""
        new: dict[str, Any] = {}
        become: dict[str, Any] = {}
        values: dict[str, Raw] = {}
        origins: dict[str, Origin] = {}
        leaf = place in ("Task", "Handler")
        for name, value in data.items():
            keyword = BY_NAME.get(name)
            if keyword is None or (value is None and name != "tags") or _is_not_meant(keyword, place):
                continue
            at = origin_of(data, name)
            if at is not None and (leaf or keyword.inherit != "none"):
                origins[name] = at
            check(name, keyword.kind, value, at)
            if keyword.inherit == "none":
                continue
            if name == "collections":
                new[name] = tuple(str(each) for each in several(value))
            elif name.startswith("become"):
                become[keyword.field] = _or_outer(value, getattr(outer.become, keyword.field))
            elif keyword.inherit in ("replace", "given"):
                values[keyword.field] = _nearest(keyword, value, outer)
            elif name != "vars" or with_vars:
                new[name] = self._longer(keyword, data, outer, place)
        if become:
            new["become"] = replace(outer.become, **become)
        if values:
            new["values"] = {**outer.values, **values}
        if origins:
            new["origins"] = {**outer.origins, **origins}
        return replace(outer, **new) if new else outer

    def _longer(self, keyword: Keyword, data: Mapping[Any, Any], outer: Inherited, place: str) -> Any:
        """The inherited collection with this keyword's value behind it."""
        value, at = data[keyword.name], origin_of(data, keyword.name)
        if keyword.name == "tags":
            own = data.get("vars")
            return outer.tags | self.tags(value, at, (*outer.vars, own) if isinstance(own, Mapping) else outer.vars)
        if keyword.name == "vars":
            check_variables(value, place, at, lambda key: origin_of(value, key, of="key"))
            self._beware(value)
            return (*outer.vars, value)
        if keyword.name == "environment":
            return (*outer.environment, *self._environment(value, at))
        if keyword.name == "module_defaults":
            return (*outer.module_defaults, *self._defaults(value, at))
        return (*outer.when, *several(value))

    def tags(self, value: Any, at: Origin | None, layers: Layers = ()) -> frozenset[str]:
        """The words of a `tags` keyword, templates in them rendered with `layers` of variables, outermost first."""
        words: list[str] = []
        for word in tag_words(self._rendered_tag(value, at, layers), at):
            words += tag_words(self._rendered_tag(word, at, layers), at) if is_template(word) else [word]
        reserved = sorted(RESERVED_TAGS.intersection(words))
        if reserved:
            self._warn(f"{at}: Found reserved tagnames in tags: {reserved}: --tags gives them a meaning of its own")
        return frozenset(words)

    def _rendered_tag(self, value: Any, at: Origin | None, layers: Layers) -> Any:
        """A tag, or a list of them, rendered where it is a template; one that is omitted is none."""
        if not is_template(value):
            return value
        rendered = self._render_tag(value, at, layers)
        return [] if rendered is None else rendered

    def _environment(self, value: Any, at: Origin | None) -> list[Raw]:
        kept = []
        for each in several(value):
            if isinstance(each, Mapping) or is_template(each):
                kept.append(each)
            elif each is not None:
                where = f"{at}: " if at else ""
                self._warn(f"{where}an environment has to be a dict, not a {type_name(each)}: it is left out")
        return kept

    def _defaults(self, value: Any, at: Origin | None) -> list[Raw]:
        """module_defaults with canonical names for keys."""
        kept: list[Raw] = []
        for each in several(value):
            if not isinstance(each, Mapping):
                raise ParseError(
                    "The field 'module_defaults' is supposed to be a dictionary or list of dictionaries", origin=at,
                    hint="Its keys are names of modules; only what is below them may be a template.",
                )
            kept.append({self._default_name(name, each): args for name, args in each.items()})
        return kept

    def _default_name(self, name: Any, defaults: Mapping[Any, Any]) -> str:
        at = origin_of(defaults, name, of="key")
        if not isinstance(name, str):
            raise ParseError(f"a module's name has to be a text, not a {type_name(name)}", origin=at)
        if name.startswith("group/"):
            return name
        canonical = self._catalog.canonical(name)
        if canonical is None:
            raise ParseError(
                f"Could not resolve action {name} in module_defaults", origin=at,
                hint=suggest(name, self._catalog.names),
            )
        return canonical


def _nearest(keyword: Keyword, value: Raw, outer: Inherited) -> Raw:
    if keyword.inherit == "given":
        return _or_outer(value, outer.values.get(keyword.field))
    return several(value) if keyword.name == "notify" else value


def _or_outer(value: Raw, outer: Raw) -> Raw:
    """What a keyword says; what is said around it is kept where a template may turn out to be `omit`."""
    return OrOuter(value, outer) if is_template(value) and outer is not None else value


def _is_not_meant(keyword: Keyword, place: str) -> bool:
    """Whether a key of that name is something else: of a task a module (`user`), of a role a parameter."""
    if place == "Role":
        return ROLE not in keyword.on
    return place in ("Task", "Handler") and not set(keyword.on).intersection(ON_TASKS)


def key_origin(data: object, name: object) -> Origin | None:
    """Where a key was written, or at least its mapping."""
    return origin_of(data, name, of="key") or origin_of(data)


def unknown_keyword(name: object, place: str, known: Mapping[str, Any], at: Origin | None) -> ParseError:
    """The error for a keyword that nothing knows, or that cannot stand here."""
    hint = suggest(str(name), known)
    if hint is None and name in BY_NAME:
        places = [PLACES[letter] for letter in BY_NAME[str(name)].on if letter in PLACES]
        hint = f"It may stand on: {', '.join(places)}."
    return ParseError(f"'{name}' is not a valid attribute for a {place}", origin=at, hint=hint)


__all__ = ["Inherited", "Settler", "key_origin", "unknown_keyword"]
