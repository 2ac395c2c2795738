"""Names of modules and actions, and their SPECs, found without importing anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncrun.catalog import INTERNAL, Catalog, read_spec
from asyncrun.errors import ParseError
from asyncrun.remote.argspec import Misfit, checked

MODULE = 'SPEC = {"summary": "x", "options": {"path": {"type": "path"}}}\nraise SystemExit("imported")\n'


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "typed.py").write_text('SPEC: "dict" = {"options": {}}\n')
    (tmp_path / "old.py").write_text("#!/usr/bin/python3\nprint('{}')\n")
    (tmp_path / "tool").write_text("#!/bin/sh\necho SPEC\n")
    for name in ("_private.py", "README.md", "x.pyc", ".hidden", "saved~"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    return tmp_path


def test_modules_of_a_folder(library: Path) -> None:
    catalog = Catalog(folders=[str(library)])
    mine = catalog.find("mine")
    assert (mine.name, mine.kind, mine.path) == ("mine", "module", str(library / "mine.py"))
    assert mine.spec is not None
    assert mine.spec["options"] == {"path": {"type": "path"}}
    assert catalog.find("typed").kind == "module"
    for name in ("old", "tool"):
        assert (catalog.find(name).kind, catalog.find(name).spec) == ("executable", None)
    assert {"mine", "typed", "old", "tool"} <= set(catalog.names)
    assert not {"_private", "README", "x", ".hidden", "saved", "folder"} & set(catalog.names)


def test_the_nearest_folder_wins_and_a_missing_one_is_empty(library: Path, tmp_path: Path) -> None:
    near = tmp_path / "near"
    near.mkdir()
    (near / "mine.py").write_text("SPEC = {'options': {}}\n")
    catalog = Catalog(folders=["/nowhere/at/all", str(library)]).with_folders(str(near))
    assert catalog.find("mine").path == str(near / "mine.py")
    assert catalog.find("old").path == str(library / "old.py")


def test_actions_and_their_modules(library: Path) -> None:
    catalog = Catalog({"debug": {"options": {"msg": {}}}, "mine": None, "lonely": None}, [str(library)])
    assert catalog.find("ansible.builtin.debug") is catalog.find("debug")
    assert (catalog.find("debug").kind, catalog.find("debug").path) == ("action", None)
    mine = catalog.find("mine")
    assert (mine.kind, mine.path) == ("action", str(library / "mine.py"))
    assert mine.spec == {"summary": "x", "options": {"path": {"type": "path"}}}
    assert catalog.find("lonely").spec is None


@pytest.mark.parametrize(("written", "canonical"), [
    ("copy", "copy"), ("ansible.builtin.copy", "copy"), ("ansible.legacy.copy", "copy"), ("systemd_service", "systemd"),
    ("ansible.builtin.systemd_service", "systemd"), ("dnf5", "dnf"), ("yum", "yum"), ("community.general.copy", None),
    ("cpy", None), ("", None),
])
def test_canonical_names(written: str, canonical: str | None) -> None:
    catalog = Catalog(dict.fromkeys(("copy", "systemd", "dnf", "yum")))
    assert catalog.canonical(written) == canonical
    assert (written in catalog) == (canonical is not None)


def test_a_redirect_gives_way_to_a_module_of_that_name() -> None:
    assert Catalog({"systemd": None, "systemd_service": None}).canonical("systemd_service") == "systemd_service"


def test_unknown_names() -> None:
    catalog = Catalog({"copy": None})
    with pytest.raises(ParseError) as caught:
        catalog.find("ansible.builtin.cpoy")
    assert caught.value.message == (
        "couldn't resolve module/action 'ansible.builtin.cpoy'. This often indicates a misspelling, missing "
        "collection, or incorrect module path.")
    assert caught.value.hint == "Did you mean 'copy'?"


@pytest.mark.parametrize(("name", "hint"), [
    ("cpy", "Did you mean 'copy'?"), ("ansible.legacy.cpy", "Did you mean 'copy'?"), ("zzz", "None"),
    ("community.general.copy", "The collection community.general is not installed"),
])
def test_hints(name: str, hint: str) -> None:
    assert hint in str(Catalog({"copy": None, "lineinfile": None}).unknown(name).hint)


@pytest.mark.parametrize(("text", "message"), [
    ("SPEC = {'options': dict()}\n", "literal dict"), ("SPEC = ['options']\n", "has to be a dict"),
    ("SPEC = {\n", "is not Python"),
])
def test_a_bad_spec(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text)
    with pytest.raises(ParseError, match=message):
        read_spec(str(path))


def test_names_are_listed_without_reading_files(library: Path) -> None:
    (library / "unreadable.py").write_bytes(b"SPEC = \xff\xfe")
    catalog = Catalog(folders=[str(library)])
    assert "unreadable" in catalog.names
    assert catalog.canonical("unreadable") == "unreadable"
    with pytest.raises(ParseError):
        catalog.find("unreadable")


def test_unknown_arguments(library: Path) -> None:
    spec = {"options": {"chdir": {"aliases": ["cd"]}, "_raw_params": {}}, "free_form": "_raw_params"}
    catalog = Catalog({"cmd": spec}, [str(library)])
    assert catalog.find("cmd").unknown_arguments({"cd": 1, "_raw_params": "x", "chdr": 2, "b": 3}) == ["b", "chdr"]
    assert catalog.find("cmd").unknown_arguments({"_variable_params": "{{ x }}"}) == []
    assert catalog.find("old").unknown_arguments({"anything": 1}) == []


def test_every_shipped_module_has_a_spec_that_can_be_read() -> None:
    catalog = Catalog()
    assert "ping" in catalog.names
    for name in [*catalog.names, *INTERNAL]:
        entry = catalog.find(name)
        assert entry.kind == "module"
        assert entry.spec is not None
        assert isinstance(entry.spec["options"], dict)
        assert entry.spec.get("internal", False) == (name in INTERNAL)


def test_internal_modules_are_no_names_for_playbooks(tmp_path: Path) -> None:
    (tmp_path / "put.py").write_text("SPEC = {'options': {}}\n")
    catalog = Catalog()
    assert "put" not in catalog
    assert "put" not in catalog.names
    assert catalog.with_folders(str(tmp_path)).canonical("put") == "put"


def test_a_module_by_a_second_name_takes_what_the_first_takes() -> None:
    yum, dnf = (Catalog().find(name).spec for name in ("yum", "dnf"))
    assert yum is not None and dnf is not None
    assert (yum["options"], yum["mutually_exclusive"]) == (dnf["options"], dnf["mutually_exclusive"])
    assert yum["summary"] != dnf["summary"]
    with pytest.raises(Misfit, match="Unsupported parameters for \\(yum\\) module: nam"):
        checked(yum, {"nam": "x"}, "yum")


def test_an_action_plugin_of_ansibles_is_known_by_its_name(library: Path) -> None:
    (library / "greet.py").write_text("from ansible.plugins.action import ActionBase\n"
                                      "\nclass ActionModule(ActionBase):\n  pass\n")
    catalog = Catalog(folders=[str(library)])
    assert "greet" in catalog
    assert (catalog.find("greet").kind, catalog.find("greet").spec) == ("plugin", None)
