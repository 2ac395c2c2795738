"""The playbook that edits texts, finds, unpacks and assembles, through us and through ansible-core."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.compat import oracle
from tests.e2e.command import playbook
from tests.e2e.conftest import sshd
from tests.e2e.grounds import Grounds
from tests.e2e.server import Sshd

__all__ = ["sshd"]                                        # fixture
pytestmark = [oracle.needed, pytest.mark.slow, pytest.mark.timeout(600)]
TIMES = (("--check", "--diff"), ("--diff",), ())


def test_texts(sshd: Sshd, tmp_path: Path) -> None:
    ends, disks = [], []
    for runner in ("ours", "theirs"):
        home = tmp_path / runner
        home.mkdir()
        grounds = Grounds(home, sshd, playbook if runner == "ours" else partial(oracle.ansible_playbook, home))
        ends.append([grounds.play("texts", *flags) for flags in TIMES])
        disks.append({name: (mode, content) for name, (mode, _, content) in grounds.look().items()
                      if "~" not in name and not name.endswith((".tgz", ".zip", ".old"))})
    for ours, theirs in zip(*ends, strict=True):
        assert ours.recap == theirs.recap, f"{ours.out}\n{ours.err}\n---- ansible-core\n{theirs.out}\n{theirs.err}"
        assert ours.code == theirs.code
    assert "changed=0" in str(ends[0][-1].out)
    assert disks[0] == disks[1]
