"""A result as people see it: which of its keys are shown, and as JSON or YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from asyncrun.output.sanitise import clean
from asyncrun.output.yamltext import to_yaml

# Said elsewhere on the line, or by lines of their own.
_ALWAYS_HIDDEN = frozenset({"failed", "skipped", "warnings", "deprecations", "exception", "_ansible_verbose_always"})
_HIDDEN_BELOW_VVV = frozenset({"invocation", "diff"})
_BUILTIN = ("ansible.builtin.", "ansible.legacy.")
# debug shows what it was asked to show, and nothing of how it came about.
_DEBUG_HIDDEN = frozenset({
    "changed", "skip_reason", "false_condition", "item", "ansible_loop_var", "ansible_index_var", "ansible_loop",
    "invocation", "attempts", "changed_when_result", "failed_when_result", "warnings", "deprecations", "diff",
    "_ansible_verbose_override",
})
_INDENT = 4


def short(action: str) -> str:
    """An action's name without its collection, when that is the built-in one."""
    for prefix in _BUILTIN:
        action = action.removeprefix(prefix)
    return action


def always_shown(data: Mapping[str, Any], action: str) -> bool:
    """Whether the result is shown, indented, without any -v: what debug and assert are for.

    An action may say so itself (`_ansible_verbose_always`); a quiet assert has no message. A debug that could not even
    be rendered is a plain failure.
    """
    name = short(action)
    if "censored" in data:
        return False
    if name == "debug" and data.get("failed") and "failed_when_result" not in data:
        return False
    return bool(data.get("_ansible_verbose_always", name == "debug" or (name == "assert" and "msg" in data)))


def visible(data: Mapping[str, Any], action: str, verbosity: int) -> dict[str, Any]:
    """The keys of a result that people see at this verbosity."""
    shown = {key: value for key, value in data.items() if not str(key).startswith("_ansible_")}
    hidden = _ALWAYS_HIDDEN if verbosity > 2 else _ALWAYS_HIDDEN | _HIDDEN_BELOW_VVV
    if short(action) == "debug" and "skip_reason" not in shown:
        loop_names = {str(shown.get(name)) for name in ("ansible_loop_var", "ansible_index_var")}
        # beside a variable the item is shown, beside a message it is not
        hidden = (hidden | _DEBUG_HIDDEN | loop_names) if "msg" in shown else (hidden | _DEBUG_HIDDEN) - loop_names
    return {key: value for key, value in shown.items() if key not in hidden}


def dump(data: Mapping[str, Any], *, indent: bool = False, result_format: str = "json") -> str:
    """Plain data as text: JSON (on one line, or indented by 4), or YAML that begins on a new line. Safe to show."""
    if result_format == "yaml":
        try:
            text = to_yaml(_without_twins(data))
        except (RecursionError, ValueError) as error:
            text = to_yaml(_unshowable(error))
        return "\n" + _indented(clean(text))
    return clean(to_json(data, _INDENT if indent else None))


def to_json(data: Any, indent: int | None = None, separators: tuple[str, str] | None = None) -> str:
    """JSON with sorted keys; what JSON cannot say (a date, too deep a nest) becomes text."""
    try:
        return json.dumps(data, indent=indent, separators=separators, ensure_ascii=False, sort_keys=True, default=str)
    except TypeError:       # keys of several types cannot be sorted
        return json.dumps(data, indent=indent, separators=separators, ensure_ascii=False, default=str, skipkeys=True)
    except (RecursionError, ValueError) as error:
        return json.dumps(_unshowable(error))


def _unshowable(error: Exception) -> dict[str, str]:
    """What stands for a result with too deep a nest, or too long a number, to be written."""
    return {"msg": f"the result cannot be shown: {error}"}


def _without_twins(data: Mapping[str, Any]) -> dict[str, Any]:
    """stdout_lines and stderr_lines say again what stdout and stderr say."""
    twins = {f"{name}_lines" for name in ("stdout", "stderr") if name in data and f"{name}_lines" in data}
    return {key: "<omitted>" if key in twins else value for key, value in data.items()}


def _indented(text: str) -> str:
    return "\n".join(" " * _INDENT + line if line else line for line in text.split("\n"))
