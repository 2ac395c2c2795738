"""Filters of a role."""

from __future__ import annotations


class FilterModule:
    def filters(self):
        return {"where": lambda value: "role", "painted": "painted {}".format}
