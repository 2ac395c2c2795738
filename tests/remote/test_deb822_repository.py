"""The deb822_repository module: files that a real apt reads, in folders of the test's own."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.remote import pgp
from tests.remote.debs import AptRoot, root, run
from tests.remote.modulerun import Runner
from tests.remote.test_keys import keys, site
from tests.remote.test_packages_apt import pytestmark

__all__ = ["keys", "pytestmark", "root", "run", "site"]
SHOP = {"name": "the shop", "uris": "https://a.example", "suites": "./"}
needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="needs gpg")


def targets(root: AptRoot) -> str:
    """What apt would fetch from all its sources; it fails where it cannot read one."""
    done = subprocess.run(["apt-get", "update", "--print-uris"], capture_output=True, text=True, check=True,
                          env={**root.environment, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    return done.stdout


def test_three_passes_and_away_again(run: Runner, root: AptRoot) -> None:
    dest = root.folder / "etc/sources.list.d/the-shop.sources"
    text = ("Architectures: amd64 i386\nComponents: main contrib\nEnabled: no\nX-Repolib-Name: the shop\nPdiffs: yes\n"
            "Suites: stable\nTypes: deb deb-src\nURIs: https://a.example https://b.example\n")
    wish = {"name": "the shop", "types": ["deb", "deb-src"], "uris": ["https://a.example", "https://b.example"],
            "suites": "stable", "components": ["main", "contrib"], "architectures": "amd64,i386", "enabled": False,
            "pdiffs": True}
    said = run("deb822_repository", check=True, **wish)
    told = {"changed": True, "dest": str(dest), "repo": text, "key_filename": None}
    assert {**said, **told} == said
    assert said["diff"] == {"before": "", "after": text, "before_header": str(dest), "after_header": str(dest)}
    assert not dest.exists()
    said = run("deb822_repository", **wish)
    assert {**said, **told, "mode": "0644", "state": "file", "owner": "root"} == said
    assert dest.read_text() == text
    assert run("deb822_repository", **wish)["changed"] is False
    assert run("deb822_repository", mode="0600", **wish)["changed"] is True
    assert dest.stat().st_mode & 0o777 == 0o600
    assert run("deb822_repository", **wish)["changed"] is True
    gone = {"name": "the shop", "state": "absent"}
    assert run("deb822_repository", check=True, **gone)["changed"] is True
    said = run("deb822_repository", **gone)
    assert (said["changed"], said["repo"], said["dest"]) == (True, None, str(dest))
    assert not dest.exists()
    assert run("deb822_repository", **gone)["changed"] is False


def test_apt_takes_packages_from_it(run: Runner, root: AptRoot) -> None:
    (root.folder / "etc/sources.list").unlink()
    assert run("deb822_repository", name="pool", uris=f"file://{root.pool}", suites="./", trusted=True,
               languages="none", by_hash=False, check_date=True, date_max_future=10)["changed"] is True
    assert str(root.pool) in targets(root)
    assert run("apt", name="hello-test", update_cache=True)["changed"] is True
    assert root.installed() == {"hello-test": "1.0"}


@needs_gpg
def test_a_key_that_is_fetched(run: Runner, root: AptRoot, keys: list[pgp.Key], site: str) -> None:
    keyring = root.folder / "etc/keyrings/the-shop.asc"
    wish = {**SHOP, "signed_by": f"{site}/key.asc"}
    said = run("deb822_repository", check=True, **wish)
    assert (said["changed"], said["key_filename"]) == (True, str(keyring))
    assert not keyring.parent.exists()
    assert run("deb822_repository", **wish)["changed"] is True
    assert keyring.read_bytes() == keys[0].armored + b"\n" + keys[1].armored
    assert keyring.stat().st_mode & 0o777 == 0o644
    assert f"Signed-By: {keyring}\n" in (root.folder / "etc/sources.list.d/the-shop.sources").read_text()
    assert "https://a.example/./InRelease" in targets(root)
    assert run("deb822_repository", **wish)["changed"] is False
    keyring.write_text("other\n")
    assert run("deb822_repository", **wish)["changed"] is True
    assert run("deb822_repository", name="the shop", state="absent")["changed"] is True
    assert list(keyring.parent.iterdir()) == []
    said = run("deb822_repository", **{**wish, "signed_by": f"{site}/none"})
    assert said["msg"] == "Could not fetch signed_by key: HTTP Error 404: Not Found"


@needs_gpg
def test_a_key_in_the_file(run: Runner, root: AptRoot, keys: list[pgp.Key]) -> None:
    wish = {**SHOP, "signed_by": keys[0].armored.decode()}
    said = run("deb822_repository", **wish)
    lines = said["repo"].splitlines()
    at = lines.index("Signed-By:")
    assert lines[at + 1:at + 3] == ["    -----BEGIN PGP PUBLIC KEY BLOCK-----", "    ."]
    assert said["key_filename"] is None
    assert "https://a.example/./InRelease" in targets(root)
    assert run("deb822_repository", **wish)["changed"] is False


def test_other_ways_to_name_a_key(run: Runner) -> None:
    for signed_by in ("/usr/share/keyrings/x.gpg", "3CF7A545CDCB63FEA06824EDE7888F92B5B6C4AF"):
        said = run("deb822_repository", check=True, **SHOP, signed_by=signed_by)
        assert f"Signed-By: {signed_by}\n" in said["repo"]


def test_a_value_cannot_be_another_field(run: Runner) -> None:
    said = run("deb822_repository", check=True, **{**SHOP, "uris": "https://a.example\nTrusted: yes\n\nTypes: deb"})
    assert "\nTrusted" not in said["repo"]
    assert "\n\n" not in said["repo"]


@pytest.mark.parametrize(("args", "msg"), [
    ({**SHOP, "name": "../x"}, "'../x' cannot be the name of a file"),
    ({**SHOP, "name": ""}, "'' cannot be the name of a file"),
    ({"name": "x", "uris": "https://a.example"}, "a source needs suites: "),
    ({"name": "x", "suites": "./"}, "a source needs uris: "),
    ({**SHOP, "include": "x", "exclude": "y"}, "parameters are mutually exclusive: include|exclude"),
    ({**SHOP, "types": "rpm"}, "value of types must be one or more of: deb, deb-src. Got no match for: rpm"),
])
def test_what_is_no_source(run: Runner, args: dict[str, object], msg: str) -> None:
    said = run("deb822_repository", **args)
    assert said["failed"] is True
    assert said["msg"].startswith(msg)
