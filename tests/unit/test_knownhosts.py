"""known_hosts: every form that OpenSSH writes, and what follows from it."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from asyncrun.transport.knownhosts import Verdict, add, check, entries_for, fingerprint

OURS, THEIRS = b"our key", b"their key"


def line(names: str, key: bytes = OURS, kind: str = "ssh-ed25519", marker: str = "") -> str:
    """A line of the file."""
    return f"{marker} {names} {kind} {base64.b64encode(key).decode()} comment\n"


def verdict(text: str, tmp_path: Path, host: str = "web1", port: int = 22, kind: str = "ssh-ed25519") -> Verdict:
    """What a file with `text` says about our key."""
    path = tmp_path / "known"
    path.write_text(text)
    return check(entries_for([tmp_path / "missing", path], host, port), kind, OURS)[0]


@pytest.mark.parametrize(("text", "port", "expected"), [
    (line("web1"), 22, Verdict.KNOWN),
    (line("WEB1,10.0.0.1"), 22, Verdict.KNOWN),
    (line("web*"), 22, Verdict.KNOWN),
    (line("web?"), 22, Verdict.KNOWN),
    (line("*,!web1"), 22, Verdict.UNKNOWN),
    (line("web2"), 22, Verdict.UNKNOWN),
    (line("web1", THEIRS), 22, Verdict.CHANGED),
    (line("web1", THEIRS) + line("web1"), 22, Verdict.KNOWN),
    (line("web1", THEIRS, "ssh-rsa"), 22, Verdict.UNKNOWN),
    (line("[web1]:2222"), 2222, Verdict.KNOWN),
    (line("[web1]:2222"), 22, Verdict.UNKNOWN),
    (line("[web*]:2222"), 2222, Verdict.KNOWN),
    (line("web1"), 2222, Verdict.KNOWN),
    (line("web1") + line("[web1]:2222", THEIRS), 2222, Verdict.CHANGED),
    (line("web1") + line("*", marker="@revoked"), 22, Verdict.REVOKED),
    (line("*", marker="@revoked"), 22, Verdict.REVOKED),
    (line("web1", THEIRS) + line("*", THEIRS, marker="@revoked"), 22, Verdict.CHANGED),
    (line("web1", marker="@cert-authority"), 22, Verdict.UNKNOWN),
    ("# web1 ssh-ed25519 AAAA\n\nnonsense\nweb1 ssh-ed25519 A-=\n|1|x|y ssh-ed25519 AAAA\n", 22, Verdict.UNKNOWN),
])
def test_verdicts(text: str, port: int, expected: Verdict, tmp_path: Path) -> None:
    assert verdict(text, tmp_path, port=port) is expected


def test_hashed_names_as_ssh_keygen_makes_them(tmp_path: Path) -> None:
    path = tmp_path / "known"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    kind, text = (tmp_path / "key.pub").read_text().split()[:2]
    key = base64.b64decode(text)
    path.write_text(f"web1 {kind} {text}\n[web2]:2222 {kind} {text}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    assert "web1" not in path.read_text()
    assert check(entries_for([path], "web1", 22), kind, key)[0] is Verdict.KNOWN
    assert check(entries_for([path], "web2", 2222), kind, key)[0] is Verdict.KNOWN
    assert check(entries_for([path], "web3", 22), kind, key)[0] is Verdict.UNKNOWN
    printed = subprocess.run(["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")], check=True, capture_output=True,
                             text=True).stdout
    assert fingerprint(key) in printed


def test_what_is_added_is_known(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "known"
    add(path, "web1", 2222, "ssh-ed25519", OURS)
    add(path, "web2", 22, "ssh-ed25519", OURS)
    assert [entry.names for entry in entries_for([path], "web1", 2222)] == ["[web1]:2222"]
    assert check(entries_for([path], "web2", 22), "ssh-ed25519", OURS) == (Verdict.KNOWN, f"{path}:2")
