"""Stands in for `ansible.module_utils.compat.importlib`."""

from importlib import import_module

__all__ = ["import_module"]
