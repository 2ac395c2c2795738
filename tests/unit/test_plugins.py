"""Plugins beside the playbook: where they are found, their shapes, what they may import, and how they fail."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from asyncrun.errors import TemplateError, UndefinedError
from asyncrun.plugins import PluginLoadError, Plugins
from asyncrun.templating import Templar
from asyncrun.vars.stack import Layer, LazyVars, VarStack
from tests.unit.test_template_names import FILTERS, LOOKUPS, TESTS

FILTER = "class FilterModule(object):\n    def filters(self):\n        return {%s}\n"
LOOKUP = """
from ansible.plugins.lookup import LookupBase

class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        %s
"""


class Project:
    """A folder with plugins, and a templar that finds them."""

    def __init__(self, root: Path, plugins: Plugins) -> None:
        self.root = root
        self.plugins = plugins
        self.templar = Templar(plugins=plugins)

    def write(self, path: str, text: str) -> Project:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
        return self

    def render(self, template: str, **variables: Any) -> Any:
        known = {"playbook_dir": str(self.root), **variables}
        return self.templar.render(template, LazyVars(VarStack(Layer("v", known)), self.templar))

    def fails(self, template: str, **variables: Any) -> TemplateError:
        with pytest.raises(TemplateError) as caught:
            self.render(template, **variables)
        return caught.value


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Projects; what their plugins imported is forgotten at the end."""
    opened: list[Plugins] = []

    def made(**configured: list[str]) -> Project:
        plugins = Plugins(configured, [str(tmp_path / "collections")])
        plugins.add_beside(str(tmp_path))
        opened.append(plugins)
        return Project(tmp_path, plugins)

    yield made
    for each in opened:
        each.close()
    assert not [name for name in sys.modules if name.partition(".")[0] in ("ansible", "ansible_collections")]


# Where --------------------------------------------------------------------------------------------------------------


def test_filters_tests_and_lookups_beside_the_playbook(make: Callable[..., Project]) -> None:
    project = make()
    project.write("filter_plugins/f.py", FILTER % "'double': lambda x: x * 2")
    project.write("test_plugins/t.py", "class TestModule:\n    def tests(self): return {'big': lambda x: x > 5}\n")
    project.write("lookup_plugins/mine.py", LOOKUP % "return [t + kwargs.get('more', 0) for t in terms]")
    assert project.render("{{ 4 | double }} {{ 8 is big }} {{ 1 is big }}") == "8 True False"
    assert project.render("{{ query('mine', 1, 2, more=10) }}") == [11, 12]
    assert project.templar.lookup("mine", [1, 2], {}) == [1, 2]


def test_names_of_ansible_legacy_are_the_projects_and_of_ansible_builtin_are_not(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/f.py", FILTER % "'double': lambda x: x * 2, 'bool': lambda x: 'mine'")
    assert project.render("{{ 4 | ansible.legacy.double }}") == 8
    assert "No filter named 'ansible.builtin.double'" in project.fails("{{ 4 | ansible.builtin.double }}").message
    assert project.render("{{ 'yes' | bool }} {{ 'yes' | ansible.builtin.bool }}") == "mine True"


def test_playbooks_win_over_roles_and_roles_over_settings(make: Callable[..., Project], tmp_path: Path) -> None:
    project = make(filter=[str(tmp_path / "cfg")])
    names = "'a': lambda x: '%s', 'b': lambda x: '%s', 'c': lambda x: '%s'"
    project.write("cfg/x.py", FILTER % (names % ("cfg", "cfg", "cfg")))
    project.write("cfg/sub/y.py", FILTER % "'inner': lambda x: 'sub'")
    project.write("roles/r/filter_plugins/x.py", FILTER % "'a': lambda x: 'role', 'b': lambda x: 'role'")
    project.write("filter_plugins/z.py", FILTER % "'a': lambda x: 'book'")
    template = "{{ 1 | a }} {{ 1 | b }} {{ 1 | c }} {{ 1 | inner }}"
    assert project.render(template) == "book cfg cfg sub"
    project.plugins.add_beside(str(tmp_path / "roles" / "r"))
    assert project.render(template) == "book role cfg sub"


def test_of_two_files_of_a_folder_the_first_by_name_wins(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/a.py", FILTER % "'dup': lambda x: 'a'")
    project.write("filter_plugins/b.py", FILTER % "'dup': lambda x: 'b'")
    assert project.render("{{ 1 | dup }}") == "a"


def test_plugins_of_collections_by_their_full_name(make: Callable[..., Project]) -> None:
    project = make()
    home = "collections/ansible_collections/acme/tools"
    project.write(f"{home}/plugins/filter/many.py", """
        from ansible_collections.acme.tools.plugins.module_utils.helper import shout
        from ..plugin_utils.more import MORE
        class FilterModule:
            def filters(self): return {'shout': shout, 'more': lambda x: x + MORE}
    """)
    project.write(f"{home}/plugins/module_utils/helper.py", "def shout(x): return x.upper()\n")
    project.write(f"{home}/plugins/plugin_utils/more.py", "MORE = 1\n")
    project.write(f"{home}/plugins/test/even.py", "TESTS = {'evenly': lambda x: x % 2 == 0}\n")
    project.write(f"{home}/plugins/lookup/here.py", LOOKUP % "return [kwargs]")
    project.write(f"{home}/meta/runtime.yml", """
        plugin_routing:
          filter:
            join_path: {redirect: ansible.builtin.path_join}
            loud: {redirect: acme.tools.shout}
            gone: {tombstone: {warning_text: It is gone.}}
    """)
    assert project.render("{{ 'a' | acme.tools.shout }} {{ 1 | acme.tools.more }} {{ 2 is acme.tools.evenly }}") == \
        "A 2 True"
    assert project.render("{{ lookup('acme.tools.here', x=1) }}") == {"x": 1}
    assert project.render("{{ ['a', 'b'] | acme.tools.join_path }} {{ 'a' | acme.tools.loud }}") == "a/b A"
    assert "It is gone." in project.fails("{{ 1 | acme.tools.gone }}").message
    assert project.fails("{{ 1 | acme.tools.man }}").hint == "Did you mean 'many'?"
    assert "No filter named 'shout'" in project.fails("{{ 1 | shout }}").message
    assert "acme.tools.here" in project.templar.lookup_names
    assert "acme.tools.there" not in project.templar.lookup_names


def test_short_names_of_what_was_once_ansibles_own(make: Callable[..., Project]) -> None:
    project = make()
    for name, said in (("ansible.utils", "utils"), ("community.general", "general"), ("acme.tools", "tools")):
        home = f"collections/ansible_collections/{name.replace('.', '/')}"
        project.write(f"{home}/plugins/filter/{said}.py", FILTER % f"'whose': lambda x: '{said}', 'bool': lambda x: x")
        project.write(f"{home}/plugins/lookup/{said}_here.py", LOOKUP % "return terms")
    home = "collections/ansible_collections/community/general"
    project.write(f"{home}/plugins/test/even.py", "TESTS = {'evenly': lambda x: x % 2 == 0}\n")
    project.write(f"{home}/plugins/filter/other.py", "raise SystemExit('imported, though it does not have the name')\n")
    project.write(f"{home}/meta/runtime.yml", """
        plugin_routing:
          lookup:
            flat: {redirect: community.general.general_here}
            gone: {tombstone: {warning_text: It is gone.}}
    """)
    assert project.render("{{ 1 | whose }} {{ 2 is evenly }} {{ 'yes' | bool }}") == "utils True True"
    assert project.render("{{ query('general_here', 1) + query('flat', 2) }}") == [1, 2]
    names = ("general_here", "flat", "gone", "tools_here")
    assert [name in project.templar.lookup_names for name in names] == [True, True, False, False]
    assert "No filter named 'whos'" in project.fails("{{ 1 | whos }}").message
    assert "was not found" in project.fails("{{ lookup('gone') }}").message
    assert "was not found" in project.fails("{{ lookup('tools_here') }}").message


def test_a_collection_that_is_not_installed(make: Callable[..., Project]) -> None:
    error = make().fails("{{ 1 | community.nothing.json_query }}")
    assert "No filter named 'community.nothing.json_query'." in error.message
    install = "ansible-galaxy collection install community.nothing"
    assert error.hint == f"The collection community.nothing is not installed: {install}"


def test_nothing_is_imported_before_it_is_asked_for(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/a.py", "raise SystemExit('imported')\nNAMES = ['hidden']\n")
    project.write("filter_plugins/b.py", FILTER % "'shown': lambda x: x")
    project.write("lookup_plugins/mine.py", "raise SystemExit('imported')\n")
    assert project.render("{{ [1, 2] | map('string') | join(',') }}") == "1,2"
    assert project.render("{{ 1 | shown }}") == 1
    assert "mine" in project.templar.lookup_names
    assert "yours" not in project.templar.lookup_names
    assert "imported" in str(project.fails("{{ 1 | hidden }}").hint)


def test_a_name_that_no_file_writes_out_is_found_too(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/a.py", FILTER % "'ge' + 'nerated': lambda x: 'found'")
    assert project.render("{{ 1 | generated }}") == "found"


def test_a_file_is_imported_once_whatever_number_of_threads(make: Callable[..., Project], tmp_path: Path) -> None:
    writes = f"with open({str(tmp_path / 'log')!r}, 'a') as log: log.write('x')\n"
    project = make().write("filter_plugins/a.py", writes + FILTER % "'inc': lambda x: x + 1")
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda at: project.render(f"{{{{ {at} | inc }}}}"), range(40)))
    assert found == list(range(1, 41))
    assert (tmp_path / "log").read_text() == "x"
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize("name", [*LOOKUPS.split()])
def test_every_lookup_has_its_full_name(make: Callable[..., Project], name: str) -> None:
    names = make().templar.lookup_names
    assert all(prefix + name in names for prefix in ("", "ansible.builtin.", "ansible.legacy."))


def test_there_are_as_many_as_ansible_core_has() -> None:
    assert [len(each.split()) for each in (FILTERS, TESTS, LOOKUPS)] == [122, 82, 25]


# Shapes -------------------------------------------------------------------------------------------------------------


def test_plain_tables_of_functions(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/f.py", "FILTERS = {'inc': lambda x: x + 1}\n")
    project.write("test_plugins/t.py", "TESTS = {'one': lambda x: x == 1}\n")
    project.write("lookup_plugins/l.py", """
        def where(terms, context, more=0):
            return [*terms, context.variables["x"], more]
        LOOKUPS = {"where": where}
    """)
    template = "{{ 1 | inc }} {{ 1 is one }} {{ query('where', 1, more=2) }}"
    assert project.render(template, x="{{ 7 }}") == "2 True [1, 7, 2]"


def test_jinjas_own_ways_to_get_the_context_and_the_environment(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/f.py", """
        from jinja2 import pass_context, pass_environment
        @pass_context
        def shown(context, name): return context[name]
        @pass_environment
        def twice(environment, value): return environment.filters['upper'](value) * 2
        class FilterModule:
            def filters(self): return {'shown': shown, 'twice': twice, 'method': self.method}
            def method(self, value, more=1): return value + more
    """)
    assert project.render("{{ 'x' | shown }} {{ 'a' | twice }} {{ 1 | method(more=2) }}", x="{{ 40 + 2 }}") == "42 AA 3"


def test_what_a_filter_gets_is_plain_and_its_own(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/f.py", """
        def change(value, more=None):
            value['new'] = type(value).__name__ + type(value['list']).__name__ + type(more).__name__
            value['list'].append(2)
            return value
        class FilterModule:
            def filters(self): return {'change': change}
    """)
    template = "{{ d | change(more=d) }} {{ d }}"
    assert project.render(template, d={"list": ["{{ 1 }}"]}) == \
        "{'list': [1, 2], 'new': 'dictlistdict'} {'list': [1]}"


def test_what_a_plugin_gives_is_never_a_template(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/f.py", FILTER % "'evil': lambda x: '{{ 1 + 1 }}'")
    project.write("lookup_plugins/evil.py", LOOKUP % "return ['{{ 1 + 1 }}', self._templar.template('{{ 2 + 2 }}')]")
    variables = {"a": "{{ 1 | evil }}", "b": "{{ query('evil') }}"}
    assert project.render("{{ a }}", **variables) == "{{ 1 + 1 }}"
    assert project.render("{{ b }}", **variables) == ["{{ 1 + 1 }}", "{{ 2 + 2 }}"]


def test_names_without_a_value_never_reach_a_plugin(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/f.py", FILTER % "'any': lambda x, y=1: 'ran'")
    for template in ("{{ nope | any }}", "{{ 1 | any(nope) }}", "{{ 1 | any(y=nope) }}", "{{ [nope] | any }}"):
        with pytest.raises(UndefinedError, match="'nope' is undefined"):
            project.render(template)


def test_a_test_gives_a_bool(make: Callable[..., Project]) -> None:
    project = make().write("test_plugins/t.py", "TESTS = {'texty': lambda x: x}\n")
    assert project.render("{{ 'a' is texty }}") is True
    assert project.templar.test("'' is texty", {}) is False


def test_an_old_lookup_that_keeps_its_own_init(make: Callable[..., Project]) -> None:
    project = make().write("lookup_plugins/old.py", """
        from ansible.utils import listify_lookup_plugin_terms
        import ansible.errors as errors
        class LookupModule(object):
            def __init__(self, basedir=None, **kwargs):
                self.basedir = basedir
            def run(self, terms, inject=None, **kwargs):
                return listify_lookup_plugin_terms(terms, self.basedir, inject) + sorted(kwargs)
    """)
    project.write("lookup_plugins/bare.py", "class LookupModule:\n    def run(self, terms, variables): return terms\n")
    assert project.render("{{ query('old', 'a') }} {{ query('bare', 'b') }}") == "['a', 'variables'] ['b']"


# Lookups' options and files -------------------------------------------------------------------------------------------

OPTIONS = """
    from ansible.plugins.lookup import LookupBase
    DOCUMENTATION = '''
    name: opt
    options:
      _terms: {description: x}
      word:
        default: plain
        env: [{name: ASYNCRUN_TEST_WORD}]
        vars: [{name: opt_word}]
        ini: [{section: opt_lookup, key: word}]
      count: {type: int, default: 1}
      flags: {type: list, elements: str, default: [a]}
      where: {type: path}
      kind: {choices: [x, y], default: x, aliases: [sort]}
    '''
    class LookupModule(LookupBase):
        def run(self, terms, variables=None, **kwargs):
            self.set_options(var_options=variables, direct=kwargs)
            return [self.get_options()]
"""


class Settings:
    """What a lookup is told of the settings: the file that counts."""

    def __init__(self, file: str) -> None:
        self.file = file


def test_options_of_a_lookup_by_their_order(make: Callable[..., Project], monkeypatch: pytest.MonkeyPatch,
                                            tmp_path: Path) -> None:
    project = make().write("lookup_plugins/opt.py", OPTIONS).write("ansible.cfg", "[opt_lookup]\nword = ini ; x\n")
    default = {"word": "plain", "count": 1, "flags": ["a"], "where": None, "kind": "x"}
    assert project.render("{{ lookup('opt') }}") == default
    project.templar = Templar(plugins=project.plugins, services={"config": Settings(str(tmp_path / "ansible.cfg"))})
    assert project.render("{{ lookup('opt').word }}") == "ini"
    monkeypatch.setenv("ASYNCRUN_TEST_WORD", "env")
    assert project.render("{{ lookup('opt').word }}") == "env"
    assert project.render("{{ lookup('opt').word }}", opt_word="{{ 'v' + 'ar' }}") == "var"
    assert project.render("{{ lookup('opt', word='direct').word }}", opt_word="var") == "direct"
    assert project.render("{{ lookup('opt', count='3', flags='p,q', where='~/x', sort='y') }}") == {
        **default, "word": "env", "count": 3, "flags": ["p", "q"], "where": str(Path("~/x").expanduser()), "kind": "y"}


@pytest.mark.parametrize(("options", "says"), [
    ("count='many'", "Config 'count' for 'opt' lookup plugin from 'Direct' has an invalid value"),
    ("kind='z'", "value of kind must be one of: x, y, got: z"),
])
def test_an_option_that_cannot_be(make: Callable[..., Project], options: str, says: str) -> None:
    project = make().write("lookup_plugins/opt.py", OPTIONS)
    error = project.fails(f"{{{{ lookup('opt', {options}) }}}}")
    assert error.message.startswith("The lookup plugin 'opt' failed: ")
    assert says in error.message


def test_a_required_option_and_one_that_there_is_not(make: Callable[..., Project]) -> None:
    project = make().write("lookup_plugins/req.py", """
        from ansible.plugins.lookup import LookupBase
        DOCUMENTATION = "options: {must: {required: true}}"
        class LookupModule(LookupBase):
            def run(self, terms, variables=None, **kwargs):
                self.set_options(direct=kwargs)
                return [self.get_option(terms[0])]
    """)
    assert "'must' for 'req' lookup plugin not provided" in project.fails("{{ lookup('req', 'x') }}").message
    assert "setting: x) was not defined" in project.fails("{{ lookup('req', 'x', must=1) }}").message
    assert project.render("{{ lookup('req', 'must', must=1) }}") == 1


def test_documentation_that_collections_share(make: Callable[..., Project]) -> None:
    project, home = make(), "collections/ansible_collections/acme/tools/plugins"
    project.write(f"{home}/doc_fragments/shared.py", """
        class ModuleDocFragment:
            DOCUMENTATION = "options: {base: {default: 1}}"
            MORE = "options: {extra: {default: 2, type: int}}"
    """)
    project.write(f"{home}/lookup/opt.py", "DOCUMENTATION = '''\nextends_documentation_fragment: "
                  "[acme.tools.shared, acme.tools.shared.more, url]\n'''\n" + LOOKUP % "return [self.get_options()]")
    assert project.render("{{ lookup('acme.tools.opt') }}") == {"base": "1", "extra": 2}


def test_files_that_lookups_find_and_read(make: Callable[..., Project]) -> None:
    project = make().write("files/a.txt", "book").write("roles/r/files/b.txt", "role").write("data.yml", "x: [1]\n")
    project.write("lookup_plugins/found.py", LOOKUP % (
        "p = self.find_file_in_search_path(variables, 'files', terms[0], ignore_missing=True)\n"
        "        return [p and self._loader.get_text_file_contents(p), self._loader.load_from_file('data.yml'),\n"
        "                self._loader.path_exists('nope'), self.get_basedir(variables) == variables['playbook_dir']]"))
    search = [str(project.root / "roles/r"), str(project.root)]
    assert project.render("{{ query('found', 'a.txt') }}") == ["book", {"x": [1]}, False, True]
    assert project.render("{{ query('found', 'b.txt') }}", ansible_search_path=search)[0] == "role"
    assert project.render("{{ query('found', 'c.txt') }}")[0] is None


def test_a_lookup_may_use_others_templates_and_variables(make: Callable[..., Project]) -> None:
    project = make().write("lookup_plugins/uses.py", """
        from ansible.plugins.loader import lookup_loader
        from ansible.plugins.lookup import LookupBase
        from ansible.plugins.lookup.env import LookupModule as Env
        from ansible.template import Templar, trust_as_template
        class LookupModule(LookupBase):
            def run(self, terms, variables=None, **kwargs):
                other = lookup_loader.get('ansible.builtin.items', loader=self._loader, templar=self._templar)
                env = Env(loader=self._loader, templar=self._templar)
                own = Templar(loader=self._loader, variables=dict(variables, y=5))
                changed = variables.copy()
                changed['x'] = 'other'
                return [other.run([[1, 2]], variables), env.run(['HOME'])[0] != '',
                        own.template(trust_as_template('{{ y + 1 }}')), variables['x'], variables.get('nope', 'no'),
                        'x' in variables, self._templar.template(trust_as_template('{{ x }}')),
                        self._templar.evaluate_expression(trust_as_template('x ~ z'), local_variables={'z': 1})]
    """)
    assert project.render("{{ query('uses') }}", x="{{ 'a' + 'b' }}") == \
        [[1, 2], True, 6, "ab", "no", True, "ab", "ab1"]


def test_all_variables_those_that_cannot_be_rendered_as_they_are_written(make: Callable[..., Project]) -> None:
    project = make().write("lookup_plugins/all.py", LOOKUP % (
        "return [[name, value] for name, value in variables.items() if name.startswith('z')]"))
    assert project.render("{{ query('all') }}", z1="{{ nope }}", z2="{{ 1 + 1 }}", z3=["{{ z2 }}"]) == [
        ["z1", "{{ nope }}"], ["z2", 2], ["z3", [2]]]


def test_installed_packages_offer_plugins(make: Callable[..., Project], tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    project = make().write("site/offers.py", "def third(x): return x * 3\ndef here(terms, context): return terms\n")
    project.write("site/offers-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: offers\nVersion: 1\n")
    project.write("site/offers-1.dist-info/entry_points.txt", """\
        [asyncrun.filters]
        third = offers:third
        upper = offers:third
        [asyncrun.lookups]
        offered = offers:here
    """)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert project.render("{{ 2 | third }} {{ query('offered', 1) }} {{ 'a' | upper }}") == "6 [1] A"
    assert "offered" in project.templar.lookup_names


# Errors -------------------------------------------------------------------------------------------------------------


def test_a_failure_says_which_plugin_and_where(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/f.py", """
        from ansible.errors import AnsibleFilterError
        def boom(x):
            raise AnsibleFilterError('no good: %s' % x)
        FILTERS = {'boom': boom, 'crash': lambda x: {}['k']}
    """)
    project.write("lookup_plugins/bad.py", LOOKUP % "return {}['k']")
    error = project.fails("{{ 1 | boom }}")
    assert error.message == "The filter plugin 'boom' failed: no good: 1"
    assert error.hint == f"(AnsibleFilterError in {project.root}/filter_plugins/f.py, line 4)"
    assert project.fails("{{ 1 | crash }}").hint == f"(KeyError in {project.root}/filter_plugins/f.py, line 5)"
    error = project.fails("{{ lookup('bad') }}")
    assert error.message == "The lookup plugin 'bad' failed: 'k'"
    assert error.hint == f"(KeyError in {project.root}/lookup_plugins/bad.py, line 6)"


def test_a_file_that_cannot_be_imported_warns_once_and_only_when_it_may_be_meant(
    make: Callable[..., Project], caplog: pytest.LogCaptureFixture
) -> None:
    project = make().write("filter_plugins/a.py", "import yaml_that_is_not_there\n" + FILTER % "'lost': str")
    project.write("filter_plugins/b.py", FILTER % "'there': str")
    with caplog.at_level(logging.WARNING):
        assert project.render("{{ 1 | there }}") == "1"
        assert not caplog.records
        error = project.fails("{{ 1 | lost }}")
        project.fails("{{ 1 | lost }}")
    assert [record.getMessage() for record in caplog.records] == [
        f"Skipping plugin ({project.root}/filter_plugins/a.py), cannot load: No module named 'yaml_that_is_not_there'"]
    assert "No filter named 'lost'." in error.message
    assert f"{sys.executable} -m pip install yaml_that_is_not_there" in str(error.hint)


def test_a_lookup_that_cannot_be_loaded(make: Callable[..., Project]) -> None:
    project = make().write("lookup_plugins/lost.py", "import nothing_of_that_name\n")
    project.write("lookup_plugins/empty.py", "x = 1\n")
    project.write("lookup_plugins/text.py", LOOKUP % "return 'text'")
    assert project.fails("{{ lookup('lost') }}").message == \
        "The lookup plugin 'lost' failed to load: No module named 'nothing_of_that_name'"
    assert "'empty' failed to load" in project.fails("{{ lookup('empty') }}").message
    assert project.fails("{{ lookup('text') }}").message == \
        "The lookup plugin 'text' failed: returned <class 'str'> instead of <class 'list'>"


@pytest.mark.parametrize(("template", "message", "hint"), [
    ("{{ 1 | doubel }}", "No filter named 'doubel'.", "Did you mean 'double'?"),
    ("{{ 1 is bigg }}", "No test named 'bigg'.", "Did you mean 'big'?"),
    ("{{ lookup('mnie') }}", "The lookup plugin 'mnie' was not found.", "Did you mean 'mine'?"),
])
def test_near_names_are_the_projects_too(make: Callable[..., Project], template: str, message: str, hint: str) -> None:
    project = make().write("filter_plugins/f.py", FILTER % "'double': str").write("lookup_plugins/mine.py", "")
    project.write("test_plugins/t.py", "TESTS = {'big': bool}\n")
    error = project.fails(template)
    assert message in error.message
    assert error.hint == hint


@pytest.mark.parametrize(("errors", "value"), [("ignore", None), ("warn", None)])
def test_errors_of_lookups_may_be_passed_over(make: Callable[..., Project], errors: str, value: Any) -> None:
    project = make().write("lookup_plugins/bad.py", LOOKUP % "raise ValueError('no')")
    assert project.render(f"{{{{ lookup('bad', errors='{errors}') }}}}") is value
    assert project.render(f"{{{{ query('bad', errors='{errors}') }}}}") == []
    assert project.fails("{{ lookup('bad', errors='maybe') }}").message == "Invalid value 'maybe' for 'errors'."


def test_one_warning_of_a_plugin_is_told_once(make: Callable[..., Project], caplog: pytest.LogCaptureFixture) -> None:
    project = make().write("filter_plugins/f.py", """
        from ansible.utils.display import Display
        display = Display()
        def noisy(x):
            display.vvv('detail')
            display.deprecated('old', version='3')
            display.warning('careful')
            return x
        FILTERS = {'noisy': noisy}
    """)
    with caplog.at_level(logging.WARNING):
        for number in range(5):
            project.render(f"{{{{ {number} | noisy }}}}")
    assert [record.getMessage() for record in caplog.records] == ["careful"]


def test_so_is_one_by_the_way_of_modules_and_a_module_object_ends_nothing(
    make: Callable[..., Project], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make().write("filter_plugins/f.py", """
        from ansible.module_utils.basic import AnsibleModule
        from ansible.module_utils.common.collections import ImmutableDict
        from ansible.module_utils.common.respawn import has_respawned
        from ansible.module_utils.common.warnings import deprecate, warn

        class Checked(AnsibleModule):
            def __init__(self, params):
                self.params = params
                super().__init__({'password': {'no_log': True}, 'size': {'type': 'int', 'default': 5}})

        def checked(x):
            warn('careful')
            deprecate('old', version='3')
            module = Checked(x)
            module.warn('and slow')
            assert module.no_log_values == {x['password']} and not has_respawned()
            return ImmutableDict(module.params)

        def ended(x):
            Checked({'password': x}).exit_json(changed=True)

        FILTERS = {'checked': checked, 'ended': ended}
    """)
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(8) as threads:
        words = [f"w{number}" for number in range(40)]
        found = threads.map(lambda word: project.render("{{ {'password': w} | checked }}", w=word), words)
        assert [*found] == [{"password": word, "size": 5} for word in words]
    assert sorted(record.getMessage() for record in caplog.records) == ["and slow", "careful"]
    assert "exit_json is for modules, and this is a plugin" in project.fails("{{ 'x' | ended }}").message
    assert capsys.readouterr() == ("", "")


def test_the_sandbox_holds_for_functions_of_plugins(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/f.py", FILTER % "'double': lambda x: x * 2")
    for template in ("{{ lookup.__globals__ }}", "{{ (1 | double).__class__.__mro__ }}",
                     "{{ 'x' | attr('__class__') | attr('__mro__') }}"):
        project.fails(template)


def test_close_takes_back_what_was_imported(tmp_path: Path) -> None:
    (tmp_path / "filter_plugins").mkdir()
    (tmp_path / "filter_plugins" / "f.py").write_text("import ansible.errors\nFILTERS = {'one': lambda x: 1}\n")
    before = [*sys.meta_path]
    with Plugins() as plugins:
        plugins.add_beside(str(tmp_path))
        assert Templar(plugins=plugins).render("{{ 5 | one }}", {}) == 1
        assert "ansible.errors" in sys.modules
    assert sys.meta_path == before
    assert "ansible.errors" not in sys.modules
    with pytest.raises(ImportError):
        __import__("ansible_collections.x")


def test_what_is_not_provided_says_so(make: Callable[..., Project]) -> None:
    project = make().write("filter_plugins/f.py", "from ansible.inventory.manager import InventoryManager\n")
    (file,) = project.plugins.files("filter")
    with pytest.raises(PluginLoadError, match=r"No module named 'ansible\.inventory'") as caught:
        project.plugins.load(file)
    assert "install ansible-core beside asyncrun" in str(caught.value.hint)


def test_an_installed_ansible_core_fills_the_gaps_and_no_more(make: Callable[..., Project], tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    project = make().write("site/ansible/__init__.py", "raise RuntimeError('the real one')\n")
    project.write("site/ansible/errors.py", "raise RuntimeError('the real one')\n")
    project.write("site/ansible/inventory/__init__.py", "")
    project.write("site/ansible/inventory/manager.py", "from ansible.errors import AnsibleError\nHOSTS = ['h']\n")
    project.write("filter_plugins/f.py", """
        from ansible.errors import AnsibleError
        from ansible.inventory import manager
        FILTERS = {'hosts': lambda x: manager.HOSTS if manager.AnsibleError is AnsibleError else None}
    """)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert project.render("{{ 1 | hosts }}") == ["h"]
