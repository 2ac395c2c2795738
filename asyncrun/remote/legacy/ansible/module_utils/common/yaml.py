"""Stands in for `ansible.module_utils.common.yaml`: PyYAML, when the host has it."""

import functools
import importlib

from ..basic import missing_required_lib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    yaml: "Any" = importlib.import_module("yaml")
except ImportError:
    yaml = None

HAS_YAML = yaml is not None
HAS_LIBYAML = bool(yaml is not None and yaml.__with_libyaml__)


def _missing(*_: "Any", **__: "Any") -> "Any":
    raise ImportError(missing_required_lib("PyYAML"))


if yaml is not None:
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    SafeDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    yaml_load = functools.partial(yaml.load, Loader=SafeLoader)
    yaml_load_all = functools.partial(yaml.load_all, Loader=SafeLoader)
    yaml_dump = functools.partial(yaml.dump, Dumper=SafeDumper)
    yaml_dump_all = functools.partial(yaml.dump_all, Dumper=SafeDumper)
else:
    SafeLoader = SafeDumper = None
    yaml_load = yaml_load_all = yaml_dump = yaml_dump_all = _missing  # type: ignore[assignment]
