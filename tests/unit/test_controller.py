"""The process that a chain lives in, as the journal has it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from asyncrun.journal import Job, JobState, Journal
from asyncrun.journal.controller import is_chain, is_gone, this_process


def test_this_process_is_there() -> None:
    assert is_chain(this_process())
    assert not is_gone(this_process())
    assert this_process()["controller"]["pid"] == os.getpid()


def test_a_process_that_ended_is_gone() -> None:
    code = "from asyncrun.journal.controller import this_process; print(this_process())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert is_gone(ast.literal_eval(said))


def test_another_process_of_its_number_is_not_it() -> None:
    mine = this_process()["controller"]
    assert is_gone({"controller": {**mine, "born": "1"}})


def test_of_another_machine_nothing_is_known() -> None:
    mine = this_process()["controller"]
    assert not is_gone({"controller": {**mine, "host": "elsewhere", "born": "1"}})


def test_the_journal_keeps_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    run = journal.begin_run()
    journal.launching(Job(jid="j1.1", run=run, host="a", place="controller", connection=this_process()))
    journal.launching(Job(jid="j1.2", run=run, host="a", place="u@h", connection={"host": "h"}))
    journal.launched("j1.1")
    first, second = journal.jobs()
    journal.close()
    assert (is_chain(first.connection), first.state) == (True, JobState.RUNNING)
    assert not is_chain(second.connection)
