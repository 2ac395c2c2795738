"""Stands in for `ansible.module_utils.common.arg_spec`: checks arguments apart from a module."""

from ....arguments import check
from ..errors import AnsibleValidationError, AnsibleValidationErrorMultiple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Set

    from ....arguments import Checked

RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
NO_MODULE = "Unsupported parameters for () module: "      # what the check says before their names


class ValidationResult(object):
    """What the check found out."""

    def __init__(self, done: "Checked", unsupported: "Set[Any]") -> None:
        self._no_log_values = set(done.secrets)
        self._unsupported_parameters = unsupported
        self._validated_parameters = dict(done.params)
        self._warnings, self._deprecations = list(done.warnings), list(done.deprecations)
        wrong = [AnsibleValidationError(done.misfit.replace(NO_MODULE, ""))] if done.misfit else []
        self.errors = AnsibleValidationErrorMultiple(wrong)

    @property
    def validated_parameters(self) -> "Dict[str, Any]":
        """The arguments, coerced, with defaults."""
        return self._validated_parameters

    @property
    def unsupported_parameters(self) -> "Set[Any]":
        """Names that are no options."""
        return self._unsupported_parameters

    @property
    def error_messages(self) -> "List[str]":
        """What is wrong."""
        return self.errors.messages


class ArgumentSpecValidator(object):
    """Checks arguments against a spec, and by these rules."""

    def __init__(self, argument_spec: "Dict[str, Any]", *rules: "Any", **named: "Any") -> None:
        self.argument_spec = argument_spec
        self._rules = dict(zip(RULES, rules), **named)  # noqa: B905 - Python 3.6 has no strict=

    def validate(self, parameters: "Dict[str, Any]", *_: "Any", **__: "Any") -> ValidationResult:
        """Check these."""
        done = check("", self.argument_spec, parameters, self._rules)
        known = {alias for option in self.argument_spec.values() for alias in (option or {}).get("aliases") or ()}
        return ValidationResult(done, set(parameters) - known - set(self.argument_spec))


ModuleArgumentSpecValidator = ArgumentSpecValidator
