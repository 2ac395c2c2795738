"""A lookup of a collection."""

from __future__ import annotations

from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return [len(terms), sorted(kwargs)]
