"""What a plugin's DOCUMENTATION says of its options, and how each gets its value."""

from __future__ import annotations

import configparser
import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from asyncrun.errors import AsyncrunError
from asyncrun.remote.argspec import Misfit, checked
from asyncrun.source import yaml
from asyncrun.templating.ansible_api.errors import AnsibleOptionsError, AnsibleRequiredOptionError

TYPES: Final[Mapping[str, str]] = {
    "string": "str", "integer": "int", "boolean": "bool", "dictionary": "dict", "any": "raw", "none": "raw",
    "tmppath": "path", "tmp": "path", "pathspec": "list", "pathlist": "list", "sid": "str", "jsonarg": "json",
}
NOT_OPTIONS: Final = ("_terms", "_raw", "_input", "_value")
_PARTS: Final = {"pathspec": ":", "pathlist": ","}


@dataclass(frozen=True)
class OptionSources:
    """Where options come from besides what is given: the configuration file that counts."""

    file: str | None = None

    @cached_property
    def ini(self) -> configparser.RawConfigParser:
        """The configuration file, with the sections of plugins too."""
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True, inline_comment_prefixes=(";",))
        if self.file is not None:
            parser.read_string(Path(self.file).read_text(encoding="utf-8-sig"))
        return parser


class Definitions:
    """The options of one plugin file; its documentation is read on first use."""

    def __init__(self, module: ModuleType | None) -> None:
        self._module = module

    @cached_property
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Each option's description, those of fragments included."""
        text = getattr(self._module, "DOCUMENTATION", None)
        if not isinstance(text, str):
            return {}
        said = _loaded(text, str(getattr(self._module, "__file__", "DOCUMENTATION")))
        found: dict[str, Any] = {}
        fragments = said.get("extends_documentation_fragment") or []
        for name in [fragments] if isinstance(fragments, str) else fragments:
            found.update(_fragment(str(name)).get("options") or {})
        return {name: each or {} for name, each in {**found, **(said.get("options") or {})}.items()}

    def settled(
        self, plugin: str, direct: Mapping[str, Any], variables: Mapping[str, Any], sources: OptionSources
    ) -> dict[str, tuple[Any, str]]:
        """Each option's value and where it is from. Raises AnsibleOptionsError."""
        found: dict[str, tuple[Any, str]] = {}
        for name, option in self.options.items():
            if name in NOT_OPTIONS and name not in direct:
                continue
            value, origin = _raw(name, option, direct, variables, sources)
            if value is None and option.get("required") and name not in direct:
                raise AnsibleRequiredOptionError(f"Required config '{name}' for '{plugin}' lookup plugin not provided.")
            found[name] = (_typed(plugin, name, option, value, origin), origin)
        return found


def _loaded(text: str, where: str) -> Mapping[str, Any]:
    try:
        loaded = yaml.load(text, where)
    except AsyncrunError as error:
        raise AnsibleOptionsError(f"the DOCUMENTATION of {where} is not YAML: {error.message}") from None
    return loaded if isinstance(loaded, dict) else {}


def _fragment(name: str) -> Mapping[str, Any]:
    """A part of documentation that several plugins share: NAMESPACE.COLLECTION.FRAGMENT[.PART]."""
    namespace, collection, fragment, part = (*name.split("."), "", "", "")[:4]
    if not fragment:
        return {}      # one of ansible-core's own
    try:
        module = importlib.import_module(
            f"ansible_collections.{namespace}.{collection}.plugins.doc_fragments.{fragment}")
    except ImportError as error:
        raise AnsibleOptionsError(f"the documentation fragment {name} cannot be loaded: {error}") from None
    text = getattr(module.ModuleDocFragment, (part or "DOCUMENTATION").upper(), "")
    return _loaded(text, name)


def _raw(
    name: str, option: Mapping[str, Any], direct: Mapping[str, Any], variables: Mapping[str, Any],
    sources: OptionSources,
) -> tuple[Any, str]:
    for given in (name, *(option.get("aliases") or ())):
        if given in direct:
            return direct[given], "Direct"
    for each in option.get("vars") or ():
        if each["name"] in variables:
            return variables[each["name"]], f"var: {each['name']}"
    for each in option.get("env") or ():
        if each["name"] in os.environ:
            return os.environ[each["name"]], f"env: {each['name']}"
    for each in option.get("ini") or ():
        if sources.ini.has_option(each["section"], each["key"]):
            return sources.ini.get(each["section"], each["key"]), str(sources.file)
    return option.get("default"), "default"


def _typed(plugin: str, name: str, option: Mapping[str, Any], value: Any, origin: str) -> Any:
    written = option.get("type", "str" if origin != "Direct" else "raw")
    if value is None or (str(value) in ("None", "none", "") and written == "none"):
        return None
    if written in _PARTS and isinstance(value, str):
        value = value.split(_PARTS[written])
    spec = {"type": TYPES.get(written, written), "elements": TYPES.get(option.get("elements", "raw"), option.get(
        "elements", "raw")), "choices": [*option["choices"]] if option.get("choices") else None}
    try:
        found = checked({"options": {name: spec}}, {name: value})[name]
    except (Misfit, KeyError) as error:
        raise AnsibleOptionsError(
            f"Config '{name}' for '{plugin}' lookup plugin from '{origin}' has an invalid value: {error}") from None
    if spec["type"] == "path":
        return os.path.expanduser(os.path.expandvars(found))      # noqa: PTH111 - it stays text
    if written in _PARTS:
        return [os.path.expanduser(os.path.expandvars(str(each))) for each in found]      # noqa: PTH111
    return found


__all__ = ["Definitions", "OptionSources"]
