"""yaml, for plugins, where PyYAML is not installed: reading and writing by the parser of playbooks."""

from __future__ import annotations

from typing import Any, NoReturn

from asyncrun.errors import AsyncrunError
from asyncrun.source import yaml as playbooks
from asyncrun.templating.values import plain

__version__ = "6.0"
__with_libyaml__ = False


class YAMLError(Exception):
    """A text that is no YAML, or a value that YAML has no form for."""


class MarkedYAMLError(YAMLError):
    """The same."""


class SafeLoader:
    """Named by those who load: there is one way to."""


class SafeDumper:
    """Named by those who dump: there is one way to."""


BaseLoader = FullLoader = Loader = SafeLoader
Dumper = SafeDumper


def _text(stream: Any) -> str:
    content = stream.read() if hasattr(stream, "read") else stream
    return content.decode() if isinstance(content, bytes) else str(content)


def load(stream: Any, Loader: Any = None) -> Any:      # noqa: ARG001, N803 - PyYAML's name
    """What a text says, as plain data. YAMLError."""
    try:
        return plain(playbooks.load(_text(stream), "<yaml>"))
    except AsyncrunError as error:
        raise MarkedYAMLError(error.message) from None


def load_all(stream: Any, Loader: Any = None) -> list[Any]:      # noqa: ARG001, N803
    """What each document of a text says. YAMLError."""
    try:
        return [plain(each) for each in playbooks.load_all(_text(stream), "<yaml>")]
    except AsyncrunError as error:
        raise MarkedYAMLError(error.message) from None


safe_load = full_load = load
safe_load_all = full_load_all = load_all


def dump(data: Any, stream: Any = None, Dumper: Any = None, **options: Any) -> str | None:      # noqa: ARG001, N803
    """A value as YAML, into `stream` when there is one. YAMLError."""
    known = ("indent", "default_flow_style", "width", "sort_keys", "allow_unicode", "explicit_start", "explicit_end")
    try:
        text = playbooks.dump(plain(data), **{name: options[name] for name in known if options.get(name) is not None})
    except (AsyncrunError, TypeError) as error:
        raise YAMLError(str(error)) from None
    if stream is None:
        return text
    stream.write(text)
    return None


def dump_all(documents: Any, stream: Any = None, Dumper: Any = None, **options: Any) -> str | None:      # noqa: N803
    """Values as the documents of one YAML text, into `stream` when there is one. YAMLError."""
    options["explicit_start"] = True
    text = "".join(str(dump(each, None, Dumper, **options)) for each in documents)
    if stream is None:
        return text
    stream.write(text)
    return None


safe_dump = dump
safe_dump_all = dump_all


def __getattr__(name: str) -> NoReturn:
    if name.startswith("__") or name in ("CSafeLoader", "CLoader", "CSafeDumper", "CDumper"):
        raise AttributeError(name)      # asked for by those who can do without
    raise AttributeError(f"yaml.{name} is a part of PyYAML, which is not installed")
