"""Playbooks to the model: forms of tasks, what is inherited, imports, includes, plays, the ad-hoc play."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import OptionError, ParseError, SourceError
from asyncrun.origin import Origin
from asyncrun.playbook.load import adhoc_play, included, load
from asyncrun.playbook.model import Become, Block, Loop, Task
from asyncrun.results import Include
from asyncrun.source import origin_of
from tests.unit.loading import context, play, plays, task, tasks, write

FORMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "k=v": ("- copy: src=a dest='b c'", "copy", {"src": "a", "dest": "b c"}),
    "mapping": ("- copy: {src: a, mode: 0644}", "copy", {"src": "a", "mode": 420}),
    "nothing": ("- ping:", "ping", {}),
    "qualified": ("- ansible.builtin.ping:", "ping", {}),
    "legacy": ("- ansible.legacy.ping:", "ping", {}),
    "called like a keyword of plays": ("- user: {name: me}", "user", {"name": "me"}),
    "called like a switch of plays": ("- gather_facts: {gather_subset: [min]}", "gather_facts",
                                      {"gather_subset": ["min"]}),
    "redirect": ("- ansible.builtin.systemd_service: name=x", "systemd", {"name": "x"}),
    "free text": ("- command: echo 'a  b' creates=/x foo=bar cmd=5", "command",
                  {"_raw_params": "echo 'a  b' foo=bar cmd=5", "creates": "/x"}),
    "lines": ("- shell: |\n    echo one\n    echo two chdir=/t", "shell", {"chdir": "/t"}),
    "command mapping": ("- command: {cmd: ls}", "command", {"cmd": "ls"}),
    "meta": ("- meta: flush_handlers", "meta", {"_raw_params": "flush_handlers"}),
    "action": ("- action: debug msg=1", "debug", {"msg": "1"}),
    "action mapping": ("- action: {module: debug, msg: 5}", "debug", {"msg": 5}),
    "action with its own text": ("- action: {module: debug msg=44}", "debug", {"msg": "44"}),
    "action alone": ("- action: ping", "ping", {}),
    "action template": ("- action: \"{{ 'debug' }} msg=tpl\"", "debug", {"msg": "tpl"}),
    "action with args inside": ("- local_action: {module: debug, args: {msg: 4}}", "debug", {"msg": 4}),
    "args": ("- debug:\n  args: {msg: x}", "debug", {"msg": "x"}),
    "args lose": ("- debug: {msg: a}\n  args: {msg: b, var: c}", "debug", {"msg": "a", "var": "c"}),
    "args beside free text": ("- command: ls\n  args: {chdir: /t}", "command", {"_raw_params": "ls", "chdir": "/t"}),
    "one template for all": ("- debug: '{{ all_of_it }}'", "debug", {"_variable_params": "{{ all_of_it }}"}),
    "args template": ("- debug: msg=1\n  args: '{{ x }}'", "debug", {"_variable_params": "{{ x }}", "msg": "1"}),
    "templates keep their spaces": ("- debug: msg=\"{{ a | default('b c') }}\"", "debug",
                                    {"msg": "{{ a | default('b c') }}"}),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_task(form: str, tmp_path: Path) -> None:
    text, name, args = FORMS[form]
    found = task(tmp_path, text)
    assert found.action == name
    got = dict(found.args)
    if form == "lines":
        assert got.pop("_raw_params").split("\n") == ["echo one", "echo two"]
    assert got == args


def test_a_task_knows_its_names_and_places(tmp_path: Path) -> None:
    found = task(tmp_path, "- name: one\n  ansible.builtin.debug: msg=1\n  when: x\n  tags: a")
    site = str(tmp_path / "site.yml")
    assert (found.name, found.written_action, found.label) == ("one", "ansible.builtin.debug", "one")
    assert found.origin == Origin(site, 4, 7)
    assert found.origins["when"] == Origin(site, 6, 13)
    assert found.origins["action"] == Origin(site, 5, 30)
    assert found.directory == str(tmp_path)


def test_arguments_and_variables_know_their_places(tmp_path: Path) -> None:
    found = play(tmp_path, "- hosts: all\n  vars:\n    a: 1\n  tasks:\n    - debug:\n        msg: x\n")
    (only,) = tasks(found)
    assert origin_of(only.args, "msg") == Origin(str(tmp_path / "site.yml"), 6, 14)
    assert origin_of(found.vars, "a") == Origin(str(tmp_path / "site.yml"), 3, 8)


def test_a_playbook_nested_too_deeply(tmp_path: Path) -> None:
    text = "- hosts: all\n  tasks: [" + "{block: [" * 2000 + "]}" * 2000 + "]\n"
    with pytest.raises(ParseError):
        plays(tmp_path, text)


def test_local_action_runs_here(tmp_path: Path) -> None:
    found = task(tmp_path, "- local_action: command pwd chdir=/t\n  delegate_to: elsewhere")
    assert (found.action, found.delegate_to, found.args) == (
        "command", "localhost", {"_raw_params": "pwd", "chdir": "/t"})


def test_keywords_of_one_task(tmp_path: Path) -> None:
    found = task(tmp_path, """
- command: ls
  register: r
  until: r.rc == 0
  retries: "{{ n }}"
  delay: 0.5
  changed_when: [a, b]
  failed_when: false
  async: 60
  poll: 0
  notify: h
  throttle: 3
  timeout: 9
  delegate_to: "{{ groups['lb'][0] }}"
  delegate_facts: yes
  run_once: true
""")
    assert (found.register, found.until, found.retries, found.delay) == ("r", ("r.rc == 0",), "{{ n }}", 0.5)
    assert (found.changed_when, found.failed_when) == (("a", "b"), (False,))
    assert (found.async_seconds, found.poll, found.notify) == (60, 0, ("h",))
    assert (found.throttle, found.timeout, found.delegate_facts, found.run_once) == (3, 9, True, True)
    assert found.delegate_to == "{{ groups['lb'][0] }}"


def test_what_is_not_said_is_none(tmp_path: Path) -> None:
    found = task(tmp_path, "- ping:\n  when:\n  become:\n  vars:\n  environment:\n  changed_when:\n  name:")
    assert (found.when, found.vars, found.environment, found.tags) == ((), (), (), frozenset())
    assert (found.become, found.changed_when, found.failed_when, found.loop, found.name) == (
        Become(), None, None, None, None)


CONTROLLED = """
- ping:
  loop: '{{ x }}'
  loop_control:
    index_var: i
    pause: 1.5
    extended: yes
    extended_allitems: no
    break_when: done
"""


@pytest.mark.parametrize(("text", "loop"), [
    ("- ping:\n  loop: [1, 2]", Loop([1, 2])),
    ("- ping:\n  with_items: '{{ x }}'", Loop("{{ x }}", "items")),
    ("- ping:\n  with_dict: {a: 1}\n  loop_control: {loop_var: d, label: '{{ d.key }}'}",
     Loop({"a": 1}, "dict", loop_var="d", label="{{ d.key }}")),
    (CONTROLLED,
     Loop("{{ x }}", None, "item", "i", None, 1.5, True, False, ("done",))),
    ("- ping:\n  loop:", None),
])
def test_loops(text: str, loop: Loop | None, tmp_path: Path) -> None:
    assert task(tmp_path, text).loop == loop


NESTED = """
- hosts: all
  vars: {of_play: 1}
  become: true
  become_method: su
  remote_user: deploy
  environment: {A: play}
  module_defaults: {ansible.builtin.copy: {mode: '0600'}}
  tags: p
  any_errors_fatal: true
  no_log: true
  notify: nobody
  tasks:
    - block:
        - copy: src=a
          when: [three, four]
          vars: {v: task}
          become_user: app
          environment: [{C: task}, '{{ more }}']
          module_defaults: [{copy: {owner: root}}]
          tags: [t]
          no_log: false
          notify: own
        - ping:
      when: two
      vars: {v: block}
      become_user: db
      environment: {B: block}
      tags: b1,b2
      delegate_to: there
      notify: [hb]
      ignore_errors: yes
      throttle: 2
""".replace("  notify: nobody\n", "", 1)


def test_inheritance_is_settled(tmp_path: Path) -> None:
    first, second = tasks(play(tmp_path, NESTED))
    assert first.when == ("two", "three", "four")
    assert first.vars == ({"v": "block"}, {"v": "task"})
    assert first.become == Become(True, "app", "su")
    assert first.environment == ({"A": "play"}, {"B": "block"}, {"C": "task"}, "{{ more }}")
    assert first.module_defaults == ({"copy": {"mode": "0600"}}, {"copy": {"owner": "root"}})
    assert first.tags == {"p", "b1", "b2", "t"}
    assert (first.no_log, first.notify, first.delegate_to) == (False, ("own",), "there")
    assert (first.remote_user, first.any_errors_fatal, first.ignore_errors, first.throttle) == (
        "deploy", True, True, 2)
    assert second.become == Become(True, "db", "su")
    assert (second.no_log, second.notify, second.when) == (True, ("hb",), ("two",))
    assert second.origins["become"].line == 4
    assert first.id != second.id


def test_blocks_nest(tmp_path: Path) -> None:
    found = play(tmp_path, """
- hosts: all
  tasks:
    - block:
        - block: [{ping: }]
          rescue: [{debug: msg=1}]
      rescue:
        - fail:
      always:
        - block: []
        - meta: noop
""").body.tasks[1]
    assert isinstance(found, Block)
    inner = found.tasks[0]
    assert isinstance(inner, Block)
    assert [each.action for each in tasks(inner)] == ["ping", "debug"]
    assert [each.action for each in tasks(Block(found.rescue))] == ["fail"]
    assert found.always[0] == Block((), origin=Origin(str(tmp_path / "site.yml"), 10, 11))
    assert found.origin == Origin(str(tmp_path / "site.yml"), 4, 7)


def test_sections_are_followed_by_flushes(tmp_path: Path) -> None:
    found = play(tmp_path, """
- hosts: all
  post_tasks: [{debug: msg=post}]
  tasks: [{debug: msg=a}, {debug: msg=b}, null]
  pre_tasks: [{debug: msg=pre}]
""")
    flat = [each for each in found.body.tasks if isinstance(each, Task)]
    assert [each.args.get("msg", each.args.get("_raw_params")) for each in flat] == [
        "pre", "flush_handlers", "a", "b", "flush_handlers", "post", "flush_handlers"]
    assert [each.implicit for each in flat] == [False, True, False, False, True, False, True]


def test_fields_of_a_play(tmp_path: Path) -> None:
    found = play(tmp_path, """
- hosts: [web, 'db:!old']
  vars: {a: 1}
  vars_files: [one.yml, [two.yml, three.yml]]
  vars_prompt: {name: x, private: no}
  serial: [1, "25%", "{{ n }}"]
  strategy: free
  order: sorted
  max_fail_percentage: 30%
  force_handlers: yes
  gather_facts: '{{ g }}'
  gather_subset: ['!all']
  throttle: 2
  collections: [a.b]
  debugger: never
  user: old
  tasks: [{ping: }]
  roles: []
""")
    assert (found.name, found.hosts) == ("web,db:!old", ["web", "db:!old"])
    assert (found.vars, found.vars_files) == ({"a": 1}, ("one.yml", ["two.yml", "three.yml"]))
    assert found.vars_prompt == ({"name": "x", "private": False},)
    assert (found.serial, found.strategy, found.order) == ((1, "25%", "{{ n }}"), "free", "sorted")
    assert (found.max_fail_percentage, found.force_handlers, found.throttle) == ("30%", True, 2)
    assert found.origins["serial"].line == 6
    (only,) = tasks(found)
    assert (only.remote_user, only.debugger, only.throttle) == ("old", "never", 2)
    assert found.facts_task is not None
    assert found.facts_task.args == {"gather_subset": ["!all"]}


@pytest.mark.parametrize(("serial", "sizes"), [("2", (2,)), ("25%", ("25%",)), ("", ())])
def test_serial(serial: str, sizes: tuple[Any, ...], tmp_path: Path) -> None:
    assert play(tmp_path, f"- hosts: all\n  serial: {serial}\n").serial == sizes


@pytest.mark.parametrize(("said", "there"), [
    ("", True), ("gather_facts: yes", True), ("gather_facts: '{{ x }}'", True), ("gather_facts: no", False),
    ("gather_facts: 'off'", False),
])
def test_facts_task(said: str, there: bool, tmp_path: Path) -> None:
    found = play(tmp_path, f"- hosts: all\n  become: yes\n  environment: {{A: 1}}\n  {said}\n").facts_task
    assert (found is not None) == there
    if found:
        assert (found.action, found.label, found.tags) == ("gather_facts", "Gathering Facts", {"always"})
        assert (found.become.enabled, found.environment) == (True, ({"A": 1},))


def test_facts_of_a_tagged_play_have_its_tags(tmp_path: Path) -> None:
    found = play(tmp_path, "- hosts: all\n  tags: [t]\n").facts_task
    assert found is not None
    assert found.tags == {"t"}


def test_handlers(tmp_path: Path) -> None:
    heard: list[str] = []
    found = play(tmp_path, """
- hosts: all
  become: yes
  handlers:
    - name: restart
      service: name=x
      listen: [web, all]
    - block:
        - name: inner
          ping:
          when: b
      when: a
      rescue: [{ping: }]
    - name: included
      include_tasks: later.yml
    - import_tasks: h.yml
      when: c
""", context(heard), h="- name: imported\n  ping:\n  listen: one\n")
    (restart,), (inner,), (later, imported) = (group.tasks for group in found.handlers)
    assert isinstance(restart, Task) and isinstance(inner, Task)
    assert isinstance(later, Task) and isinstance(imported, Task)
    assert (restart.name, restart.listen, restart.handler, restart.become.enabled) == (
        "restart", ("web", "all"), True, True)
    assert (inner.name, inner.when) == ("inner", ("a", "b"))
    assert later.include is not None
    assert (later.include.handler, imported.listen, imported.when) == (True, ("one",), ("c",))
    assert len(heard) == 1
    assert "rescue and always" in heard[0]


def test_import_tasks_stand_in_their_place(tmp_path: Path) -> None:
    found = list(tasks(play(tmp_path, """
- hosts: all
  vars: {which: a}
  tasks:
    - debug: msg=0
    - import_tasks: "{{ which }}{{ v }}.yml"
      vars: {v: 1}
      tags: i
      when: w1
      become: yes
      notify: h
    - debug: msg=9
""", a1="- debug: msg=1\n  when: w2\n  tags: t\n- import_tasks: sub/b.yml\n",
                            sub__b="- debug: msg=2\n- import_tasks: c.yml\n", sub__c="- debug: msg=3\n")))
    assert [each.args["msg"] for each in found] == ["0", "1", "2", "3", "9"]
    assert found[1].when == ("w1", "w2")
    assert found[1].tags == {"i", "t"}
    assert (found[3].when, found[3].vars, found[3].become.enabled, found[3].notify) == (
        ("w1",), ({"v": 1},), True, ("h",))
    assert found[3].directory == str(tmp_path / "sub")
    assert found[3].origin == Origin(str(tmp_path / "sub" / "c.yml"), 1, 3)
    assert (found[0].when, found[4].when) == ((), ())


def test_names_of_imports_may_use_vars_files_extra_vars_and_playbook_dir(tmp_path: Path) -> None:
    text = """
- hosts: all
  vars_files: [vf.yml, '{{ x }}']
  vars: {e: play}
  tasks:
    - import_tasks: '{{ playbook_dir }}/{{ f }}-{{ e }}.yml'
"""
    write(tmp_path, **{"file-extra": "- ping:\n"})
    assert len(list(tasks(play(tmp_path, text, context(variables={"e": "extra"}), vf="f: file\n")))) == 1


def test_variables_of_names_may_be_templates_themselves(tmp_path: Path) -> None:
    text = """
- hosts: all
  vars: {a: '{{ b }}', b: '{{ c }}', c: there, bad: '{{ nobody }}', r1: '{{ r2 }}', r2: '{{ r1 }}'}
  tasks:
    - import_tasks: '{{ a }}.yml'
    - import_tasks: '{{ d }}.yml'
      vars: {d: '{{ a }}', a: '{{ c }}'}
      tags: '{{ a }}'
"""
    assert [each.tags for each in tasks(play(tmp_path, text, there="- ping:\n"))] == [frozenset(), {"there"}]
    tagged = task(tmp_path, "- ping:\n  vars: {t: '{{ u }}'}\n  tags: 't,{{ t }}'", context(variables={"u": "own"}))
    assert tagged.tags == {"t", "own"}
    with pytest.raises(ParseError, match="recursive loop detected in template: r1 -> r2 -> r1"):
        play(tmp_path, text.replace("{{ d }}", "{{ r1 }}"), there="- ping:\n")


def test_an_empty_import_is_nothing(tmp_path: Path) -> None:
    text = "- hosts: all\n  tasks:\n    - import_tasks: e.yml\n"
    assert list(tasks(play(tmp_path, text, e="# nothing\n"))) == []


def test_what_does_nothing_on_import_tasks_is_said(tmp_path: Path) -> None:
    heard: list[str] = []
    plays(tmp_path, "- hosts: all\n  tasks:\n    - import_tasks: x.yml\n      async: 5\n      register: r\n",
          context(heard), x="- ping:\n")
    assert [text.split(": ", 1)[0] for text in heard] == [f"{tmp_path}/site.yml:{line}:7" for line in (4, 5)]
    assert "'async' on import_tasks does nothing" in heard[0]


def test_import_playbook(tmp_path: Path) -> None:
    first, second = plays(tmp_path, """
- ansible.builtin.import_playbook: "sub/{{ which }}.yml"
  vars: {which: other, v: outer}
  tags: i
  when: cond
- hosts: here
""", sub__other="""
- hosts: there
  vars: {v: inner, w: inner}
  tags: own
  tasks:
    - debug: msg=1
      when: mine
    - import_tasks: beside.yml
  handlers:
    - name: h
      ping:
""", sub__beside="- ping:\n")
    assert (first.hosts, first.vars) == ("there", {"v": "outer", "w": "inner", "which": "other"})
    assert first.tags == {"i", "own"}
    assert [each.when for each in tasks(first)] == [("cond", "mine"), ("cond",)]
    assert first.facts_task is not None
    assert first.facts_task.when == ("cond",)
    assert first.handlers[0].tasks[0].when == ()
    assert first.directory == str(tmp_path / "sub")
    assert (second.hosts, second.tags) == ("here", frozenset())


INCLUDING = """
- hosts: all
  become: yes
  tags: p
  tasks:
    - block:
        - include_tasks: {file: 'x.yml', apply: {tags: [ap], environment: {A: ap}, vars: {v: apply}}}
          vars: {v: include}
          tags: own
          when: mine
          ignore_errors: yes
      when: around
      notify: h
"""


def test_included_tasks_inherit_from_around_the_include(tmp_path: Path) -> None:
    ctx = context()
    (include,) = tasks(play(tmp_path, INCLUDING, ctx, x="- ping:\n  tags: t\n- block: [{debug: msg=1}]\n"))
    assert (include.action, include.args["file"], include.when) == ("include_tasks", "x.yml", ("around", "mine"))
    assert include.tags == {"p", "own"}
    again: Task = pickle.loads(pickle.dumps(include))
    block = included(Include(str(tmp_path / "x.yml")), again, ctx, {}).block
    first, second = tasks(block)
    assert (first.when, first.tags, first.ignore_errors) == (("around",), {"p", "ap", "t"}, None)
    assert (first.vars, first.environment) == (({"v": "apply"},), ({"A": "ap"},))
    assert again.include is not None
    assert again.include.vars == {"v": "include"}          # the engine puts them above almost all
    assert (first.become.enabled, first.notify, second.tags) == (True, ("h",), {"p", "ap"})
    assert first.id > include.id


def test_include_forms(tmp_path: Path) -> None:
    for text in ("x.yml", "file=x.yml", "{file: x.yml}"):
        found = task(tmp_path, f"- ansible.builtin.include_tasks: {text}")
        assert (found.action, found.args, found.written_action) == (
            "include_tasks", {"file": "x.yml"}, "ansible.builtin.include_tasks")


def test_an_included_file_is_found_wrong_while_running(tmp_path: Path) -> None:
    ctx = context()
    include = task(tmp_path, "- include_tasks: x.yml", ctx, x="- debgu: msg=1\n")
    with pytest.raises(ParseError, match="couldn't resolve module/action 'debgu'"):
        included(Include(str(tmp_path / "x.yml")), include, ctx, {})
    with pytest.raises(SourceError):
        included(Include(str(tmp_path / "none.yml")), include, ctx, {})


def test_imports_in_an_included_file_may_use_the_variables_of_the_run(tmp_path: Path) -> None:
    ctx = context()
    include = task(tmp_path, "- include_tasks: x.yml", ctx, x="- import_tasks: '{{ y }}.yml'\n", there="- ping:\n")
    found = included(Include(str(tmp_path / "x.yml")), include, ctx, {"y": "there"})
    assert [each.action for each in tasks(found.block)] == ["ping"]


def test_text_from_a_host_is_never_rendered(tmp_path: Path) -> None:
    ctx = context(variables={"extra": "{{ 'rendered' }}"})
    include = task(tmp_path, "- include_tasks: x.yml", ctx, x="- ping:\n  tags: ['{{ fact }}', '{{ extra }}']\n")
    block = included(Include(str(tmp_path / "x.yml")), include, ctx, {"fact": "{{ evil }}"}).block
    assert [each.tags for each in tasks(block)] == [{"{{ evil }}", "rendered"}]


ASYNC_WARNINGS = {
    "- apt: name=x\n  async: 5\n  poll: 0": "apt with 'poll: 0'",
    "- ansible.builtin.yum: name=x\n  async: 5\n  poll: 0": "yum with 'poll: 0'",
    "- command: ls\n  async: 5\n  with_items: [1]": "'with_items' with 'async' works; 'loop'",
    "- apt: name=x\n  async: 5\n  poll: 10": "",
    "- apt: name=x\n  poll: 0": "",
    "- command: ls\n  async: 5\n  poll: 0": "",
    "- command: ls\n  async: 5\n  loop: [1]": "",
    "- command: ls\n  async: 0\n  check_mode: yes": "",
    "- command: ls\n  async: 5\n  check_mode: '{{ x }}'": "",
    "- command: ls\n  async: 5\n  check_mode: no": "",
}


@pytest.mark.parametrize("text", ASYNC_WARNINGS)
def test_what_is_said_about_async(text: str, tmp_path: Path) -> None:
    heard: list[str] = []
    task(tmp_path, text, context(heard))
    assert len(heard) == bool(ASYNC_WARNINGS[text])
    if heard:
        assert heard[0].startswith(f"{tmp_path}/site.yml:6:7: ")
        assert ASYNC_WARNINGS[text] in heard[0]


def test_check_mode_around_an_async_task_is_fine(tmp_path: Path) -> None:
    text = "- block:\n    - command: ls\n      async: 5\n  check_mode: yes"
    assert task(tmp_path, text).check_mode is True


def test_tags(tmp_path: Path) -> None:
    heard: list[str] = []
    found = task(tmp_path, "- ping:\n  tags: 'x, y,{{ t }}'\n  vars: {t: 1}", context(heard, variables={"t": "k,l"}))
    assert found.tags == {"x", "y", "k", "l"}
    found = task(tmp_path, "- ping:\n  tags: ['a,b', 5, '{{ t }}']", context(variables={"t": "k"}))
    assert found.tags == {"a,b", "5", "k"}
    task(tmp_path, "- ping:\n  tags: all", context(heard))
    assert "Found reserved tagnames in tags: ['all']" in heard[0]


def test_an_environment_that_is_a_text_is_left_out_with_a_warning(tmp_path: Path) -> None:
    heard: list[str] = []
    found = task(tmp_path, "- ping:\n  environment: [hello, {A: 1}]", context(heard))
    assert found.environment == ({"A": 1},)
    assert "an environment has to be a dict" in heard[0]


@pytest.mark.parametrize(("name", "text", "action", "args"), [
    ("ping", "", "ping", {}),
    ("ansible.builtin.debug", "msg='a b'", "debug", {"msg": "a b"}),
    ("debug", '{"msg": {"a": 1}}', "debug", {"msg": {"a": 1}}),
    ("debug", "{msg: 5}", "debug", {"msg": 5}),
    ("command", "ls -l chdir=/t x=y", "command", {"_raw_params": "ls -l x=y", "chdir": "/t"}),
    ("shell", "{ echo hi; }", "shell", {"_raw_params": "{ echo hi; }"}),
    ("shell", "{ echo 'a': [; }", "shell", {"_raw_params": "{ echo 'a': [; }"}),
    ("shell", '{"cmd": "ls", "chdir": "/t"}', "shell", {"cmd": "ls", "chdir": "/t"}),
    ("debug", "{{ all_of_it }}", "debug", {"_variable_params": "{{ all_of_it }}"}),
])
def test_adhoc_play(name: str, text: str, action: str, args: dict[str, Any]) -> None:
    found = adhoc_play("web:!old", name, text, context())
    (only,) = tasks(found)
    assert (found.name, found.hosts, found.facts_task) == ("Ansible Ad-Hoc", "web:!old", None)
    assert (only.action, only.args, only.written_action, only.async_seconds) == (action, args, name, None)


@pytest.mark.parametrize(("name", "text", "actions"), [
    ("import_tasks", "more.yml", ["debug"]),
    ("import_role", "name=shop", ["ping"]),
    ("import_role", '{"name": "shop", "tasks_from": "other"}', ["stat"]),
    ("include_role", "name=shop", ["include_role"]),
    ("ansible.builtin.include_tasks", "more.yml", ["include_tasks"]),
])
def test_adhoc_tasks_and_roles(name: str, text: str, actions: list[str], tmp_path: Path) -> None:
    (tmp_path / "roles/shop/tasks").mkdir(parents=True)
    (tmp_path / "roles/shop/tasks/main.yml").write_text("- ping:\n")
    (tmp_path / "roles/shop/tasks/other.yml").write_text("- stat: {path: /}\n")
    (tmp_path / "more.yml").write_text("- debug: {msg: hello}\n")
    found = adhoc_play("web", name, text, context(), directory=str(tmp_path))
    assert (found.name, found.hosts, found.facts_task) == ("Ansible Ad-Hoc", "web", None)
    assert found.directory == str(tmp_path)
    assert [task.action for task in tasks(found) if task.action != "meta"] == actions


def test_adhoc_job() -> None:
    (only,) = tasks(adhoc_play("all", "command", "sleep 9", context(), async_seconds=30, poll=0, timeout=4))
    assert (only.async_seconds, only.poll, only.timeout) == (30, 0, 4)
    chain = adhoc_play("all", "include_tasks", "x.yml", context(), async_seconds=30, poll=0)
    assert [(task.async_seconds, task.poll) for task in tasks(chain) if task.action != "meta"] == [(30, 0)]


@pytest.mark.parametrize(("name", "text", "message"), [
    ("import_playbook", "x.yml", "'import_playbook' is not a valid action for ad-hoc commands"),
    ("import_tasks", "nowhere.yml", "nowhere.yml"),
    ("import_role", "name=nobodys", "nobodys"),
    ("command", " ", "No argument passed to command module"),
    ("cpy", "src=a", "couldn't resolve module/action 'cpy'"),
])
def test_adhoc_errors(name: str, text: str, message: str) -> None:
    with pytest.raises((ParseError, OptionError, SourceError), match=message):
        adhoc_play("all", name, text, context())


def test_two_thousand_tasks_within_a_second(tmp_path: Path) -> None:
    one = """
    - name: task
      copy: {src: a, dest: '/x/{{ y }}', mode: '0644'}
      when: a and b
      register: r
      tags: [t]
      notify: h
"""
    write(tmp_path, site="- hosts: all\n  tasks:\n" + one * 2000)
    start = time.process_time()
    found = load(str(tmp_path / "site.yml"), context())
    assert time.process_time() - start < 1.0
    assert len(list(tasks(found.plays[0]))) == 2000
