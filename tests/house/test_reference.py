"""The reference pages say what the tables in the code say."""

from __future__ import annotations

import runpy

from tests.house.project import ROOT


def test_the_reference_pages_are_written_from_the_tables_as_they_are() -> None:
    stale = runpy.run_path(str(ROOT / "scripts" / "reference.py"))["stale"]
    assert stale() == [], "run: .venv/bin/python scripts/reference.py"
