"""ansible.template: the templar that lookups are given. As there, it renders only what is trusted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from asyncrun.errors import TemplateError, UndefinedError
from asyncrun.templating.ansible_api.errors import AnsibleError, AnsibleTemplateError, AnsibleUndefinedVariable
from asyncrun.templating.lookups.context import LookupContext
from asyncrun.templating.plainvars import PlainVars
from asyncrun.templating.values import is_template

T = TypeVar("T")


class Trusted(str):
    """A text that its author says is a template."""

    __slots__ = ()


def trust_as_template(value: str) -> str:
    """The text, as one that a templar renders."""
    return Trusted(value)


def is_trusted_as_template(value: Any) -> bool:
    """Whether a templar would render it."""
    return isinstance(value, Trusted)


def accept_args_markers(plugin: T) -> T:
    """The plugin as it is: names without a value never reach it."""
    return plugin


accept_lazy_markers = accept_args_markers


class Templar:
    """Renders templates that are trusted, with the variables of the task; all other values are data already."""

    def __init__(
        self, loader: Any = None, variables: Mapping[str, Any] | None = None, *, context: LookupContext | None = None
    ) -> None:
        self._loader = loader
        self._context: LookupContext | None = context or getattr(loader, "context", None)
        given = variables if variables is not None else self._context.variables if self._context else {}
        self.available_variables: Mapping[str, Any] = given if isinstance(given, PlainVars) else PlainVars(given)

    @property
    def environment(self) -> Any:
        """Jinja's environment."""
        return getattr(self._known.templar, "environment", None)

    @property
    def _known(self) -> LookupContext:
        if self._context is None:
            raise AnsibleError("this Templar knows no task: make it with the loader that the lookup was given")
        return self._context

    def template(self, variable: Any, *_args: Any, **_options: Any) -> Any:
        """`variable` with every trusted template in it rendered."""
        if isinstance(variable, Trusted):
            return self._called(lambda templar: templar.render(str(variable), self.available_variables))
        if isinstance(variable, Mapping) and isinstance(variable, dict):
            return {key: self.template(each) for key, each in variable.items()}
        if isinstance(variable, list | tuple):
            return [self.template(each) for each in variable]
        return variable

    do_template = template

    def evaluate_expression(self, expression: str, *, local_variables: Mapping[str, Any] | None = None, **_more: Any) \
            -> Any:
        """The value of a trusted expression without braces."""
        self._check(expression)
        known = PlainVars(self.available_variables, dict(local_variables or {}))
        return self._called(lambda templar: templar.evaluate(str(expression), known))

    def evaluate_conditional(self, conditional: str | bool) -> bool:
        """Whether a trusted condition holds."""
        self._check(conditional)
        return bool(self._called(lambda templar: templar.test(
            conditional if isinstance(conditional, bool) else str(conditional), self.available_variables)))

    def resolve_variable_expression(self, expression: str, **more: Any) -> Any:
        """The value of a variable."""
        return self.evaluate_expression(Trusted(expression), **more)

    def _check(self, expression: Any) -> None:
        if not isinstance(expression, Trusted | bool):
            raise AnsibleTemplateError("Encountered untrusted template or expression.")

    def _called(self, work: Callable[[Any], Any]) -> Any:
        try:
            return work(self._known.templar)
        except UndefinedError as error:
            raise AnsibleUndefinedVariable(error.message) from None
        except TemplateError as error:
            raise AnsibleTemplateError(error.message) from None

    def lookup(self, name: str, terms: Any, variables: Mapping[str, Any] | None, **options: Any) -> list[Any]:
        """What another lookup finds."""
        known = variables if variables is not None else self.available_variables
        found: list[Any] = self._called(lambda templar: templar.lookup(name, terms, known, **options))
        return found

    def is_template(self, data: Any) -> bool:
        """Whether there is a trusted template in it."""
        if isinstance(data, Mapping):
            return any(map(self.is_template, data.values()))
        if isinstance(data, list | tuple):
            return any(map(self.is_template, data))
        return is_trusted_as_template(data) and is_template(str(data))

    def is_possibly_template(self, data: Any, *_args: Any, **_options: Any) -> bool:
        """Whether a text looks like a template."""
        return is_template(data)

    def set_available_variables(self, variables: Mapping[str, Any]) -> None:
        """Use other variables from now on."""
        self.available_variables = variables

    @contextlib.contextmanager
    def set_temporary_context(self, **kwargs: Any) -> Iterator[None]:
        """Use other variables in a with block."""
        before = self.available_variables
        self.available_variables = kwargs.get("available_variables") or before
        try:
            yield
        finally:
            self.available_variables = before

    def copy_with_new_env(self, *, available_variables: Mapping[str, Any] | None = None, **_more: Any) -> Templar:
        """Another one, with other variables."""
        return Templar(self._loader, self.available_variables if available_variables is None else available_variables,
                       context=self._context)


def generate_ansible_template_vars(path: str, fullpath: str | None = None, dest_path: str | None = None) \
        -> dict[str, Any]:
    """The variables that templates have about themselves."""
    return {"template_path": path, "template_fullpath": fullpath or path, "template_destpath": dest_path}


__all__ = ["Templar", "accept_args_markers", "accept_lazy_markers", "generate_ansible_template_vars",
           "is_trusted_as_template", "trust_as_template"]
