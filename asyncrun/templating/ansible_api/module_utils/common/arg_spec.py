"""ansible.module_utils.common.arg_spec: arguments checked against a specification."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from asyncrun.remote.argspec import Misfit, checked

RULES: Final = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")


class ValidationErrors:
    """What is wrong."""

    def __init__(self, messages: Sequence[str] = ()) -> None:
        self.messages = list(messages)
        self.errors = self.messages

    @property
    def msg(self) -> str:
        """The first of it."""
        return self.messages[0] if self.messages else ""

    def __bool__(self) -> bool:
        return bool(self.messages)

    def __len__(self) -> int:
        return len(self.messages)


class ValidationResult:
    """The arguments as they are meant, or what is wrong with them."""

    def __init__(self, parameters: Mapping[str, Any], errors: Sequence[str] = ()) -> None:
        self.validated_parameters = dict(parameters)
        self.errors = ValidationErrors(errors)
        self.unsupported_parameters: set[Any] = set()

    @property
    def error_messages(self) -> list[str]:
        """What is wrong."""
        return self.errors.messages


class ArgumentSpecValidator:
    """Checks arguments against a specification, as modules' are."""

    def __init__(self, argument_spec: Mapping[str, Any], *rules: Any, **named: Any) -> None:
        given: dict[str, Any] = dict(zip(RULES, rules, strict=False))
        given.update({name: named[name] for name in RULES if name in named})
        self.argument_spec = argument_spec
        self._spec = {"options": _options(argument_spec), **{name: each for name, each in given.items() if each}}
        if isinstance(self._spec.get("mutually_exclusive"), list | tuple):
            self._spec["mutually_exclusive"] = _groups(self._spec["mutually_exclusive"])

    def validate(self, parameters: Mapping[str, Any], *_args: Any, **_options: Any) -> ValidationResult:
        """The result; it never raises for what is wrong with the arguments."""
        given = {**_fallbacks(self.argument_spec, parameters), **parameters}
        try:
            return ValidationResult(checked(self._spec, given))
        except Misfit as error:
            return ValidationResult(parameters, [str(error).replace(" for () module", "")])


ModuleArgumentSpecValidator = ArgumentSpecValidator


def _options(spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The options, with the types that are functions as "raw"."""
    found: dict[str, dict[str, Any]] = {}
    for name, option in spec.items():
        made = {key: value for key, value in (option or {}).items() if key not in ("fallback", "removed_in_version")}
        if made.get("type") is not None and not isinstance(made["type"], str):
            made["type"] = "raw"
        if made.get("type") == "jsonarg":
            made["type"] = "json"
        if isinstance(made.get("options"), Mapping):
            made["options"] = _options(made["options"])
        found[name] = made
    return found


def _groups(names: Sequence[Any]) -> list[Any]:
    """Groups of names; one group may be written without its own brackets."""
    return [list(names)] if names and all(isinstance(each, str) for each in names) else list(names)


def _fallbacks(spec: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, option in spec.items():
        function, *args = (option or {}).get("fallback") or (None,)
        if function is None or parameters.get(name) is not None:
            continue
        try:
            found[name] = function(*(args[0] if args else ()))
        except AnsibleFallbackNotFound:
            continue
    return found


class AnsibleFallbackNotFound(Exception):
    """No fallback has a value."""


def env_fallback(*args: str, **_options: Any) -> str:
    """The value of the first environment variable that is there. AnsibleFallbackNotFound."""
    for name in args:
        if name in os.environ:
            return os.environ[name]
    raise AnsibleFallbackNotFound


__all__ = ["AnsibleFallbackNotFound", "ArgumentSpecValidator", "ModuleArgumentSpecValidator", "ValidationErrors",
           "ValidationResult", "env_fallback"]
