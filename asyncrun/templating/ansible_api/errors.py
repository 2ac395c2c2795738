"""ansible.errors: the errors that plugins raise and catch. The text of each is its message.

AnsibleError
├── AnsibleAssertionError, AnsibleOptionsError (AnsibleRequiredOptionError), AnsibleParserError, AnsibleInternalError
├── AnsibleVaultError
└── AnsibleRuntimeError
    ├── AnsibleModuleError, AnsibleConnectionFailure, AnsibleAuthenticationFailure, AnsibleCallbackError
    ├── AnsibleTemplateError
    │   ├── AnsibleTemplateSyntaxError, AnsibleUndefinedVariable, AnsibleLookupError
    │   └── AnsibleFilterError (AnsibleFilterTypeError), AnsibleTypeError
    ├── AnsibleFileNotFound, AnsibleAction (AnsibleActionSkip, AnsibleActionFail)
    └── AnsiblePluginError (AnsiblePluginNotFound, AnsiblePluginRemovedError, AnsiblePluginCircularRedirect)
"""

from __future__ import annotations

from typing import Any


class AnsibleError(Exception):
    """The root. Everything but the message is taken for the sake of those who give it."""

    def __init__(
        self, message: Any = "", obj: Any = None, show_content: bool = True, suppress_extended_error: Any = None,
        orig_exc: BaseException | None = None, help_text: str | None = None, **_more: Any,
    ) -> None:
        super().__init__(message)
        self.obj = obj
        self.show_content = show_content
        self.orig_exc = orig_exc
        self.help_text = help_text
        self.suppress_extended_error = suppress_extended_error

    @property
    def message(self) -> str:
        """The text, with that of the error it was made of where it does not say it already."""
        text = str(self.args[0]) if self.args and self.args[0] is not None else ""
        more = str(self.orig_exc) if self.orig_exc is not None else ""
        return f"{text}: {more}" if more and more not in text else text

    def __str__(self) -> str:
        return self.message


class AnsibleAssertionError(AnsibleError, AssertionError):
    """An assertion does not hold."""


class AnsibleOptionsError(AnsibleError):
    """An option has a value that it cannot have."""


class AnsibleRequiredOptionError(AnsibleOptionsError):
    """An option that has to be given is not."""


class AnsibleParserError(AnsibleError):
    """A text is not what it has to be."""


class AnsibleJSONParserError(AnsibleParserError):
    """A text is not JSON."""


class AnsibleInternalError(AnsibleError):
    """Something that should not happen."""


class AnsibleVaultError(AnsibleError):
    """An encrypted text cannot be opened."""


class AnsibleRuntimeError(AnsibleError):
    """Something went wrong in a task."""


class AnsibleModuleError(AnsibleRuntimeError):
    """A module failed."""


class AnsibleConnectionFailure(AnsibleRuntimeError):
    """A host cannot be talked to."""


class AnsibleAuthenticationFailure(AnsibleConnectionFailure):
    """A host does not let us in."""


class AnsibleCallbackError(AnsibleRuntimeError):
    """A callback failed."""


class AnsibleTemplateError(AnsibleRuntimeError):
    """A template cannot be rendered."""


class AnsibleTemplateSyntaxError(AnsibleTemplateError):
    """A template is not written right."""


class AnsibleUndefinedVariable(AnsibleTemplateError):
    """A name has no value."""


class AnsibleLookupError(AnsibleTemplateError):
    """A lookup failed."""


class AnsibleFilterError(AnsibleTemplateError):
    """A filter failed."""


class AnsibleFilterTypeError(AnsibleFilterError, TypeError):
    """A filter was given something of the wrong type."""


class AnsibleTypeError(AnsibleTemplateError, TypeError):
    """Something is of the wrong type."""


class AnsibleFileNotFound(AnsibleRuntimeError):
    """A file that is not at any of `paths`."""

    def __init__(self, message: Any = "", *args: Any, paths: Any = None, file_name: str | None = None, **more: Any) \
            -> None:
        if file_name is not None:
            message = f"{message}\nCould not find or access '{file_name}'".strip()
        if paths is not None:
            message = f"{message}\nSearched in: {paths if isinstance(paths, str) else ', '.join(map(str, paths))}"
        super().__init__(message, *args, **more)
        self.paths = paths
        self.file_name = file_name


class AnsibleAction(AnsibleRuntimeError):
    """How an action ends early, with a result."""

    def __init__(self, message: Any = "", *args: Any, result: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(message, *args, **more)
        self.result: dict[str, Any] = {} if result is None else result


class AnsibleActionSkip(AnsibleAction):
    """The task was not for this host."""

    def __init__(self, message: Any = "", *args: Any, **more: Any) -> None:
        super().__init__(message, *args, **more)
        self.result.update({"skipped": True, "msg": str(message)})


class AnsibleActionFail(AnsibleAction):
    """The task failed."""

    def __init__(self, message: Any = "", *args: Any, **more: Any) -> None:
        super().__init__(message, *args, **more)
        self.result.update({"failed": True, "msg": str(message)})


class AnsiblePluginError(AnsibleRuntimeError):
    """A plugin that cannot be had."""

    def __init__(self, message: Any = None, plugin_load_context: Any = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.plugin_load_context = plugin_load_context


class AnsiblePluginNotFound(AnsiblePluginError):
    """There is no such plugin."""


class AnsiblePluginRemovedError(AnsiblePluginError):
    """The plugin is no more."""


class AnsiblePluginCircularRedirect(AnsiblePluginError):
    """A plugin was renamed to itself."""
