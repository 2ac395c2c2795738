"""The debconf and dpkg_selections modules, on databases of the test's own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pythons import OLDEST, PYTHONS
from tests.remote.modulerun import Runner, running

needs_debconf = pytest.mark.skipif(shutil.which("debconf-set-selections") is None, reason="needs debconf")
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg") is None, reason="needs dpkg")
CONF = """\
Config: config
Templates: templates

Name: config
Driver: File
Filename: {folder}/config.dat

Name: templates
Driver: File
Filename: {folder}/templates.dat
"""
STATUS = """\
Package: {name}
Status: {selection} ok installed
Maintainer: A Test <a@example.com>
Architecture: all
Version: 1.0
Description: a package of a test

"""


@pytest.fixture
def debconf(tmp_path: Path) -> Iterator[Runner]:
    (tmp_path / "debconf.conf").write_text(CONF.format(folder=tmp_path))
    with running(PYTHONS[OLDEST], {"DEBCONF_SYSTEMRC": str(tmp_path / "debconf.conf")}) as runner:
        yield runner


def answers(folder: Path) -> dict[str, tuple[str, bool]]:
    """Each question's answer, and whether it counts as asked."""
    path = folder / "config.dat"
    entries = [dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line)
               for entry in (path.read_text().split("\n\n") if path.exists() else [])]
    return {entry["Name"]: (entry.get("Value", ""), "seen" in entry.get("Flags", "")) for entry in entries if entry}


@needs_debconf
def test_three_passes(debconf: Runner, tmp_path: Path) -> None:
    wish = {"name": "shop", "question": "shop/port", "vtype": "string", "value": "80"}
    told = {"msg": "", "current": {"shop/port": "80"}, "previous": {"shop/port": ""},
            "diff": {"before": {"shop/port": ""}, "after": {"shop/port": "80"}}}
    said = debconf("debconf", check=True, **wish)
    assert {**said, **told, "changed": True} == said
    assert answers(tmp_path) == {}
    said = debconf("debconf", **wish)
    assert {**said, **told, "changed": True} == said
    assert answers(tmp_path) == {"shop/port": ("80", True)}
    said = debconf("debconf", **wish)
    assert (said["changed"], said["current"]) == (False, {"shop/port": "80"})
    assert "previous" not in said
    said = debconf("debconf", **{**wish, "value": 81})
    assert (said["changed"], said["previous"]) == (True, {"shop/port": "80"})
    said = debconf("debconf", name="shop")
    assert (said["changed"], said["current"]) == (False, {"shop/port": "81"})


@needs_debconf
@pytest.mark.parametrize(("vtype", "value", "kept", "same"), [
    ("boolean", True, "true", "True"), ("boolean", "FALSE", "false", False),
    ("multiselect", ["b", "a"], "b, a", "a, b"), ("string", "", "", ""),
    ("string", "  two  words ", "  two  words ", "  two  words "), ("select", "é", "é", "é"),
    ("note", "$HOME `x` \\", "$HOME `x` \\", "$HOME `x` \\")])
def test_kinds_of_answers(debconf: Runner, tmp_path: Path, vtype: str, value: object, kept: str, same: object) -> None:
    wish = {"name": "shop", "question": "shop/q", "vtype": vtype}
    assert debconf("debconf", value=value, **wish)["changed"] is True
    assert answers(tmp_path)["shop/q"][0] == kept
    assert debconf("debconf", value=same, **wish)["changed"] is False
    assert debconf("debconf", value="other", **wish)["changed"] is True


@needs_debconf
def test_whether_it_counts_as_asked(debconf: Runner, tmp_path: Path) -> None:
    debconf("debconf", name="shop", question="shop/q", vtype="string", value="x", unseen=True)
    assert answers(tmp_path) == {"shop/q": ("x", False)}
    wish = {"name": "shop", "question": "shop/q", "vtype": "seen"}
    assert debconf("debconf", check=True, value="true", **wish)["changed"] is True
    assert debconf("debconf", value=True, **wish)["changed"] is True
    assert answers(tmp_path) == {"shop/q": ("x", True)}
    assert debconf("debconf", value="true", **wish)["changed"] is False
    assert debconf("debconf", value="false", **wish)["changed"] is True
    assert answers(tmp_path) == {"shop/q": ("x", False)}


@needs_debconf
def test_a_password_is_kept_and_never_told(debconf: Runner, tmp_path: Path) -> None:
    wish = {"name": "shop", "question": "shop/pw", "vtype": "password"}
    for value, changed in (("first-secret", True), ("first-secret", False), ("second-secret", True)):
        said = debconf("debconf", value=value, **wish)
        assert said["changed"] is changed
        assert "-secret" not in str(said)
    assert answers(tmp_path) == {"shop/pw": ("second-secret", True)}
    assert debconf("debconf", name="shop")["current"] == {"shop/pw": "(password omitted)"}


@needs_debconf
@pytest.mark.parametrize(("args", "msg"), [
    ({"question": "shop/q", "vtype": "string", "value": "a\nshop shop/evil string b"}, "value has more than one line"),
    ({"question": "shop/q x", "vtype": "string", "value": "a"}, "'shop/q x' cannot be the question"),
    ({"name": "a\nb"}, "'a\\nb' cannot be the name"),
    ({"question": "shop/q", "vtype": "select", "value": ["a"]}, "value is a list"),
    ({"question": "shop/q", "vtype": "select"}, "parameters are required together: question, vtype, value"),
    ({"question": "shop/q", "vtype": "what", "value": "x"}, "value of vtype must be one of: boolean, error, "),
])
def test_what_is_no_answer(debconf: Runner, tmp_path: Path, args: dict[str, object], msg: str) -> None:
    said = debconf("debconf", **{"name": "shop", **args})
    assert said["failed"] is True
    assert said["msg"].startswith(msg)
    assert answers(tmp_path) == {}


@needs_debconf
def test_a_database_that_is_in_use(debconf: Runner, tmp_path: Path) -> None:
    """Somebody else has it open: that is an error, and not a change."""
    debconf("debconf", name="shop", question="shop/q", vtype="string", value="x")
    program = "use Debconf::Db; Debconf::Db->load; $| = 1; print 'open'; <STDIN>;"
    with subprocess.Popen(["perl", "-e", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={"DEBCONF_SYSTEMRC": str(tmp_path / "debconf.conf")}) as holder:
        assert holder.stdout is not None
        assert holder.stdout.read(4) == b"open"
        said = debconf("debconf", name="shop", question="shop/q", vtype="string", value="y")
        holder.communicate(b"\n")
    assert (said["failed"], said["changed"]) == (True, False)
    assert "locked by another process" in said["msg"]
    assert answers(tmp_path)["shop/q"][0] == "x"


# -- dpkg_selections -----------------------------------------------------------------------------------------------

@pytest.fixture
def dpkg(tmp_path: Path) -> Iterator[Runner]:
    for name in ("info", "updates"):
        (tmp_path / name).mkdir()
    (tmp_path / "available").touch()
    (tmp_path / "status").write_text("".join(STATUS.format(name=name, selection="install")
                                             for name in ("shop-test", "shop-test-data")))
    with running(PYTHONS[OLDEST], {"DPKG_ADMINDIR": str(tmp_path)}) as runner:
        yield runner


def selections(folder: Path) -> dict[str, str]:
    said = subprocess.run(["dpkg", f"--admindir={folder}", "--get-selections"], check=True, capture_output=True,
                          text=True).stdout
    return dict(line.split() for line in said.splitlines())


@needs_dpkg
def test_a_package_is_held(dpkg: Runner, tmp_path: Path) -> None:
    wish = {"name": "shop-test", "selection": "hold"}
    said = dpkg("dpkg_selections", check=True, **wish)
    assert (said["changed"], said["before"], said["after"]) == (True, "install", "hold")
    assert said["diff"] == {"before": "install", "after": "hold"}
    assert selections(tmp_path)["shop-test"] == "install"
    assert dpkg("dpkg_selections", **wish)["changed"] is True
    assert selections(tmp_path) == {"shop-test": "hold", "shop-test-data": "install"}
    said = dpkg("dpkg_selections", **wish)
    assert (said["changed"], said["before"], said["after"]) == (False, "hold", "hold")
    for selection in ("purge", "deinstall", "install"):
        assert dpkg("dpkg_selections", name="shop-test:all", selection=selection)["changed"] is True
        assert selections(tmp_path)["shop-test"] == selection


@needs_dpkg
@pytest.mark.parametrize("name", ["nobody-knows", "shop-*", "", "shop-test hold\nshop-test-data", "--help", "-l"])
def test_packages_that_dpkg_does_not_know(dpkg: Runner, tmp_path: Path, name: str) -> None:
    for check in (True, False):
        said = dpkg("dpkg_selections", check=check, name=name, selection="hold")
        assert (said["failed"], said["changed"]) == (True, False)
        assert said["msg"] == f"Failed to find package '{name}' to perform selection 'hold'."
    assert set(selections(tmp_path).values()) == {"install"}
