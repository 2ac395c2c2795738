"""ansible.module_utils.errors: what is wrong with arguments."""

from __future__ import annotations

from asyncrun.templating.ansible_api.module_utils.common.arg_spec import AnsibleFallbackNotFound


class AnsibleValidationError(Exception):
    """An argument that does not fit."""

    @property
    def msg(self) -> str:
        """What is wrong."""
        return str(self)


class UnsupportedError(AnsibleValidationError):
    """An argument that there is not."""


class ArgumentTypeError(AnsibleValidationError):
    """An argument of the wrong type."""


class RequiredError(AnsibleValidationError):
    """An argument that is missing."""


class AliasError(AnsibleValidationError):
    """An alias that cannot be."""


class ArgumentValueError(AnsibleValidationError):
    """An argument with a value that it cannot have."""


class DeprecationError(AnsibleValidationError):
    """A deprecation that is not written right."""


class ElementError(AnsibleValidationError):
    """An item of a list of the wrong type."""


class MutuallyExclusiveError(AnsibleValidationError):
    """Arguments that exclude each other."""


class NoLogError(AnsibleValidationError):
    """A secret that cannot be told."""


class RequiredByError(AnsibleValidationError):
    """An argument that another one needs is missing."""


class RequiredDefaultError(AnsibleValidationError):
    """A required argument with a default."""


class RequiredIfError(AnsibleValidationError):
    """An argument is missing that a value of another one asks for."""


class RequiredOneOfError(AnsibleValidationError):
    """None of several arguments is given."""


class RequiredTogetherError(AnsibleValidationError):
    """One of several arguments is missing."""


class SubParameterTypeError(AnsibleValidationError):
    """A sub-option of the wrong type."""


__all__ = [
    "AliasError", "AnsibleFallbackNotFound", "AnsibleValidationError", "ArgumentTypeError", "ArgumentValueError",
    "DeprecationError", "ElementError", "MutuallyExclusiveError", "NoLogError", "RequiredByError",
    "RequiredDefaultError", "RequiredError", "RequiredIfError", "RequiredOneOfError", "RequiredTogetherError",
    "SubParameterTypeError", "UnsupportedError",
]
