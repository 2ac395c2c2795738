"""Stands in for `ansible.module_utils.common.process`: where a command is."""

from ....commands import bin_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Sequence


def get_bin_path(arg: str, opt_dirs: "Optional[Sequence[str]]" = None, required: "Optional[bool]" = None) -> str:  # noqa: ARG001
    """The path of a command. Raises ValueError when there is none."""
    return bin_path(arg, opt_dirs)
