"""Versions in order, and what fits what: by hand, and against what pip itself thinks."""

from __future__ import annotations

import itertools

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version as Theirs

from asyncrun.remote.packages.pep440 import Version, fits
from asyncrun.remote.packages.pipnames import Name, joined, listed

ORDER = ["1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0+a", "1.0+2", "1.0.post1.dev1",
         "1.0.post1", "1.0.1", "1.2", "1.10", "2.0", "1!0.1"]
WANTED = ["==1.0", "==1", "!=1.0", ">=1.0", "<=1.0", ">1.0", "<1.0", "~=1.0", "~=1.0.0", "==1.0.*", "!=1.*", "==1.0+a",
          "<1.0rc1", ">1.0a1", ">=1.0,<1.10", ">1.0.post1", "~=1!0.0", "===1.0", "<1!0.2", "==1.10", "~=1.2", ""]


def test_the_order_of_versions() -> None:
    keys = [Version(text).key() for text in ORDER]
    assert keys == sorted(keys)


@pytest.mark.parametrize(("one", "other"), [
    ("1.0", "1"), ("v1.0", "1.0"), ("1.0-1", "1.0.post1"), ("1.0-alpha.1", "1.0a1"), ("1.0c1", "1.0rc1"),
    ("1.0PREVIEW", "1.0rc0"), ("1.0.r4", "1.0.post4"), ("1.0-DEV", "1.0.dev0"), ("1.0+A_b", "1.0+a.b")])
def test_spellings_of_one_version(one: str, other: str) -> None:
    assert Version(one).key() == Version(other).key()
    assert Theirs(one) == Theirs(other)


@pytest.mark.parametrize(("version", "wanted"), list(itertools.product(ORDER, WANTED)))
def test_pip_thinks_the_same(version: str, wanted: str) -> None:
    assert fits(version, wanted) == SpecifierSet(wanted).contains(version, prereleases=True)


@pytest.mark.parametrize("text", ["", "one", "1.0-", "1..0", "1.0+", "1.0 2"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        Version(text)


@pytest.mark.parametrize("wanted", ["1.0", "=1", "=>1", ">=x", "~>1", "latest"])
def test_what_cannot_be_looked_for(wanted: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        fits("1.0", wanted)


@pytest.mark.parametrize(("text", "project", "wanted"), [
    ("shop", "shop", ""), ("Shop_A.b", "shop-a-b", ""), ("shop>=2,<3", "shop", ">=2,<3"), ("shop == 2", "shop", "== 2"),
    ("shop[web,db]~=1.2", "shop", "~=1.2"), ("shop (>=1)", "shop", ">=1"),
    ("shop>=1; python_version < '3'", "shop", ">=1"), ("shop @ https://example.com/shop.zip", "shop", ""),
    ("/srv/shop-1.0-py3-none-any.whl", "shop", "==1.0"), ("./a/shop-1.0-1-cp39-cp39-linux_x86_64.whl", "shop", "==1.0"),
    ("https://example.com/shop_a-2.0-py3-none-any.whl#sha256=ab", "shop-a", "==2.0"),
    ("git+https://example.com/shop.git#egg=Shop", "shop", ""), ("git+https://example.com/shop.git", None, ""),
    ("/srv/shop", None, ""), ("./shop.tar.gz", None, ""), ("not a name", None, ""), ("", None, "")])
def test_what_a_name_means(text: str, project: str | None, wanted: str) -> None:
    name = Name(text)
    assert (name.project, name.wanted.strip()) == (project, wanted)
    assert name.text == text


@pytest.mark.parametrize("text", ["git+https://example.com/x", "x @ git+ssh://me@example.com/x", "hg+http://example.com"])
def test_repositories_are_known(text: str) -> None:
    assert Name(text).vcs
    assert not Name("https://example.com/git+x.zip").vcs


def test_what_a_comma_tore_apart() -> None:
    assert joined(["a>=1", "<2", "b"]) == ["a>=1,<2", "b"]
    assert joined(["a", ">=1", "!=1.5"]) == ["a>=1,!=1.5"]
    assert joined(["a[web", "db]==1", "c"]) == ["a[web,db]==1", "c"]
    assert joined(["a", "b", ""]) == ["a", "b", ""]
    assert joined([">=1"]) == [">=1"]


def test_a_version_of_its_own() -> None:
    assert Name("a").of_version("1.0").text == "a==1.0"
    assert Name("a").of_version(">=1,<2").text == "a>=1,<2"
    assert Name("a[web]; os_name=='posix'").of_version("1").text == "a[web]==1; os_name=='posix'"


def test_whether_it_is_there() -> None:
    there = listed("Shop_A==1.5\npip==23.0\n-e /srv/x\nnonsense\n")
    assert there == {"shop-a": "1.5", "pip": "23.0"}
    assert Name("shop.a").satisfied(there)
    assert Name("shop-a>=1.2,<2").satisfied(there)
    assert Name("shop_a-1.5-py3-none-any.whl").satisfied(there)
    for text in ("shop-a>2", "shop", "shop-a @ file:///srv/x.zip", "./shop-a", "shop-a>=oops"):
        assert not Name(text).satisfied(there)
