"""A lookup of a role."""

from __future__ import annotations

from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return ["{} of {}".format(term, variables["role_name"]) for term in terms]
