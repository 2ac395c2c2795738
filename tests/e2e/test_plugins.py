"""Plugins of a project through the command: playbook, role, settings, collections, and what a person reads."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.command import Ended, playbook

ONE_TASK = '- {hosts: localhost, gather_facts: false, tasks: [{debug: {msg: "%s"}}]}\n'


class Repository:
    """A folder of somebody's files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> Repository:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
        return self

    def run(self, *arguments: str, hosts: str = "localhost,", **env: str) -> Ended:
        """`asyncrun-playbook site.yml`, in the folder."""
        return playbook("-i", hosts, "-c", "local", "site.yml", *arguments, cwd=self.root,
                        env={"HOME": str(self.root), **env})


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_repository_with_plugins_of_every_kind(repository: Repository) -> None:
    repository.write("site.yml", """
        - hosts: localhost
          gather_facts: false
          tasks:
            - debug: {msg: "{{ 'a' | shout }} {{ 4 is even_number }} {{ lookup('greet', 'you') }}"}
            - debug: {msg: "item {{ item }}"}
              with_greet: [x, y]
            - include_role: {name: r}
            - debug: {msg: "after {{ 1 | of_role }} {{ 'b' | acme.tools.twice }} {{ 1 | configured }}"}
            - copy: {content: "{{ 'in a file' | shout }}", dest: "{{ playbook_dir }}/out"}
        - import_playbook: more/other.yml
    """)
    repository.write("more/other.yml", ONE_TASK % "{{ 1 | near }}")
    repository.write("more/filter_plugins/n.py", "FILTERS = {'near': lambda x: 'beside the imported playbook'}\n")
    repository.write("filter_plugins/f.py", """
        from ansible.module_utils.common.text.converters import to_text
        class FilterModule(object):
            def filters(self):
                return {'shout': lambda value: to_text(value).upper()}
    """)
    repository.write("test_plugins/t.py", """
        class TestModule(object):
            def tests(self):
                return {'even_number': lambda value: value % 2 == 0}
    """)
    repository.write("lookup_plugins/greet.py", """
        from ansible.plugins.lookup import LookupBase
        class LookupModule(LookupBase):
            def run(self, terms, variables=None, **kwargs):
                return ['hello ' + term for term in terms]
    """)
    repository.write("roles/r/filter_plugins/r.py", "FILTERS = {'of_role': lambda x: 'from the role'}\n")
    repository.write("roles/r/lookup_plugins/rl.py", """
        class LookupModule:
            def run(self, terms, variables=None, **kwargs):
                return [variables['role_name']]
    """)
    repository.write("roles/r/tasks/main.yml", """
        - debug: {msg: "role {{ item }} {{ 1 | of_role }}"}
          with_rl: [1]
    """)
    repository.write("collections/ansible_collections/acme/tools/plugins/filter/twice.py",
                     "class FilterModule:\n    def filters(self): return {'twice': lambda x: x * 2}\n")
    repository.write("cfg/c.py", "FILTERS = {'configured': lambda x: 'by the settings'}\n")
    repository.write("ansible.cfg", "[defaults]\nfilter_plugins = ./cfg\n")
    ended = repository.run().ok()
    for text in ("A True hello you", "item hello x", "item hello y", "role r from the role",
                 "after from the role bb by the settings", "beside the imported playbook"):
        assert text in ended.out
    assert (repository.root / "out").read_text() == "IN A FILE"
    assert not list(repository.root.rglob("__pycache__"))


def test_plugins_are_loaded_once_for_many_hosts(repository: Repository) -> None:
    repository.write("site.yml", """
        - hosts: all
          gather_facts: false
          tasks:
            - debug: {msg: "{{ inventory_hostname | tagged }}"}
    """)
    repository.write("filter_plugins/f.py", f"""
        from ansible.utils.display import Display
        with open({str(repository.root / "log")!r}, "a") as log:
            log.write("x")
        def tagged(value):
            Display().warning("told once")
            return "<" + value + ">"
        FILTERS = {{'tagged': tagged}}
    """)
    ended = repository.run("-f", "20", hosts=",".join(f"h{number}" for number in range(40))).ok()
    assert all(f"<h{number}>" in ended.out for number in range(40))
    assert (repository.root / "log").read_text() == "x"
    assert (ended.out + ended.err).count("told once") == 1


def test_what_a_person_reads_when_plugins_fail(repository: Repository) -> None:
    repository.write("site.yml", """
        - hosts: localhost
          gather_facts: false
          tasks:
            - debug: {msg: "{{ 1 | there }}"}
            - debug: {msg: "{{ 1 | boom }}"}
              ignore_errors: true
            - debug: {msg: "{{ 1 | lost }}"}
              ignore_errors: true
            - debug: {msg: "{{ 1 | ther }}"}
    """)
    repository.write("filter_plugins/good.py", "FILTERS = {'there': str, 'boom': lambda x: 1 / 0}\n")
    repository.write("filter_plugins/broken.py", "import no_such_package\nFILTERS = {'lost': str}\n")
    ended = repository.run()
    said = ended.out + ended.err
    assert ended.code == 2
    file = f"{repository.root}/filter_plugins/good.py"
    assert f"The filter plugin 'boom' failed: division by zero (ZeroDivisionError in {file}, line 1)" in said
    assert said.count("Skipping plugin") == 1
    assert f"{sys.executable} -m pip install no_such_package" in said
    assert "No filter named 'ther'. Did you mean 'there'?" in said
    assert f"Origin: {repository.root}/site.yml:10:" in said
    assert ended.recap["localhost"] == {"ok": 3, "failed": 1, "ignored": 2}


def test_a_broken_plugin_that_nobody_needs_says_nothing(repository: Repository) -> None:
    repository.write("site.yml", ONE_TASK % "{{ [1] | join }}")
    repository.write("filter_plugins/broken.py", "import no_such_package\n")
    ended = repository.run().ok()
    assert "no_such_package" not in ended.out + ended.err


def test_with_a_lookup_that_is_nowhere(repository: Repository) -> None:
    repository.write("site.yml", """
        - hosts: localhost
          tasks:
            - debug: {msg: "{{ item }}"}
              with_gret: [x]
    """)
    repository.write("lookup_plugins/greet.py", "class LookupModule: pass\n")
    ended = repository.run()
    assert ended.code == 4
    assert "'with_gret' is not a valid attribute for a Task" in ended.err + ended.out
    assert "Did you mean 'with_greet'?" in ended.err + ended.out


def test_what_a_host_says_is_no_template_in_a_plugin_either(repository: Repository) -> None:
    repository.write("site.yml", """
        - hosts: localhost
          gather_facts: false
          tasks:
            - command: echo '{{ "{{" }} lookup("pipe", "echo owned") {{ "}}" }}'
              register: said
            - debug: {msg: "{{ said.stdout | same }} {{ lookup('render', said.stdout) }}"}
    """)
    repository.write("filter_plugins/f.py", "FILTERS = {'same': lambda x: x}\n")
    repository.write("lookup_plugins/render.py", """
        from ansible.plugins.lookup import LookupBase
        class LookupModule(LookupBase):
            def run(self, terms, variables=None, **kwargs):
                return [self._templar.template(variables['said']['stdout']), self._templar.template(terms[0])]
    """)
    ended = repository.run().ok()
    assert ended.out.count("lookup(\\\"pipe\\\", \\\"echo owned\\\")") == 3
    assert "\"owned" not in ended.out
