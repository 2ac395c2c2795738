"""ansible.plugins.lookup: the base of lookups, and the built-in ones as classes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from asyncrun.templating.ansible_api.errors import AnsibleError, AnsibleFileNotFound
from asyncrun.templating.ansible_api.parsing.dataloader import DataLoader
from asyncrun.templating.ansible_api.plugins import AnsiblePlugin
from asyncrun.templating.ansible_api.plugins.definitions import Definitions, OptionSources
from asyncrun.templating.ansible_api.template import Templar
from asyncrun.templating.lookups.context import LookupContext


class LookupBase(AnsiblePlugin):
    """What people's lookups derive from: `run(terms, variables, **kwargs)` gives a list."""

    _loader: Any = None
    _templar: Any = None

    def __init__(self, loader: Any = None, templar: Any = None, **_more: Any) -> None:
        super().__init__()
        self._loader = loader
        self._templar = templar

    def prepare(self, name: str, definitions: Definitions, context: LookupContext) -> None:
        """Give an instance what it needs, whether or not its own __init__ called ours."""
        config = context.services.get("config")
        self._load_name = name
        self._definitions = definitions
        self._sources = OptionSources(getattr(config, "file", None))
        self._loader = self._loader or DataLoader(context)
        self._templar = self._templar or Templar(context=context)

    @abstractmethod
    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[Any]:
        """What the terms find."""

    def get_basedir(self, variables: Mapping[str, Any]) -> str:
        """The role's folder, in a role; else the playbook's."""
        if "role_path" in variables:
            return str(variables["role_path"])
        return str(self._loader.get_basedir())

    def find_file_in_search_path(
        self, myvars: Mapping[str, Any], subdir: str, needle: str, ignore_missing: bool = False
    ) -> str | None:
        """The file that a name means, from the role's folder to the playbook's. None, and a warning, for none."""
        search = myvars["ansible_search_path"] if "ansible_search_path" in myvars else [self.get_basedir(myvars)]
        try:
            return str(self._loader.path_dwim_relative_stack(search, subdir, needle, is_role="role_path" in myvars))
        except AnsibleFileNotFound:
            if not ignore_missing:
                self._display.warning(f"Unable to find '{needle}' in expected paths (use -vvvvv to see paths)")
        return None

    def _flatten(self, terms: Sequence[Any]) -> list[Any]:
        """The terms, and what is in those that are lists."""
        return [each for term in terms for each in (term if isinstance(term, list | tuple) else [term])]

    @staticmethod
    def _combine(a: Sequence[Any], b: Sequence[Any]) -> list[list[Any]]:
        """Every pair of an item of each, flat."""
        return [LookupBase._flat(one, other) for one in a for other in b]

    @staticmethod
    def _flat(*values: Any) -> list[Any]:
        return [each for value in values for each in (value if isinstance(value, list | tuple) else [value])]

    @staticmethod
    def _flatten_hash_to_list(terms: Mapping[Any, Any]) -> list[dict[str, Any]]:
        """A mapping as a list of key and value."""
        return [{"key": key, "value": value} for key, value in terms.items()]


class BuiltinLookup(LookupBase):
    """A built-in lookup as a class. `builtin`: its name."""

    builtin = ""

    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[Any]:
        """What it finds. AnsibleError: it failed."""
        if self._templar is None:
            raise AnsibleError(f"the lookup {self.builtin} needs a templar: LookupModule(loader=..., templar=...)")
        return list(self._templar.lookup(self.builtin, terms, variables, **kwargs))


def submodule(name: str) -> Mapping[str, Any] | None:
    """ansible.plugins.lookup.NAME: the built-in lookup of that name."""
    return {"LookupModule": type("LookupModule", (BuiltinLookup,), {"builtin": name}), "LookupBase": LookupBase}


__all__ = ["BuiltinLookup", "LookupBase", "submodule"]
