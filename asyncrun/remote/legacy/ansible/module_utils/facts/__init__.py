"""Stands in for `ansible.module_utils.facts`: facts about the host, by the code of setup."""

from ..... import facts
from .compat import ansible_facts, get_all_facts

__all__ = ["ansible_facts", "facts", "get_all_facts"]
