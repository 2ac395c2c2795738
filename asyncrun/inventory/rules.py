"""How inventories are read: what settings say, and what those above hand in, for the readers to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

IGNORED = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry")
PLUGINS = ("host_list", "script", "auto", "yaml", "ini", "toml")


@dataclass(frozen=True, slots=True)
class Templates:
    """What `constructed` and `generator` render with; each raises TemplateError.

    `evaluate` gives an expression's value, `test` whether a condition holds, `render` a value with templates in it.
    """

    evaluate: Callable[[str, Mapping[str, Any]], Any]
    test: Callable[[Any, Mapping[str, Any]], bool]
    render: Callable[[Any, Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Rules:
    """How sources are read: names passed over in folders, what missing ones are, and seconds a script may take."""

    ignore_extensions: Sequence[str] = IGNORED
    ignore_patterns: Sequence[str] = ()
    unparsed_is_failed: bool = False               # no source could be read
    any_unparsed_is_failed: bool = False           # one source could not be read
    unparsed_warning: bool = True
    script_timeout: float = 60.0
    plugins: Sequence[str] = PLUGINS               # the kinds of inventory that are read; the first that fits counts
    group_names: str = "never"                     # what is done with those that are no identifiers
    templates: Templates | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)         # -e, where expressions may use it
    extra_everywhere: bool = False                 # ... which they may without asking for it
    vars_files: Callable[[str, str, str], Mapping[str, Any]] | None = None     # (folder, "group_vars", name)
    ansible_inventory: str = "ansible-inventory"   # the program that reads what no reader here does
