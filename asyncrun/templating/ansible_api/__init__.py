"""Stand-ins for the parts of ansible-core that people's plugins import: found as `ansible` while plugins are in use.

Names and behaviour are those of its documented interfaces; nothing here is taken from it. docs/plugins.md lists them.
"""

from __future__ import annotations

from asyncrun.remote.legacy.ansible.release import __author__, __version__

__all__ = ["__author__", "__version__"]
