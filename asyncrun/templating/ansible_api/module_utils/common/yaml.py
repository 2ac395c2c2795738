"""ansible.module_utils.common.yaml: YAML, by the parser of playbooks."""

from __future__ import annotations

from typing import Any, Final

from asyncrun.source import yaml as playbooks
from asyncrun.templating.filters.formats import to_nice_yaml

HAS_YAML: Final = True
HAS_LIBYAML: Final = True


def yaml_load(stream: Any) -> Any:
    """What a YAML text says."""
    text = stream.read() if hasattr(stream, "read") else stream
    return playbooks.load(text.decode() if isinstance(text, bytes) else text, "<string>")


yaml_load_all = playbooks.load_all


def yaml_dump(data: Any, *_args: Any, **options: Any) -> str:
    """A structure as YAML."""
    return to_nice_yaml(data, **options)


__all__ = ["HAS_LIBYAML", "HAS_YAML", "yaml_dump", "yaml_load", "yaml_load_all"]
