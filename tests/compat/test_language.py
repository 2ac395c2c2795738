"""The corpus of cases: one rule of the language each, and we do what ansible-core 2.21 does.

It is held against what was recorded, so that it needs no ansible-core; where that is installed, the records are held
against it too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.compat import corpus, oracle, record
from tests.compat.corpus import Case
from tests.e2e.command import Ended, playbook

CASES = [pytest.param(case, id=case.name) for case in corpus.cases()]
STEPS_WORDS = {"ASYNCRUN_RETRY_WORDS": "retrying"}


def ours(case: Case, home: Path) -> Ended:
    return playbook(*case.command(home), env={**STEPS_WORDS, "HOME": str(home), **case.environment(home)})


@pytest.mark.parametrize("case", CASES)
def test_we_do_what_ansible_core_did(case: Case, tmp_path: Path) -> None:
    recorded = corpus.expected(case)
    assert recorded is not None, f"{case.name} has no record: python -m tests.compat.record {case.name}"
    ended = ours(case, tmp_path)
    said, told = case.of(corpus.shown(ended)), case.of(recorded)
    if "differs" in case.options:
        assert said != told, f"{case.name} is the same now: it does not need `differs`"
    else:
        assert said == told, f"{case.rule}\n{differences(said, told)}\n{ended.out}\n{ended.err}"


@oracle.needed
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_record_is_what_ansible_core_does(case: Case) -> None:
    recorded = corpus.expected(case)
    assert recorded is not None
    assert case.of(record.theirs(case)) == case.of(recorded)


@pytest.mark.parametrize("case", CASES)
def test_each_case_says_its_rule(case: Case) -> None:
    assert len(case.rule) > 10, case.path


def differences(ours: Any, theirs: Any, where: str = "") -> str:
    """The places where two structures differ, a line each."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = [*ours, *(key for key in theirs if key not in ours)]
        return "".join(differences(ours.get(key), theirs.get(key), f"{where}.{key}") for key in keys)
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return "".join(differences(a, b, f"{where}[{at}]") for at, (a, b) in enumerate(zip(ours, theirs, strict=True)))
    return "" if ours == theirs else f"{where}: ours {ours!r}, ansible-core {theirs!r}\n"
