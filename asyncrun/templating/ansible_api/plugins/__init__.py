"""ansible.plugins: what every plugin is, a thing with options."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from asyncrun.templating.ansible_api.plugins.definitions import Definitions, OptionSources
from asyncrun.templating.ansible_api.utils.display import Display

_log = logging.getLogger(__name__)


class AnsiblePlugin:
    """Options come from what is given directly, variables, the environment, the configuration file, defaults."""

    allow_extras = False      # whether options that are not documented are kept

    # Set on the class, so that a plugin whose __init__ does not call ours has them too.
    _load_name = ""
    _definitions: Definitions | None = None
    _sources = OptionSources()
    _options: dict[str, Any] | None = None
    _origins: dict[str, str] | None = None
    _display = Display()

    def set_options(
        self, task_keys: Any = None, var_options: Mapping[str, Any] | None = None,      # noqa: ARG002
        direct: Mapping[str, Any] | None = None,
    ) -> None:
        """Settle all options. Raises AnsibleOptionsError."""
        definitions = self._definitions or Definitions(None)
        found = definitions.settled(self._load_name, direct or {}, var_options or {}, self._sources)
        self._options = {name: value for name, (value, _) in found.items()}
        self._origins = {name: origin for name, (_, origin) in found.items()}
        if self.allow_extras:
            self._options["_extras"] = {
                name: value for name, value in (var_options or {}).items() if name.startswith(f"{self._load_name}_")
            } if self._load_name else {}

    def get_option_and_origin(self, option: str, hostvars: Mapping[str, Any] | None = None) -> tuple[Any, str]:
        """An option's value, and where it is from. KeyError: there is no such option."""
        if self._options is None:
            self.set_options(var_options=hostvars)
        options, origins = self._options or {}, self._origins or {}
        if option not in options:
            raise KeyError(f"Requested entry (plugin_type: lookup plugin: {self._load_name} setting: {option}) "
                           "was not defined in configuration.")
        return options[option], origins.get(option, "Direct")

    def get_option(self, option: str, hostvars: Mapping[str, Any] | None = None) -> Any:
        """An option's value. KeyError: there is no such option."""
        return self.get_option_and_origin(option, hostvars)[0]

    def get_options(self, hostvars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """All options."""
        if self._options is None:
            self.set_options(var_options=hostvars)
        return dict(self._options or {})

    def set_option(self, option: str, value: Any) -> None:
        """Change one."""
        if self._options is None:
            self.set_options()
        self._options = {**(self._options or {}), option: value}

    def has_option(self, option: str) -> bool:
        """Whether there is such an option."""
        return option in self.get_options()

    @property
    def option_definitions(self) -> Mapping[str, Any]:
        """What the documentation says of the options."""
        return (self._definitions or Definitions(None)).options


def submodule(name: str) -> Mapping[str, Any] | None:
    """ansible.plugins.KIND of which we have no more than that it is there."""
    return None if name not in ("action", "callback", "cache", "connection", "doc_fragments", "inventory") else {}


__all__ = ["AnsiblePlugin", "submodule"]
