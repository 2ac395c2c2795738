"""Stands in for `ansible.module_utils.compat.selectors`."""

import selectors

__all__ = ["selectors"]
