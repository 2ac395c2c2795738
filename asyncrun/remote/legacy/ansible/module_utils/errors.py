"""Stands in for `ansible.module_utils.errors`: what checks of arguments raise."""

from ... import arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List

AnsibleFallbackNotFound = arguments.AnsibleFallbackNotFound


class AnsibleValidationError(Exception):
    """An argument is wrong."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)
        self.error_message = message
        self.msg = message


class AnsibleValidationErrorMultiple(AnsibleValidationError):
    """Several arguments are wrong."""

    def __init__(self, errors: "List[AnsibleValidationError]") -> None:
        self.errors = list(errors)
        AnsibleValidationError.__init__(self, self.errors[0].msg if self.errors else "")

    @property
    def messages(self) -> "List[str]":
        """What each says."""
        return [error.msg for error in self.errors]


for _name in ("AliasError", "ArgumentTypeError", "ArgumentValueError", "DeprecationError", "ElementError",
              "MutuallyExclusiveError", "NoLogError", "RequiredByError", "RequiredDefaultError", "RequiredError",
              "RequiredIfError", "RequiredOneOfError", "RequiredTogetherError", "SubParameterTypeError",
              "UnsupportedError"):
    globals()[_name] = type(_name, (AnsibleValidationError,), {"__doc__": "One kind of wrong argument."})
