"""Lookups: files beside the playbook, commands, URLs, passwords kept in files, and how errors are taken."""

from __future__ import annotations

import http.server
import logging
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncrun import config
from asyncrun.errors import TemplateError, UndefinedError
from asyncrun.source.vault import Vault
from asyncrun.templating import Templar
from asyncrun.vars.stack import Layer, LazyVars, VarStack

VAULT = Vault([("default", b"pw")])
TEMPLAR = Templar(
    services={
        "vault": VAULT,
        "config": config.defaults(),
        "hosts": lambda pattern: ["web1", "web2"] if pattern.startswith("web") else [],
    }
)


def render(text: str, **variables: Any) -> Any:
    return TEMPLAR.render(text, LazyVars(VarStack(Layer("v", variables)), TEMPLAR))


@pytest.fixture
def book(tmp_path: Path) -> dict[str, Any]:
    """The variables of a playbook with a role, and files in their folders."""
    role = tmp_path / "roles" / "r"
    for path, text in {
        tmp_path / "files" / "a.txt": "book\n\n",
        tmp_path / "b.txt": "plain",
        role / "files" / "a.txt": "role\n",
        tmp_path / "templates" / "t.j2": "x={{ x }}\n{% include 'inc.j2' %}",
        tmp_path / "templates" / "inc.j2": "inc",
        tmp_path / "files" / "x.csv": "a,b,c\nd,e,f\n",
        tmp_path / "files" / "x.ini": "[sec]\nk=v\nk2=w\n[global]\ng=1\n",
        tmp_path / "files" / "x.properties": "k=v\n",
        tmp_path / "templates" / "lone.j2": "{{ x }}",
        tmp_path / "files" / "secret": VAULT.encrypt(b"opened\n"),
        tmp_path / "vars" / "Debian.yml": "",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {"playbook_dir": str(tmp_path), "role_path": str(role)}


def test_files_are_looked_for_in_the_role_first(book: dict[str, Any]) -> None:
    assert render("{{ lookup('file', 'a.txt') }}", **book) == "role"
    assert render("{{ lookup('file', 'a.txt', 'b.txt') }}", **book) == "role,plain"
    assert render("{{ lookup('file', 'a.txt') }}", playbook_dir=book["playbook_dir"]) == "book"
    assert render("{{ lookup('file', 'a.txt') }}", ansible_search_path=[book["playbook_dir"]], **book) == "book"
    assert render("{{ lookup('file', 'a.txt', rstrip=false) }}", playbook_dir=book["playbook_dir"]) == "book\n\n"
    assert render("{{ lookup('file', '{{ name }}') }}", name="b.txt", **book) == "plain"


def test_a_vaulted_file_is_opened(book: dict[str, Any]) -> None:
    assert render("{{ lookup('file', 'secret') }}", **book) == "opened"
    assert render("{{ lookup('unvault', 'secret') }}", **book) == "opened\n"


def test_template(book: dict[str, Any]) -> None:
    assert render("{{ lookup('template', 't.j2') }}", x=5, **book) == "x=5\ninc"
    assert render("{{ lookup('template', 't.j2', template_vars={'x': 7}) }}", x=5, **book) == "x=7\ninc"
    assert render("{{ lookup('template', 'lone.j2') }}", x=[1], **book) == [1]
    with pytest.raises(UndefinedError, match="'x' is undefined"):
        render("{{ lookup('template', 't.j2') }}", **book)


def test_tables(book: dict[str, Any]) -> None:
    assert render("{{ lookup('csvfile', 'a', file='x.csv', delimiter=',') }}", **book) == "b"
    assert render("{{ lookup('csvfile', 'd file=x.csv delimiter=, col=2') }}", **book) == "f"
    assert render("{{ lookup('csvfile', 'z', file='x.csv', delimiter=',', default='no') }}", **book) == "no"
    assert render("{{ lookup('ini', 'k', section='sec', file='x.ini') }}", **book) == "v"
    assert render("{{ lookup('ini', 'k section=sec file=x.ini') }}", **book) == "v"
    assert render("{{ lookup('ini', 'g', file='x.ini') }}", **book) == "1"
    assert render("{{ lookup('ini', 'z', file='x.ini', default='no') }}", **book) == "no"
    assert render("{{ lookup('ini', 'k.*', section='sec', re=true, file='x.ini') }}", **book) == "v,w"
    assert render("{{ lookup('ini', 'k', type='properties', file='x.properties') }}", **book) == "v"
    with pytest.raises(TemplateError, match="No section 'nosec' in"):
        render("{{ lookup('ini', 'k', section='nosec', file='x.ini') }}", **book)


def test_first_found(book: dict[str, Any], tmp_path: Path) -> None:
    assert render("{{ lookup('first_found', ['nope.yml', 'Debian.yml'], skip=true) }}", **book) == []
    for action, found in (("include_vars", "vars/Debian.yml"), ("template", "templates/t.j2")):
        known = LazyVars(VarStack(Layer("v", book), action=action), TEMPLAR)
        text = "{{ lookup('first_found', ['nope.yml', 'Debian.yml', 't.j2']) }}"
        assert TEMPLAR.render(text, known) == str(tmp_path / found)
    assert render("{{ query('first_found', {'files': ['no', 'a.txt'], 'paths': ['/x', 'files']}) }}", **book) == [
        str(tmp_path / "roles" / "r" / "files" / "a.txt")
    ]
    assert render("{{ lookup('first_found', files=['no', 'b.txt']) }}", **book) == str(tmp_path / "b.txt")
    assert render("{{ query('first_found', ['no'], skip=true) }}", **book) == []
    assert render("{{ query('first_found', [{'files': 'no', 'skip': true}]) }}", **book) == []
    with pytest.raises(TemplateError, match="No file was found when using first_found"):
        render("{{ lookup('first_found', ['no']) }}", **book)


def test_fileglob(book: dict[str, Any], tmp_path: Path) -> None:
    assert render("{{ query('fileglob', 'x.*') }}", **book) == [
        str(tmp_path / "files" / name) for name in ("x.csv", "x.ini", "x.properties")
    ]
    assert render("{{ query('fileglob', 'nope*') }}", **book) == []


def test_commands(tmp_path: Path) -> None:
    assert render("{{ lookup('pipe', 'pwd; echo b') }}", playbook_dir=str(tmp_path)) == f"{tmp_path}\nb"
    assert render("{{ query('lines', 'echo a; echo b') }}") == ["a", "b"]
    with pytest.raises(TemplateError) as caught:
        render("{{ lookup('pipe', 'exit 3') }}")
    assert caught.value.message == "The lookup plugin 'pipe' failed: lookup_plugin.pipe(exit 3) returned 3"


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "1")
    assert render("{{ lookup('env', 'ONE') }}{{ lookup('env', 'NOT_THERE') }}") == "1"
    assert render("{{ lookup('env', 'NOT_THERE', default='d') }}") == "d"
    with pytest.raises(TemplateError, match="has not been overridden"):
        render("{{ lookup('env', 'NOT_THERE', default=undef()) }}")


def test_errors_can_be_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    assert render("{{ lookup('file', '/nope', errors='ignore') }}") is None
    assert render("{{ query('file', '/nope', errors='ignore') }}") == []
    assert render("{{ lookup('file', '/nope', errors='ignore') | default('d', true) }}") == "d"
    assert not caplog.records
    assert render("{{ lookup('file', '/nope', errors='warn') }}") is None
    assert "An error occurred while running the lookup plugin 'file'" in caplog.text


def test_wrong_calls_say_what_is_wrong() -> None:
    for text, message, hint in (
        ("{{ lookup('fiel', 'x') }}", "The lookup plugin 'fiel' was not found.", "Did you mean 'file'?"),
        ("{{ lookup('vars', 'userx') }}", "No variable named 'userx' was found.", "Did you mean 'user'?"),
        ("{{ lookup('file', zz) }}", "'zz' is undefined", None),
        ("{{ lookup('file', 'x', errors='wran') }}", "Invalid value 'wran' for 'errors'.", "Did you mean 'warn'?"),
    ):
        with pytest.raises(TemplateError) as caught:
            render(text, user=1)
        assert (caught.value.message, caught.value.hint) == (message, hint)


def test_options_that_a_lookup_does_not_have(caplog: pytest.LogCaptureFixture) -> None:
    assert render("{{ lookup('items', 'a', stripp=true, plugin_name='x', name=1) }}") == "a"
    assert "The lookup 'items' has no option 'stripp'; it is passed over." in caplog.text
    assert render("{{ query('file', rstripp=true) }}") == []
    assert "Did you mean 'rstrip'?" in caplog.text
    with pytest.raises(TemplateError, match="'dellimiter' is not a valid option") as caught:
        render("{{ lookup('csvfile', 'key dellimiter=,') }}")
    assert caught.value.hint == "Did you mean 'delimiter'?"


def test_terms_of_first_found_without_a_value() -> None:
    known = LazyVars(VarStack(Layer("v", {"u": "{{ nope }}", "l": ["{{ nope }}", "b"], "host": "{{ x }}"}, True)),
                     TEMPLAR)
    for name in ("first_found", "ansible.builtin.first_found"):
        written = ["{{ u }}", "a", "{{ l }}", {"files": ["{{ nope }}.yml", "c"], "paths": "{{ nope }}"}]
        assert TEMPLAR.terms(name, written, known) == ["a", ["b"], {"files": ["c"]}]
        with pytest.raises(UndefinedError, match="'nope' is undefined"):
            TEMPLAR.terms(name, "{{ u }}", known)
    with pytest.raises(UndefinedError, match="'nope' is undefined"):
        TEMPLAR.terms("items", ["{{ u }}", "a"], known)
    data = LazyVars(VarStack(Layer("host", {"h": ["{{ 1 }}"]}, trusted=False)), TEMPLAR)
    assert TEMPLAR.terms("first_found", ["{{ h }}"], data) == [["{{ 1 }}"]]


def test_settings_and_inventory() -> None:
    assert render("{{ lookup('config', 'DEFAULT_FORKS') }}") == 5
    assert render("{{ query('inventory_hostnames', 'web*') }}") == ["web1", "web2"]


def test_vars_in_a_template_of_its_own_names() -> None:
    assert render("{% set own = 5 %}{{ lookup('vars', 'own') }}") == 5
    assert render("{{ query('varnames', '^ab') }}", abc=1, abd="{{ broken }}", x=2) == ["abc", "abd"]


def test_password_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "pw"
    text = f"{{{{ lookup('password', '{path} length=12 chars=ascii_letters') }}}}"
    first = render(text)
    assert len(first) == 12
    assert first.isalpha()
    assert render(text) == first
    assert path.read_text() == f"{first}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    hashed = render(f"{{{{ lookup('password', '{path} encrypt=sha512_crypt') }}}}")
    assert hashed.startswith("$6$")
    assert render(f"{{{{ lookup('password', '{path} encrypt=sha512_crypt') }}}}") == hashed
    assert path.read_text().startswith(f"{first} salt=")
    assert render("{{ lookup('password', '/dev/null length=8 seed=x') }}") == "O9iX65Wv"
    assert render("{{ lookup('password', '/dev/null length=9 chars=a,digits') | length }}") == 9


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/x"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(f"{self.headers.get('Authorization', 'none')}\nline2\n".encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        logging.getLogger(__name__).debug(format, *args)


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Answers) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_url(server: str) -> None:
    assert render("{{ query('url', u ~ '/x') }}", u=server) == ["none", "line2"]
    assert render("{{ lookup('url', u ~ '/x', split_lines=false) }}", u=server) == "none\nline2\n"
    assert render("{{ query('url', u ~ '/x', username='a', password='b') | first }}", u=server) == "Basic YTpi"
    with pytest.raises(TemplateError, match=r"The lookup plugin 'url' failed: Failed lookup url for .*404"):
        render("{{ lookup('url', u ~ '/none') }}", u=server)


@pytest.mark.parametrize(
    ("name", "terms", "expected"),
    [
        ("items", [1, [2, [3]]], [1, 2, [3]]),
        ("dict", {"a": 1}, [{"key": "a", "value": 1}]),
        ("items", "one", ["one"]),
        ("nested", [[1, 2], ["a"]], [[1, "a"], [2, "a"]]),
        ("together", [[1, 2], ["a"]], [[1, "a"], [2, None]]),
        ("sequence", "start=1 end=2", ["1", "2"]),
        ("indexed_items", ["a"], [[0, "a"]]),
        ("list", [1, [2]], [1, [2]]),
        ("subelements", [[{"n": "a", "g": [1]}], "g"], [[{"n": "a"}, 1]]),
        ("ansible.builtin.items", [1], [1]),
    ],
)
def test_what_with_loops_go_through(name: str, terms: Any, expected: Any) -> None:
    assert TEMPLAR.lookup(name, terms, {}) == expected


def test_random_choice() -> None:
    assert TEMPLAR.lookup("random_choice", [1, 2], {})[0] in (1, 2)
    assert TEMPLAR.lookup("random_choice", [], {}) == []
