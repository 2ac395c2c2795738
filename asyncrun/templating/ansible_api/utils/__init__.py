"""ansible.utils: helpers of the controller."""

from __future__ import annotations

from asyncrun.templating.ansible_api.utils.listify import listify_lookup_plugin_terms

__all__ = ["listify_lookup_plugin_terms"]
