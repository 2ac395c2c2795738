"""What cannot be loaded: one clear error, at its place. The greppable parts were measured with ansible-core 2.21."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncrun.errors import AsyncrunError, ParseError
from asyncrun.playbook.keywords import BY_NAME
from asyncrun.playbook.tags import prune
from tests.unit.loading import context, plays

PLAY = "- hosts: all\n  gather_facts: no\n"
TASKS = PLAY + "  tasks:\n"
HANDLERS = PLAY + "  handlers:\n"

# text of site.yml | line:column | in the message | in the hint
ERRORS: dict[str, tuple[str, str, str, str]] = {
    "a mapping": ("a: 1\n", "1:1", "A playbook must be a list of plays, got a dict", "hosts"),
    "a text": ("hello\n", "1:1", "A playbook must be a list of plays, got a str", ""),
    "nothing": ("", "1:1", "Empty playbook, nothing to do", ""),
    "no plays": ("[]\n", "1:1", "A playbook must contain at least one play", ""),
    "a play that is a text": ("- hello\n", "1:3", "playbook entries must be either valid plays or", ""),
    "no hosts": ("- tasks: []\n", "1:3", "The field 'hosts' is required but was not set.", "hosts: all"),
    "empty hosts": ("- hosts:\n", "1:9", "Hosts list cannot be empty", ""),
    "hosts of an odd type": ("- hosts: {a: 1}\n", "1:10", "Hosts list must be a sequence or string", ""),
    "a host that is nothing": ("- hosts: [a, null]\n", "1:10", "cannot contain values of 'None'", ""),
    "unknown on a play": ("- hosts: all\n  taks: []\n", "2:3", "'taks' is not a valid attribute for a Play", "'tasks'"),
    "misplaced on a play": ("- hosts: all\n  when: x\n", "2:3", "'when' is not a valid attribute for a Play", "Block"),
    "unknown on a task": (
        TASKS + "    - debug: msg=1\n      whn: x\n", "5:7", "'whn' is not a valid attribute for a Task", "'when'"),
    "unknown on a handler": (
        HANDLERS + "    - debug: msg=1\n      lisen: x\n", "5:7", "'lisen' is not a valid attribute for a Handler",
        "'listen'"),
    "unknown on a block": (
        TASKS + "    - block: []\n      resuce: []\n", "5:7", "'resuce' is not a valid attribute for a Block",
        "rescue"),
    "a play's keyword on a task": (
        TASKS + "    - name: x\n      serial: 2\n", "5:7", "'serial' is not a valid attribute for a Task", "Play"),
    "a key that is a number": (TASKS + "    - debug:\n      1: 2\n", "5:7", "'1' is not a valid attribute", ""),
    "listen on a task": (
        TASKS + "    - debug:\n      listen: a\n", "5:7", "'listen' is not a valid attribute for a Task", "Handler"),
    "a loop on a block": (TASKS + "    - block: []\n      loop: [1]\n", "5:7", "not a valid attribute for a Block",
        "Task"),
    "a module beside a block": (
        TASKS + "    - debug:\n      rescue: []\n", "4:7", "'debug' is not a valid attribute for a Block", "move it"),
    "two modules": (
        TASKS + "    - debug: msg=1\n      command: ls\n", "5:7", "conflicting action statements: debug, command",
        "two"),
    "two modules, one the long way": (
        TASKS + "    - action: ping\n      debug:\n", "5:7", "conflicting action statements: ping, debug", ""),
    "action twice": (
        TASKS + "    - action: ping\n      local_action: ping\n", "5:7", "action and local_action are mutually", ""),
    "no module": (TASKS + "    - name: x\n", "4:7", "no module/action detected in task.", "module"),
    "no module in action": (TASKS + "    - action: {msg: 1}\n", "4:15", "no module/action detected in task.", ""),
    "unknown module": (
        TASKS + "    - cpy: src=x\n", "4:7",
        "couldn't resolve module/action 'cpy'. This often indicates a misspelling, missing collection, or", "'copy'"),
    "unknown module, qualified": (
        TASKS + "    - ansible.builtin.cpy:\n", "4:7", "couldn't resolve module/action 'ansible.builtin.cpy'",
        "'copy'"),
    "a keyword alone, mistyped": (TASKS + "    - name: x\n      whenn: y\n", "5:7", "couldn't resolve", "'when'"),
    "the old include": (TASKS + "    - include: x.yml\n", "4:7", "couldn't resolve module/action", "include_tasks"),
    "a list of arguments": (TASKS + "    - debug: [1]\n", "4:14", "unexpected parameter type in action: list", ""),
    "a number of arguments": (TASKS + "    - debug: 5\n", "4:14", "unexpected parameter type in action: int", ""),
    "action that is a list": (TASKS + "    - action: [1]\n", "4:15", "unexpected parameter type in action: list", ""),
    "an open quote": (TASKS + "    - command: echo 'a\n", "4:16", "failed at splitting arguments", "never closed"),
    "args that are a text": (
        TASKS + "    - debug:\n      args: hello\n", "5:13", "The value of the task `args` keyword is invalid.",
        "mapping"),
    "tasks that are a mapping": (PLAY + "  tasks: {a: 1}\n", "3:10", "while loading tasks: it should be a list", ""),
    "a task that is a text": (TASKS + "    - hello\n", "4:7", "a task is a mapping, not a str", "name"),
    "an empty block": (TASKS + "    - block:\n", "4:7", "A malformed block was encountered", ""),
    "a block that is a mapping": (TASKS + "    - block: {debug: }\n", "4:14", "A malformed block was encountered", ""),
    "rescue alone": (TASKS + "    - rescue: []\n", "4:7", "'rescue' keyword cannot be used without 'block'", ""),
    "a block in a block of handlers": (
        HANDLERS + "    - block:\n        - block: []\n", "5:11", "Using a block as a handler is not supported.", ""),
    "vars that are a list": (
        TASKS + "    - debug:\n      vars: [a]\n", "5:13", "Vars in a Task must be specified as a dictionary.", ""),
    "vars of a play": ("- hosts: all\n  vars: [{a: 1}]\n", "2:9", "Vars in a Play must be specified", ""),
    "a bad variable": (TASKS + "    - debug:\n      vars: {a b: 1}\n", "5:14", "Invalid variable name 'a b'.",
        "letter"),
    "a bad register": (
        TASKS + "    - debug:\n      register: '{{ x }}'\n", "5:17",
        "Invalid 'register' specified: Invalid variable name '{{ x }}'.", ""),
    "no bool": (
        TASKS + "    - debug:\n      become: hello\n", "5:15",
        "Error processing keyword 'become': The value 'hello' could not be converted to 'bool'.", ""),
    "no int": (TASKS + "    - command: ls\n      async: soon\n", "5:14", "could not be converted to 'int'", ""),
    "no percent": (
        "- hosts: all\n  max_fail_percentage: hello\n", "2:24",
        "The value 'hello' could not be converted to 'percent'.", ""),
    "no text": (TASKS + "    - debug:\n      name: [a]\n", "5:13",
        "The field 'name' is supposed to be a string type", ""),
    "a bad batch": ("- hosts: all\n  serial: some\n", "2:11", "Error processing keyword 'serial'", "25%"),
    "a bad order": ("- hosts: all\n  order: sortd\n", "2:10", "Invalid 'order' specified", "'sorted'"),
    "user twice": ("- hosts: all\n  user: a\n  remote_user: b\n", "2:3", "both 'user' and 'remote_user' are set", ""),
    "tags that are a mapping": (
        TASKS + "    - debug:\n      tags: {a: 1}\n", "5:13", "tags must be specified as a list", "one, two"),
    "a tag that nobody knows": (
        TASKS + "    - debug:\n      tags: '{{ nobody }}'\n", "5:13", "'nobody' is undefined", "extra vars"),
    "a topic that is a number": (
        HANDLERS + "    - debug:\n      listen: 5\n", "5:15",
        "Keyword 'listen' items must be of type 'str', not 'int'.", ""),
    "a loop twice": (
        TASKS + "    - debug:\n      loop: [1]\n      with_items: [2]\n", "6:7", "duplicate loop in task: items", ""),
    "with_items of nothing": (
        TASKS + "    - debug:\n      with_items:\n", "5:7", "you must specify a value when using with_items", ""),
    "a lookup nobody has": (
        TASKS + "    - debug:\n      with_itms: [1]\n", "5:7", "'with_itms' is not a valid attribute for a Task",
        "'with_items'"),
    "loop_control that is a text": (
        TASKS + "    - debug:\n      loop_control: x\n", "5:21",
        "the `loop_control` value must be specified as a dict", ""),
    "unknown in loop_control": (
        TASKS + "    - debug:\n      loop_control: {lop_var: 1}\n", "5:22",
        "'lop_var' is not a valid attribute for a LoopControl", "'loop_var'"),
    "module_defaults of nobody": (
        "- hosts: all\n  module_defaults: {cpy: {a: 1}}\n", "2:21", "Could not resolve action cpy in module_defaults",
        "'copy'"),
    "module_defaults that are a text": (
        "- hosts: all\n  module_defaults: x\n", "2:20", "The field 'module_defaults' is supposed to be a dict", ""),
    "vars_files that are a mapping": ("- hosts: all\n  vars_files: {a: 1}\n", "2:15", "vars_files", ""),
    "a prompt without a name": (
        "- hosts: all\n  vars_prompt: [{private: no}]\n", "2:17", "missing 'name' key", ""),
    "a prompt with more": (
        "- hosts: all\n  vars_prompt: [{name: a, promt: b}]\n", "2:17", "found unsupported key 'promt'", "'prompt'"),
    "empty tags": (TASKS + "    - ping:\n      tags:\n", "5:12", "tags must be specified as a list", "[one, two]"),
    "an empty rescue": (
        TASKS + "    - block: []\n      rescue:\n", "5:7", "while loading rescue: it should be a list of tasks", ""),
    "an empty loop_control": (
        TASKS + "    - ping:\n      loop_control:\n", "5:20", "value must be specified as a dictionary", ""),
    "a collection that is no name": (
        "- hosts: all\n  collections: [7]\n", "2:16", "Keyword 'collections' items must be of type 'str'", ""),
    "delegate_to at import_playbook": (
        "- import_playbook: tasks.yml\n  delegate_to: x\n", "2:3",
        "'delegate_to' is not a valid attribute for a PlaybookInclude", ""),
    "a role as a handler": (
        "- hosts: all\n  handlers:\n    - include_role: {name: web}\n", "3:7",
        "Using 'include_role' as a handler is not supported.", ""),
    "import_playbook among tasks": (TASKS + "    - import_playbook: x.yml\n", "4:7", "cannot stand among tasks", "top"),
    "an unknown key at import_playbook": (
        "- import_playbook: tasks.yml\n  foo: 1\n", "2:3", "'foo' is not a valid attribute for a PlaybookInclude", ""),
    "hosts at import_playbook": (
        "- import_playbook: tasks.yml\n  hosts: all\n", "2:3",
        "'hosts' is not a valid attribute for a PlaybookInclude", ""),
    "import_playbook of nothing": (
        "- import_playbook:\n", "1:19", "The field 'import_playbook' is required but was not set.", ""),
    "import_playbook of itself": ("- import_playbook: site.yml\n", "1:20", "imports itself", ""),
    "a loop at import_tasks": (
        TASKS + "    - import_tasks: tasks.yml\n      loop: [1]\n", "5:7",
        "You cannot use loops on 'import_tasks' statements. You should use 'include_tasks' instead.", ""),
    "import_tasks of a name nobody knows": (
        TASKS + "    - import_tasks: '{{ nobody }}.yml'\n", "4:21",
        "Error when evaluating variable in import path '{{ nobody }}.yml': 'nobody' is undefined", "extra vars"),
    "apply at import_tasks": (
        TASKS + "    - import_tasks: {file: tasks.yml, apply: {}}\n", "4:7",
        "Invalid options for import_tasks: apply", ""),
    "an unknown option of include_tasks": (
        TASKS + "    - include_tasks: {file: x.yml, foo: 1}\n", "4:7", "Invalid options for include_tasks: foo",
        "apply"),
    "include_tasks of nothing": (TASKS + "    - include_tasks:\n", "4:7", "No file specified for include_tasks", ""),
    "apply that is a number": (
        TASKS + "    - include_tasks: {file: x.yml, apply: 5}\n", "4:22", "Expected a dict for apply but got int", ""),
    "async in apply": (
        TASKS + "    - include_tasks: {file: x.yml, apply: {async: 5}}\n", "4:44",
        "'async' is not a valid attribute for a Block", ""),
    "become at include_tasks": (
        TASKS + "    - include_tasks: x.yml\n      become: true\n", "5:7",
        "'become' is not a valid attribute for a TaskInclude", "apply"),
    "poll at include_tasks": (
        TASKS + "    - include_tasks: x.yml\n      poll: 5\n", "5:7",
        "'poll' is not a valid attribute for a TaskInclude", "on the tasks themselves"),
    "register on a block": (
        TASKS + "    - block: []\n      register: r\n", "5:7", "'register' is not a valid attribute for a Block",
        "beside 'async'"),
    "until on a block with async": (
        TASKS + "    - block: []\n      async: 5\n      until: true\n", "6:7",
        "'until' is not a valid attribute for a Block", ""),
    "async on a block among handlers": (
        "- hosts: all\n  handlers:\n    - block: []\n      async: 5\n", "4:7",
        "'async' cannot stand on a block among handlers", "themselves"),
    "async on an include among handlers": (
        "- hosts: all\n  handlers:\n    - include_tasks: x.yml\n      async: 5\n", "4:7",
        "'async' cannot stand on include_tasks among handlers", "themselves"),
    "async and check_mode": (
        TASKS + "    - command: ls\n      async: 5\n      check_mode: yes\n", "6:7",
        "'async' and 'check_mode: true' cannot be used on one task", "--check"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_error(case: str, tmp_path: Path) -> None:
    text, place, message, hint = ERRORS[case]
    with pytest.raises(ParseError) as caught:
        plays(tmp_path, text, context(lookups=("items", "dict")), tasks="- debug:\n")
    error = caught.value
    assert message in error.message
    assert str(error.origin) == f"{tmp_path / 'site.yml'}:{place}"
    assert hint in (error.hint or "")
    assert error.exit_code == 4


@pytest.mark.parametrize("text", [
    TASKS + "    - import_tasks: nowhere.yml\n", "- import_playbook: nowhere.yml\n",
])
def test_a_missing_file_is_no_parse_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(AsyncrunError, match=f"Could not find or access '{tmp_path}/nowhere.yml'") as caught:
        plays(tmp_path, text)
    assert caught.value.exit_code == 1
    assert caught.value.origin is not None


def test_an_error_in_an_imported_playbook_is_placed_there(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="must contain at least one play") as caught:
        plays(tmp_path, "- import_playbook: a.yml\n", a="- import_playbook: b.yml\n", b="[]")
    assert str(caught.value.origin) == f"{tmp_path}/b.yml:1:1"


def test_playbooks_that_import_each_other(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="imports itself"):
        plays(tmp_path, "- import_playbook: a.yml\n", a="- import_playbook: site.yml\n")


def test_an_imported_file_that_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="included task files must contain a list of tasks") as caught:
        plays(tmp_path, TASKS + "    - import_tasks: x.yml\n", x="a: 1\n")
    assert str(caught.value.origin) == f"{tmp_path}/x.yml:1:1"


def test_a_file_that_imports_itself(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="imports itself"):
        plays(tmp_path, TASKS + "    - import_tasks: x.yml\n", x="- import_tasks: y.yml\n", y="- import_tasks: x.yml\n")


def test_broken_yaml_says_where(tmp_path: Path) -> None:
    with pytest.raises(ParseError) as caught:
        plays(tmp_path, "- hosts: all\n  tasks: [\n")
    assert caught.value.origin is not None


ODD: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, False, 0, -1, 2.5, "", "yes", "x", "{{ x }}", "{{ x", "a=b c", "'", "x.yml", "5"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "file", "name", "1"]), inner),
    max_leaves=4,
)
MODULES = ["debug", "command", "include_tasks", "import_tasks", "import_role", "meta", "cpy", "with_items", "with_x"]
KEYWORDS = st.dictionaries(st.sampled_from([*sorted(BY_NAME), "with_items", "with_x", "whne"]), ODD, max_size=2)
CALLS = st.tuples(st.dictionaries(st.sampled_from(MODULES), ODD, min_size=1, max_size=1), KEYWORDS).map(
    lambda both: {**both[1], **both[0]}
)
ENTRIES: st.SearchStrategy[Any] = st.recursive(
    CALLS | ODD,
    lambda inner: st.fixed_dictionaries(
        {"block": st.lists(inner, max_size=3)}, optional={"rescue": st.lists(inner, max_size=2), "when": ODD}
    ),
    max_leaves=3,
)
ONE_ODD = st.dictionaries(st.sampled_from(sorted(name for name in BY_NAME if "P" in BY_NAME[name].on)), ODD, max_size=1)
PLAYS = st.tuples(st.lists(CALLS | ENTRIES, max_size=2), st.lists(ENTRIES, max_size=1), ONE_ODD).map(
    lambda three: {"hosts": "all", "tasks": three[0], "handlers": three[1], **three[2]}
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PLAYS, min_size=1, max_size=2))
def test_odd_input_gives_a_playbook_or_one_placed_error(tmp_path: Path, data: list[Any]) -> None:
    try:
        found = plays(tmp_path, json.dumps(data), context(variables={"x": "y"}), x="- debug:\n", y="[]")
    except AsyncrunError as error:
        assert error.message
        assert error.origin is not None
        return
    assert pickle.loads(pickle.dumps(found)) == found
    assert all(prune(each.body, ["a"], ["b"]) for each in found)
