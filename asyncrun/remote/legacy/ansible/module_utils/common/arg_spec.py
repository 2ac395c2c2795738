"""Stands in for `ansible.module_utils.common.arg_spec`: checks arguments apart from a module."""

from ....arguments import check
from ..errors import AnsibleValidationError, AnsibleValidationErrorMultiple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from ....arguments import Checked


class ValidationResult(object):
    """What the check found out."""

    def __init__(self, done: "Checked") -> None:
        self._no_log_values = set(done.secrets)
        self._validated_parameters = dict(done.params)
        self._warnings, self._deprecations = list(done.warnings), list(done.deprecations)
        wrong = [AnsibleValidationError(done.misfit)] if done.misfit else []
        self.errors = AnsibleValidationErrorMultiple(wrong)

    @property
    def validated_parameters(self) -> "Dict[str, Any]":
        """The arguments, coerced, with defaults."""
        return self._validated_parameters

    @property
    def error_messages(self) -> "List[str]":
        """What is wrong."""
        return self.errors.messages


class ArgumentSpecValidator(object):
    """Checks arguments against a spec."""

    def __init__(self, argument_spec: "Dict[str, Any]", **rules: "Any") -> None:
        self.argument_spec = argument_spec
        self._rules = rules

    def validate(self, parameters: "Dict[str, Any]", *_: "Any", **__: "Any") -> ValidationResult:
        """Check these."""
        done = check("", self.argument_spec, parameters, self._rules)
        return ValidationResult(done)


ModuleArgumentSpecValidator = ArgumentSpecValidator
