"""Stands in for `ansible.module_utils.pycompat24`: what once hid Python 2.4."""

import ast
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

literal_eval = ast.literal_eval

__all__ = ["get_exception", "literal_eval"]


def get_exception() -> "Optional[BaseException]":
    """The exception that is being handled."""
    return sys.exc_info()[1]
