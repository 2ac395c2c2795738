"""Stands in for `ansible.module_utils.ansible_release`."""

from ..release import __author__, __codename__, __version__

__all__ = ["__author__", "__codename__", "__version__"]
