"""Tests of a collection."""

from __future__ import annotations


class TestModule:
    def tests(self):
        return {"small": lambda value: value < 10}
