"""ansible.module_utils.ansible_release: the ansible-core that plugins find themselves in."""

from __future__ import annotations

from asyncrun.templating.ansible_api.release import __author__, __codename__, __version__

__all__ = ["__author__", "__codename__", "__version__"]
