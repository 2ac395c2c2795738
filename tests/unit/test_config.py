"""Settings: files, environment, command line; types, places, sources; what is said about mistakes."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from asyncrun import config
from asyncrun.config import Config
from asyncrun.errors import ConfigError
from asyncrun.settings import ANSIBLE_ONLY, RENAMED, SETTINGS


def load(
    tmp_path: Path, text: str | None = None, name: str = "asyncrun.cfg", **environ: str
) -> tuple[Config, list[str]]:
    said: list[str] = []
    place = tmp_path / "project"
    place.mkdir(exist_ok=True)
    if text is not None:
        (place / name).write_text(text)
    settings = config.load({"HOME": str(tmp_path / "home"), "WORD": "w", **environ}, str(place), said.append)
    return settings, said


def test_defaults_and_their_source(tmp_path: Path) -> None:
    settings, said = load(tmp_path)
    assert (settings["forks"], settings["poll_interval"], settings["host_key_checking"]) == (5, 15, True)
    assert settings["state_dir"] == str(tmp_path / "home" / ".asyncrun")
    assert {settings.source(name) for name in settings} == {"default"}
    assert said == []
    assert settings.file is None


def test_a_file_as_people_write_it(tmp_path: Path) -> None:
    settings, said = load(tmp_path, """\
# comment
[defaults]
forks = 20  ; inline
host_key_checking: False
inventory = hosts.ini, more/
roles_path = ~/roles:${WORD}/roles:/abs
private_key_file = $WORD/id
vault_password_file =
callbacks_enabled = timer,
    profile_tasks
interpreter_python = "/usr/bin/python3"
unknown_thing = 1
log_path

[ssh_connection]
control_path = %%h-%%r
retries=3
[privilege_escalation]
become = yes
[diff]
always = on
[asyncrun]
retry_words = retrying
""", "ansible.cfg")
    project = tmp_path / "project"
    expected: Mapping[str, Any] = {
        "forks": 20, "host_key_checking": False, "inventory": [f"{project}/hosts.ini", f"{project}/more"],
        "roles_path": [str(tmp_path / "home/roles"), f"{project}/w/roles", "/abs"],
        "private_key_file": f"{project}/w/id", "vault_password_file": "",
        "callbacks_enabled": ["timer", "profile_tasks"],
        "interpreter_python": "/usr/bin/python3", "control_path": "%h-%r", "ssh_retries": 3, "become": True,
        "diff_always": True, "retry_words": "retrying", "log_path": None,
    }
    assert {name: settings[name] for name in expected} == expected
    assert settings.source("forks") == f"{project}/ansible.cfg:3"
    assert settings.source("retry_words") == f"{project}/ansible.cfg:23"
    assert said == []


def test_the_environment_wins_and_our_name_wins_over_ansibles(tmp_path: Path) -> None:
    text = "[defaults]\nforks = 20\n"
    settings, _ = load(tmp_path, text, ANSIBLE_FORKS="30")
    assert (settings["forks"], settings.source("forks")) == (30, "ANSIBLE_FORKS")
    settings, _ = load(tmp_path, text, ANSIBLE_FORKS="30", ASYNCRUN_FORKS="40")
    assert (settings["forks"], settings.source("forks")) == (40, "ASYNCRUN_FORKS")
    settings, _ = load(tmp_path, text, ANSIBLE_FORKS="", ANSIBLE_INVENTORY="a,b,", NO_COLOR="anything",
                       ASYNCRUN_STATE_DIR="state", ANSIBLE_ROLES_PATH="r:/s")
    assert settings["forks"] == 20
    assert settings["inventory"] == ["a,b,"]
    assert settings["nocolor"] is True
    assert settings["state_dir"] == str(tmp_path / "project" / "state")
    assert settings["roles_path"] == [str(tmp_path / "project" / "r"), "/s"]


def test_the_command_line_is_over_all(tmp_path: Path) -> None:
    settings, _ = load(tmp_path)
    over = settings.over({"forks": 50, "timeout": None}, "command line")
    assert (over["forks"], over.source("forks")) == (50, "command line")
    assert (over["timeout"], over.source("timeout")) == (10, "default")
    assert settings["forks"] == 5
    with pytest.raises(ConfigError, match="at least 1"):
        settings.over({"forks": 0}, "command line")
    with pytest.raises(KeyError):
        settings.over({"frks": 1}, "command line")


def test_which_file_counts(tmp_path: Path) -> None:
    home, named = tmp_path / "home", tmp_path / "named.cfg"
    home.mkdir()
    order = [named, tmp_path / "project/asyncrun.cfg", tmp_path / "project/ansible.cfg", home / ".asyncrun.cfg",
             home / ".ansible.cfg"]
    (tmp_path / "project").mkdir()
    for number, path in enumerate(order, 10):
        path.write_text(f"[defaults]\nforks = {number}\n")
    settings, _ = load(tmp_path, ANSIBLE_CONFIG=str(named))
    assert settings["forks"] == 10
    for number, path in enumerate(order[1:], 11):
        assert load(tmp_path)[0]["forks"] == number
        path.unlink()
    settings, said = load(tmp_path, ASYNCRUN_CONFIG="/nowhere/x.cfg", ANSIBLE_CONFIG=str(named))
    assert settings["forks"] == 10
    assert said == ["ASYNCRUN_CONFIG names /nowhere/x.cfg, which is not there"]
    (tmp_path / "project/ansible.cfg").write_text("[defaults]\nforks = 99\n")
    assert load(tmp_path, ANSIBLE_CONFIG=str(tmp_path / "project"))[0]["forks"] == 99


def test_a_file_that_anybody_may_write_is_not_read(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    project.chmod(0o777)
    settings, said = load(tmp_path, "[defaults]\nforks = 66\n")
    assert settings["forks"] == 5
    assert len(said) == 1 and "anybody may write" in said[0]
    settings, _ = load(tmp_path, ANSIBLE_CONFIG=str(project / "asyncrun.cfg"))
    assert settings["forks"] == 66


@pytest.mark.parametrize(("text", "hint"), [
    ("[defaults]\nfroks = 3\n", "Did you mean 'forks'?"),
    ("[defaults]\ncallback_whitelist = x\n", "Did you mean 'callbacks_enabled' in [defaults]?"),
    ("[defaults]\nresult_format = yaml\n", "Did you mean 'callback_result_format' in [defaults]?"),
    ("[defaults]\nlibaray = x\n", "Did you mean 'library'?"),
    ("[defaults]\nbecome = yes\n", "It belongs in [privilege_escalation]."),
    ("[defaults]\nssh_args = -4\n", "It belongs in [ssh_connection]."),
    ("[ssh_connections]\npipelining = 1\n", "Did you mean 'ssh_connection'?"),
    ("[asyncrun]\nzzzzz = 1\n", "is not a setting"),
])
def test_a_key_without_effect_is_said(tmp_path: Path, text: str, hint: str) -> None:
    _, said = load(tmp_path, text)
    assert len(said) == 1
    assert said[0].startswith(f"{tmp_path}/project/asyncrun.cfg:2: ")
    assert hint in said[0]


@pytest.mark.parametrize("text", [
    "[callback_profile_tasks]\nsort_order = none\n",
    "[defaults]\nstrategy_plugins = x\n", "[galaxy]\nserver_list = x\n",
    "[defaults]\nnocows = 1\nretry_files_enabled = False\n", "[ssh_connection]\npipelining = True\n",
    "[defaults]\npipelining = True\n", "[privilege_escalation]\nagnostic_become_prompt = no\n",
])
def test_keys_that_ansible_knows_are_no_mistakes(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text)[1] == []


@pytest.mark.parametrize(("text", "line", "words"), [
    ("[defaults]\nforks = many\n", 2, "'forks' has to be a whole number, and is 'many'"),
    ("[defaults]\n\nforks = 0\n", 3, "at least 1"),
    ("[defaults]\nhost_key_checking = maybe\n", 2, "true or false"),
    ("[defaults]\ngathering = smrt\n", 2, "implicit, explicit, smart"),
    ("[asyncrun]\nheartbeat_interval = x\n", 2, "a number"),
    ("forks = 1\n", 1, "before any [section]"),
    ("[defaults]\n= 3\n", 2, "neither a setting"),
])
def test_a_wrong_value_is_an_error_at_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert words in caught.value.message
    assert caught.value.exit_code == 5
    assert caught.value.origin is not None
    assert (caught.value.origin.file, caught.value.origin.line) == (str(tmp_path / "project/asyncrun.cfg"), line)


def test_a_wrong_value_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\(ANSIBLE_FORKS\)"):
        load(tmp_path, ANSIBLE_FORKS="x")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "bin.cfg").write_bytes(b"[defaults]\nforks=\xff\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path, ANSIBLE_CONFIG=str(tmp_path / "bin.cfg"))


def test_it_can_be_pickled() -> None:
    settings = config.defaults()
    assert dict(pickle.loads(pickle.dumps(settings))) == dict(settings)


def test_the_table_is_whole() -> None:
    places = [place for setting in SETTINGS.values() for place in setting.places]
    assert len(places) == len(set(places))
    variables = [name for setting in SETTINGS.values() for name in config.variables(setting)]
    assert len(variables) == len(set(variables))
    assert {place[0] for place in places} <= ANSIBLE_ONLY.keys()
    assert not [place for place in places if place[1] in ANSIBLE_ONLY[place[0]]]
    assert {name for name in RENAMED.values() if name not in {key for _, key in places}} == set()
    assert all(setting.doc.endswith(".") or setting.doc[-1].isalnum() for setting in SETTINGS.values())


def test_the_example_is_read_without_a_word(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "asyncrun.cfg").read_text()
    every = "\n".join(line.removeprefix("#") if line.startswith("#") and " = " in line else line
                      for line in text.splitlines())
    for version in (text, every):
        settings, said = load(tmp_path, version)
        assert said == []
    named = [name for name in settings if settings.source(name) != "default"]
    assert len(named) > 20
    plain = config.defaults({"HOME": str(tmp_path / "home")})
    differ = [name for name in named if settings[name] != plain[name] and name != "inventory"]
    assert differ == [], "a commented line of the example shows a default"
