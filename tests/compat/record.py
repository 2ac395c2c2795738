"""Writes what ansible-core does with the cases into cases/AREA/expected.json.

    ASYNCRUN_ANSIBLE_PLAYBOOK=PATH python -m tests.compat.record [AREA[/NAME] ...]

Without a name it does all of them, and drops the records of cases that are gone.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.compat import corpus, oracle


def theirs(case: corpus.Case) -> corpus.Shown:
    """What ansible-playbook shows."""
    with tempfile.TemporaryDirectory(prefix="case") as folder:
        work = Path(folder)
        return corpus.shown(oracle.ansible_playbook(work, *case.command(work), env=case.environment(work)))


def main(names: list[str]) -> None:
    """Record those that are named, or all."""
    if not oracle.PATH:
        sys.exit("There is no ansible-playbook on PATH or in $ASYNCRUN_ANSIBLE_PLAYBOOK.")
    every = corpus.cases()
    chosen = [case for case in every if not names or case.name in names or case.path.parent.name in names]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        told = dict(zip((case.name for case in chosen), pool.map(theirs, chosen), strict=True))
    for folder in sorted({case.path.parent for case in chosen}):
        here = [case for case in every if case.path.parent == folder]
        record = {case.path.stem: told.get(case.name) or corpus.expected(case) for case in here}
        (folder / "expected.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
