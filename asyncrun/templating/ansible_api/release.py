"""ansible.release: the ansible-core that plugins find themselves in."""

from __future__ import annotations

__version__ = "2.21.0"
__author__ = "asyncrun"
__codename__ = ""
