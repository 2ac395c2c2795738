"""The pip module on real virtual environments, with wheels, sources and repositories of the test's own, no index."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.remote import wheels
from tests.remote.modulerun import Runner, running

ONE, TWO = "asyncrun-t-one", "asyncrun.t.two"            # nobody's names: an index that were asked after all has none


def make_venv(python: str, folder: Path) -> Path:
    subprocess.run([python, "-m", "venv", str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for name, version in ((ONE, "1.0"), (ONE, "1.5"), (ONE, "2.0"), (TWO, "1.0"), (TWO, "2.0rc1")):
        wheels.wheel(folder, name, version)
    return folder


def environment(store: Path) -> dict[str, str]:
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(store), "PIP_CONFIG_FILE": os.devnull,
            "PIP_CACHE_DIR": f"{store}/cache", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.fixture
def pip(store: Path) -> Iterator[Runner]:
    with running(sys.executable, environment(store)) as runner:
        yield runner


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment takes seconds to make: the tests share one, and each leaves it as it was."""
    return make_venv(sys.executable, tmp_path_factory.mktemp("shared") / "venv")


@pytest.fixture
def venv(shared: Path, tmp_path: Path) -> Iterator[Path]:
    (packages,) = shared.glob("lib/python*/site-packages")
    before = set(packages.iterdir())
    (tmp_path / "venv").symlink_to(shared)
    yield tmp_path / "venv"
    for path in set(packages.iterdir()) - before:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def there(venv: Path) -> dict[str, str]:
    said = subprocess.run([str(venv / "bin/pip"), "list", "--format=freeze"], check=True, capture_output=True,
                          text=True, env={**os.environ, "PIP_CONFIG_FILE": os.devnull}).stdout
    pairs = (line.split("==") for line in said.split())
    return {re.sub(r"[-_.]+", "-", name): version for name, version in pairs if name not in ("pip", "setuptools")}


def test_under_every_python(any_python: str, store: Path, tmp_path: Path) -> None:
    """Its own Python makes the environment; each of the three passes."""
    with running(any_python, environment(store)) as pip:
        wish = {"name": f"{ONE}>=1,<2", "virtualenv": str(tmp_path / "venv"),
                "virtualenv_command": f"{any_python} -m venv"}
        assert pip("pip", check=True, **wish)["changed"] is True
        assert not (tmp_path / "venv").exists()
        said = pip("pip", **wish)
        assert said["changed"] is True, said
        assert there(tmp_path / "venv") == {"asyncrun-t-one": "1.5"}, said
        assert pip("pip", check=True, **wish)["changed"] is False
        assert pip("pip", **wish)["changed"] is False
        gone = {"name": ONE, "virtualenv": str(tmp_path / "venv"), "state": "absent"}
        assert pip("pip", check=True, **gone)["changed"] is True
        assert pip("pip", **gone)["changed"] is True
        assert there(tmp_path / "venv") == {}
        assert pip("pip", check=True, **gone)["changed"] is False
        assert pip("pip", **gone)["changed"] is False


def test_what_it_says(pip: Runner, venv: Path) -> None:
    said = pip("pip", name=ONE, version="1.0", virtualenv=str(venv))
    assert said["cmd"] == [str(venv / "bin/pip3"), "install", f"{ONE}==1.0"]
    assert (said["name"], said["version"], said["state"]) == ([ONE], "1.0", "present")
    assert (said["requirements"], said["virtualenv"]) == (None, str(venv))
    assert f"Successfully installed {ONE}-1.0" in said["stdout"]


def test_versions(pip: Runner, venv: Path) -> None:
    where = {"virtualenv": str(venv)}
    for wish, now in (({"name": ONE, "version": "1.0"}, "1.0"), ({"name": ONE, "version": ">=1.2,<2"}, "1.5"),
                      ({"name": [f"{ONE}==2.0"]}, "2.0"), ({"name": f"{ONE}!=2.0,<1.2"}, "1.0"),
                      ({"name": ONE, "state": "latest"}, "2.0")):
        assert pip("pip", check=True, **where, **wish)["changed"] is True
        assert pip("pip", **where, **wish)["changed"] is True
        assert there(venv)["asyncrun-t-one"] == now
        assert pip("pip", **where, **wish)["changed"] is False
    assert pip("pip", name=ONE, version="latest", **where)["changed"] is False
    assert pip("pip", name=ONE, state="forcereinstall", **where)["changed"] is True
    assert pip("pip", name=f"{ONE}[web]>=1,{TWO}", **where)["changed"] is True
    assert there(venv) == {"asyncrun-t-one": "2.0", "asyncrun-t-two": "1.0"}
    assert pip("pip", check=True, name=["asyncrun_t.one[web]", "Asyncrun_T_Two"], **where)["changed"] is False


def test_requirements(pip: Runner, venv: Path, tmp_path: Path) -> None:
    (tmp_path / "wanted.txt").write_text(f"{ONE}==1.0\n{TWO}\n")
    wish = {"requirements": "wanted.txt", "chdir": str(tmp_path), "virtualenv": "venv"}
    assert pip("pip", check=True, **wish)["changed"] is True
    said = pip("pip", **wish)
    assert (said["changed"], said["cmd"][1:]) == (True, ["install", "-r", "wanted.txt"])
    assert pip("pip", **wish)["changed"] is False
    assert there(venv) == {"asyncrun-t-one": "1.0", "asyncrun-t-two": "1.0"}
    assert pip("pip", state="absent", **wish)["changed"] is True
    assert there(venv) == {}


def test_a_wheel_and_sources(pip: Runner, venv: Path, store: Path, tmp_path: Path) -> None:
    where = {"virtualenv": str(venv)}
    path = str(store / "asyncrun_t_one-1.5-py3-none-any.whl")
    assert pip("pip", check=True, name=path, **where)["changed"] is True
    assert pip("pip", name=path, **where)["changed"] is True
    assert pip("pip", check=True, name=path, **where)["changed"] is False
    assert pip("pip", name=path, **where)["changed"] is False
    archive = wheels.sdist(tmp_path / "sources", "asyncrun_t_src", "0.3")
    assert pip("pip", name=f"./{archive.name}", chdir=str(archive.parent), **where)["changed"] is True
    assert there(venv) == {"asyncrun-t-one": "1.5", "asyncrun-t-src": "0.3"}


def test_a_repository_changes_only_with_a_commit(pip: Runner, venv: Path, tmp_path: Path) -> None:
    repository = wheels.repository(tmp_path / "repo", "asyncrun_t_git", "0.1")
    wish = {"name": f"git+file://{repository}#egg=asyncrun_t_git", "virtualenv": str(venv)}
    assert pip("pip", check=True, **wish)["changed"] is True
    assert pip("pip", **wish)["changed"] is True
    assert pip("pip", **wish)["changed"] is False
    wheels.repository(repository, "asyncrun_t_git", "0.2")
    assert pip("pip", state="latest", **wish)["changed"] is True
    assert there(venv) == {"asyncrun-t-git": "0.2"}
    said = pip("pip", version="9", **wish)
    assert "version is not used" in said["warnings"][0]


def test_editable(pip: Runner, venv: Path, tmp_path: Path) -> None:
    source = wheels.tree(tmp_path / "source", "asyncrun_t_edit", "1.0")
    said = pip("pip", name=str(source), editable=True, virtualenv=str(venv))
    assert (said["changed"], said["cmd"][1:]) == (True, ["install", "-e", str(source)])
    assert pip("pip", check=True, name=str(source), editable=True, virtualenv=str(venv))["changed"] is True


def test_how_the_environment_is_made(pip: Runner, tmp_path: Path) -> None:
    """By any command: its options, a Python for it, the site packages, the umask."""
    log, tool = tmp_path / "log", tmp_path / "make venv"
    tool.write_text(f'#!/bin/sh\necho "$PWD $(umask) $@" >>{log}\nfor last; do :; done\n'
                    f'exec {sys.executable} -m venv "$last"\n')
    tool.chmod(0o755)
    where = {"name": ONE, "virtualenv": str(tmp_path / "made"), "chdir": str(tmp_path), "umask": "0027"}
    assert pip("pip", virtualenv_command=f"'{tool}' --more", virtualenv_python="python3.99",
               virtualenv_site_packages=True, **where)["changed"] is True
    assert log.read_text() == f"{tmp_path} 0027 --more --system-site-packages -ppython3.99 {tmp_path}/made\n"
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o750
    assert pip("pip", virtualenv_command="/nonexistent", **where)["changed"] is False      # nothing is to be made


def test_a_new_environment_that_sees_the_package_is_a_change(pip: Runner, tmp_path: Path) -> None:
    wish = {"name": "pip", "virtualenv": str(tmp_path / "made"), "virtualenv_command": f"{sys.executable} -m venv"}
    assert pip("pip", **wish)["changed"] is True
    assert pip("pip", **wish)["changed"] is False


def test_what_cannot_be_made(pip: Runner, tmp_path: Path) -> None:
    where = {"name": ONE, "virtualenv": str(tmp_path / "made")}
    said = pip("pip", virtualenv_command="asyncrun-no-such-tool", **where)
    assert said["msg"].startswith('Failed to find required executable "asyncrun-no-such-tool" in paths: ')
    said = pip("pip", virtualenv_command=f"{sys.executable} -m venv", virtualenv_python="python3", **where)
    assert said["msg"] == ("virtualenv_python should not be used when using the venv module or pyvenv as "
                           "virtualenv_command")
    said = pip("pip", virtualenv_command="sh -c 'echo out; echo wrong >&2; exit 3'", **where)
    assert said["msg"] == "stdout: out\n\n:stderr: wrong\n"
    assert pip("pip", virtualenv_command="", **where)["msg"] == "virtualenv_command is empty"
    assert not (tmp_path / "made").exists()


def test_what_pip_does_not_like(pip: Runner, venv: Path) -> None:
    where = {"virtualenv": str(venv)}
    said = pip("pip", name=f"{ONE}==9", **where)
    assert (said["failed"], said["changed"]) == (True, False)
    said_both = r"stdout: .*\n:stderr: .*No matching distribution found for asyncrun-t-one==9"
    assert re.match(said_both, said["msg"], re.DOTALL)
    assert said["cmd"][1:] == ["install", f"{ONE}==9"]
    said = pip("pip", requirements="/nonexistent.txt", **where)
    assert "Could not open requirements file" in said["msg"]
    assert "no such option: --oops" in pip("pip", name=ONE, extra_args="--oops", **where)["msg"]
    said = pip("pip", name=ONE, extra_args="--find-links '/no such/folder' --no-deps", check=True, **where)
    assert said["cmd"][1:] == ["install", "--find-links", "/no such/folder", "--no-deps", ONE]


@pytest.mark.parametrize(("args", "msg"), [
    ({"name": [ONE, TWO], "version": "1"},
     "'version' argument is ambiguous when installing multiple package distributions."),
    ({"name": f"{ONE}>1", "version": "1"},
     "The 'version' argument conflicts with any version specifier provided along with a package name."),
    ({"name": ONE, "version": "1", "state": "latest"}, "version is incompatible with state=latest"),
    ({"name": ONE, "umask": "rw"}, "umask must be an octal integer"),
    ({"name": ONE, "executable": "asyncrun-no-pip"},
     "Unable to find any of asyncrun-no-pip to use.  pip needs to be installed."),
])
def test_what_contradicts_itself(pip: Runner, args: dict[str, object], msg: str) -> None:
    said = pip("pip", **args)
    assert said["failed"] is True
    assert said["msg"].startswith(msg)


def test_an_environment_without_pip(pip: Runner, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    said = pip("pip", name=ONE, virtualenv=str(tmp_path / "bare"))
    assert said["msg"] == (f"Unable to find pip in the virtualenv, {tmp_path}/bare, under any of these names: pip3, "
                           "pip. Make sure pip is present in the virtualenv.")


def test_a_pip_by_its_path(pip: Runner, venv: Path) -> None:
    tool = str(venv / "bin/pip")
    assert pip("pip", name=ONE, executable=tool)["changed"] is True
    assert "asyncrun-t-one" in there(venv)
    said = pip("pip", name=ONE, executable="/nonexistent/pip")
    assert (said["failed"], said["rc"]) == (True, 2)
    assert pip("pip", name=[], executable=tool)["warnings"] == ["No valid name or requirements file found."]


def test_a_folder_that_is_not_there(pip: Runner, venv: Path) -> None:
    said = pip("pip", name=ONE, virtualenv=str(venv), chdir="/nonexistent")
    assert said["changed"] is True
    assert said["warnings"][0].startswith("/nonexistent is no folder")


@pytest.mark.skipif(not list(Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED")), reason="the system has no mark")
def test_the_systems_own_python_is_left_alone(store: Path) -> None:
    with running("/usr/bin/python3", environment(store)) as pip:
        assert "externally-managed-environment" in pip("pip", name=ONE)["msg"]
        said = pip("pip", name=ONE, break_system_packages=True, extra_args="--dry-run")
        assert said["cmd"][:4] == ["/usr/bin/python3", "-m", "pip", "install"]
        assert "failed" not in said, said["msg"]
