"""The apt_repository module on a real apt with folders of the test's own, and the sources it reads and writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asyncrun.remote.module import Failed, Module
from asyncrun.remote.modules import apt_repository
from asyncrun.remote.packages import aptsources, keyfetch
from tests.remote import pgp
from tests.remote.debs import AptRoot, root, run
from tests.remote.modulerun import Runner
from tests.remote.test_packages_apt import pytestmark

__all__ = ["pytestmark", "root", "run"]
LINE = "deb http://127.0.0.1:9/shop stable main"


def parts(root: AptRoot) -> Path:
    return root.folder / "etc/sources.list.d"


def sources(root: AptRoot) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(parts(root).iterdir())}


def test_three_passes_and_away_again(run: Runner, root: AptRoot) -> None:
    wish = {"repo": LINE, "update_cache": False}
    path = str(parts(root) / "127_0_0_1_9_shop.list")
    told = {"repo": LINE, "state": "present", "sources_added": [path], "sources_removed": []}
    diff = {"before": "", "after": LINE + "\n", "before_header": "/dev/null", "after_header": path}
    said = run("apt_repository", check=True, **wish)
    assert {**said, **told, "changed": True, "diff": diff} == said
    assert sources(root) == {}
    said = run("apt_repository", **wish)
    assert {**said, **told, "changed": True, "diff": diff} == said
    assert sources(root) == {"127_0_0_1_9_shop.list": LINE + "\n"}
    assert run("apt_repository", **wish)["changed"] is False
    said = run("apt_repository", check=True, state="absent", **wish)
    assert (said["changed"], said["sources_removed"], said["sources_added"]) == (True, [path], [])
    assert said["diff"]["after_header"] == "/dev/null"
    assert run("apt_repository", state="absent", **wish)["changed"] is True
    assert sources(root) == {}
    assert run("apt_repository", state="absent", **wish)["changed"] is False


def test_a_file_of_its_own(run: Runner, root: AptRoot, tmp_path: Path) -> None:
    wish = {"repo": LINE, "update_cache": False}
    run("apt_repository", filename="shop", mode="0600", **wish)
    assert sources(root) == {"shop.list": LINE + "\n"}
    assert (parts(root) / "shop.list").stat().st_mode & 0o777 == 0o600
    assert run("apt_repository", filename="other", mode="0644", **wish)["changed"] is False
    more = LINE.replace("deb ", "deb-src ")
    run("apt_repository", repo=more, filename="shop.list", update_cache=False)
    assert sources(root) == {"shop.list": f"{LINE}\n{more}\n"}
    run("apt_repository", repo=more + " contrib", filename=str(tmp_path / "far"), update_cache=False)
    assert (tmp_path / "far.list").read_text() == more + " contrib\n"
    for name in ("../far", "a/b"):
        said = run("apt_repository", repo=LINE + " contrib", filename=name, update_cache=False)
        assert said["msg"] == f"filename is to be a name or an absolute path, and {name} is neither"


def test_other_lines_stay(run: Runner, root: AptRoot) -> None:
    main = root.folder / "etc/sources.list"
    old = (f"# mine\ndeb   [ trusted=yes arch=amd64,i386 ]  file://{root.pool}   ./ # pool\n"
           "#deb http://127.0.0.1:9/off stable main # later\nnonsense\n\ndeb http://127.0.0.1:9/two stable main")
    main.write_text(old)
    same = f"deb [arch=amd64,i386 trusted=yes] file://{root.pool} ./"
    assert run("apt_repository", repo=same, update_cache=False)["changed"] is False
    assert run("apt_repository", repo="deb http://127.0.0.1:9/off stable main", state="absent",
               update_cache=False)["changed"] is False
    assert run("apt_repository", repo="deb http://127.0.0.1:9/off stable main", update_cache=False)["changed"] is True
    switched = old.replace("#deb http", "deb http")
    assert main.read_text() == switched
    run("apt_repository", repo=same, state="absent", update_cache=False)
    assert main.read_text() == "".join(line for line in switched.splitlines(True) if "pool" not in line)
    (parts(root) / "two.list").write_text("# why\ndeb http://127.0.0.1:9/two stable main\n")
    said = run("apt_repository", repo="deb http://127.0.0.1:9/two stable main", state="absent", update_cache=False)
    assert said["sources_removed"] == []
    assert sources(root) == {"two.list": "# why\n"}
    assert main.read_text().endswith("nonsense\n\n")


def test_the_lists_are_fetched(run: Runner, root: AptRoot) -> None:
    (root.folder / "etc/sources.list").unlink()
    wish = {"repo": f"deb [trusted=yes] file:{root.pool} ./", "filename": "pool"}
    assert run("apt_repository", check=True, **wish)["changed"] is True
    assert not list((root.folder / "state/lists").glob("*Packages"))
    assert run("apt_repository", **wish)["changed"] is True
    assert list((root.folder / "state/lists").glob("*Packages*"))
    assert run("apt", name="hello-test")["changed"] is True
    assert run("apt_repository", state="absent", **wish)["changed"] is True


def test_a_source_that_cannot_be_fetched_is_taken_back(run: Runner, root: AptRoot) -> None:
    old = "deb [trusted=yes] file:/nonexistent/old ./\n"
    (parts(root) / "a.list").write_text(old)
    (parts(root) / "a.list").chmod(0o640)
    said = run("apt_repository", repo="deb [trusted=yes] file:/nonexistent/new ./", filename="a", mode="0600",
               update_cache_retries=1, update_cache_retry_max_delay=0)
    assert (said["failed"], said["changed"]) == (True, False)
    assert said["msg"].startswith("Failed to update apt cache after 1 retries: ")
    assert sources(root) == {"a.list": old}
    assert (parts(root) / "a.list").stat().st_mode & 0o777 == 0o640
    run("apt_repository", repo="deb [trusted=yes] file:/nonexistent/new ./", update_cache_retries=0)
    assert sources(root) == {"a.list": old}


def test_no_folder_yet(run: Runner, root: AptRoot) -> None:
    parts(root).rmdir()
    (root.folder / "etc/sources.list").unlink()
    assert run("apt_repository", repo=LINE, update_cache=False)["changed"] is True
    assert sources(root) == {"127_0_0_1_9_shop.list": LINE + "\n"}


@pytest.mark.parametrize("repo", [
    "http://x stable main", "deb", "deb http://x", "deb http://x stable", "deb http://x ./ main", "rpm http://x a b",
    "deb [arch=amd64 http://x stable main", "# deb http://x stable main", "DEB http://x stable main",
    "deb http://x stable main\ndeb http://y stable main", "deb /x stable main", "ppa:", "ppa:a/b/c", "ppa:../x"])
def test_what_is_no_source(run: Runner, root: AptRoot, repo: str) -> None:
    said = run("apt_repository", repo=repo, update_cache=False, codename="x")
    assert (said["failed"], said["msg"]) == (True, f"Invalid repository string: {repo}")
    assert sources(root) == {}


def test_no_source_at_all(run: Runner) -> None:
    assert run("apt_repository", repo=" ")["msg"] == "Please set argument 'repo' to a non-empty value"


@pytest.mark.parametrize(("line", "name"), [
    ("deb https://packages.example.org/a-b/ubuntu-22.04/ stable main", "packages_example_org_a_b_ubuntu_22_04"),
    ("deb [arch=amd64] https://user:secret@example.org:80/a stable main", "example_org_80_a"),
    ("deb file:/srv/pool ./", "file_srv_pool"), ("deb file:///srv/pool ./", "srv_pool"),
    ("deb cdrom:[Debian GNU/Linux 12] stable main", "cdrom"), ("deb https://[::1]/y%20z stable main", "y_20z"),
    ("deb mirror+file:/etc/apt/m.txt stable main", "mirror_file_etc_apt_m_txt"), ("deb \thttp://Tab  a\tb", "Tab")])
def test_what_a_file_is_called(line: str, name: str) -> None:
    source = aptsources.parse(line)
    assert source is not None
    assert aptsources.file_name(source) == name


def test_a_ppa_comes_with_its_key(root: AptRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, so that nobody's server need be asked."""
    if not pgp.has_gpg():
        pytest.skip("needs gpg")
    one, other = pgp.make("one", "other")
    trusted = root.folder / "etc/trusted.gpg.d"
    trusted.mkdir()
    monkeypatch.setenv("APT_CONFIG", root.environment["APT_CONFIG"])
    conf = root.folder / "apt.conf"
    conf.write_text(conf.read_text() + f'Dir::Etc::trustedparts "{trusted}";\n')
    answers = {"api.launchpad.net/1.0/~shop/+archive/ubuntu/ppa": json.dumps(
        {"signing_key_fingerprint": one.fingerprint.lower()}).encode(), "keyserver": one.armored}
    monkeypatch.setattr(keyfetch, "fetch", lambda m, url, failed="": next(
        said for part, said in answers.items() if part in url))

    def run(**args: object) -> Module:
        usual = dict.fromkeys(("filename", "mode"))
        m = Module("apt_repository", {**usual, "repo": "ppa:shop", "codename": "jammy", "state": "present",
                                      "update_cache": False, **args})
        apt_repository.run(m)
        return m

    path = trusted / "ppa-shop-ppa.asc"
    answers["keyserver"] = other.armored
    with pytest.raises(Failed, match=f"the key server sent another key than {one.fingerprint}"):
        run()
    answers["keyserver"] = one.armored
    assert run().changed
    assert sources(root) == {"ppa_launchpad_net_shop_ppa_ubuntu.list":
                             "deb http://ppa.launchpad.net/shop/ppa/ubuntu jammy main\n"}
    assert path.read_bytes() == one.armored
    assert not run().changed
    assert run(state="absent").changed
    assert sources(root) == {}
    for said in (b"no json", b"{}", b"[]"):
        answers["api.launchpad.net/1.0/~shop/+archive/ubuntu/ppa"] = said
        with pytest.raises(Failed, match="failed to fetch PPA information"):
            run()
