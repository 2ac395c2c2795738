"""Stands in for `ansible.module_utils.compat.typing`."""

from typing import *  # noqa: F403
