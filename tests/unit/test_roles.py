"""Roles as they are read: where they are found, what they inherit, which variables they give, what is wrong."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from asyncrun.errors import AsyncrunError, ParseError, SourceError
from asyncrun.installed import Installed, collection_roots
from asyncrun.playbook.load import LoadContext, included
from asyncrun.playbook.model import Block, Play, Role, Task
from asyncrun.playbook.shelf import Shelf
from asyncrun.results import Include, RoleArguments
from asyncrun.source import origin_of, yaml
from tests.unit.loading import context, play, tasks


def role(folder: Path, name: str, **files: str) -> Path:
    """A role in folder/roles; `tasks`, `vars`, ... is its main file, `tasks__x` its tasks/x.yml."""
    place = folder / "roles" / name
    place.mkdir(parents=True, exist_ok=True)
    for kind, text in files.items():
        part, _, file = kind.partition("__")
        path = place / part / f"{file or 'main'}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return place


def marks(found: Play) -> Iterator[Task]:
    """The ends of roles."""
    return (item for item in found.body.tasks
            if isinstance(item, Task) and item.implicit and item.args.get("_raw_params") == "role_complete")


def test_where_collections_are_looked_for(tmp_path: Path) -> None:
    packages = tmp_path / "venv" / "lib" / "python3.13" / "site-packages"
    (packages / "ansible_collections").mkdir(parents=True)
    (packages.parents[2] / "lib" / "python3" / "dist-packages").mkdir(parents=True)         # has no collections
    program = packages.parents[2] / "bin" / "ansible-inventory"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    link = tmp_path / "ansible-inventory"
    link.symlink_to(program)
    roots = collection_roots("/play", ["/a", "/b/ansible_collections"], str(link))
    assert roots == ["/play/collections", "/a", "/b", *sys.path, str(packages)]
    assert collection_roots("/play", [], str(tmp_path / "nothing")) == ["/play/collections", *sys.path]


def test_a_role_is_read_with_all_its_files(tmp_path: Path) -> None:
    place = role(tmp_path, "web", tasks="- name: go\n  ping:\n", handlers="- name: h\n  ping:\n", vars="a: var\n",
                 defaults="b: default\n", meta="galaxy_info: {author: me}\n")
    found = play(tmp_path, "- hosts: all\n  roles: [{role: web, p: 1, vars: {c: kw}, become: yes}]\n")
    (task,) = tasks(found)
    assert task.role is not None
    assert (task.label, task.role.name, task.role.path) == ("web : go", "web", str(place))
    assert (task.role.vars, task.role.params) == ({"a": "var", "c": "kw"}, {"p": 1})
    assert task.role.defaults == {"b": "default"}
    assert (task.role.exported, task.role.exported_defaults) == ({"a": "var"}, {"b": "default"})
    assert task.become.enabled is True
    assert task.search == (str(place), str(place / "tasks"), str(tmp_path))
    ((handler,),) = (group.tasks for group in found.handlers)
    assert isinstance(handler, Task)
    assert (handler.handler, handler.role) == (True, task.role)
    assert [each.role for each in marks(found)] == [task.role]
    assert found.roles == (task.role,)
    at = origin_of(task.role.vars, "a")
    assert at is not None
    assert (at.file, at.line) == (str(place / "vars/main.yml"), 1)


def test_a_role_can_cross_to_a_worker(tmp_path: Path) -> None:
    role(tmp_path, "web", tasks="- ping:\n", vars="a: 1\n")
    (task,) = tasks(play(tmp_path, "- hosts: all\n  roles: [{role: web, p: 2}]\n"))
    again: Task = pickle.loads(pickle.dumps(task))
    assert again == task


def test_dependencies_come_first_and_share_variables(tmp_path: Path) -> None:
    role(tmp_path, "base", tasks="- name: b\n  ping:\n", vars="x: base\nonly: base\n", defaults="d: base\n")
    role(tmp_path, "web", tasks="- name: w\n  ping:\n", vars="x: web\n", defaults="d: web\ne: web\n",
         meta="dependencies:\n  - {role: base, p: given, tags: dep}\n")
    found = play(tmp_path, "- hosts: all\n  roles: [{role: web, tags: outer, when: w, q: 1}]\n")
    base, web = tasks(found)
    assert base.role is not None
    assert web.role is not None
    assert [each.name for each in (base, web)] == ["b", "w"]
    assert (base.tags, web.tags, base.when) == ({"dep", "outer"}, {"outer"}, ("w",))
    assert base.role.params == {"q": 1, "p": "given"}
    assert base.role.vars == {"x": "base", "only": "base"}
    assert base.role.defaults == {"d": "base", "e": "web"}
    assert web.role.vars == {"x": "web", "only": "base"}
    assert (web.role.dependencies, [each.name for each in found.roles]) == (("base",), ["web"])


def keys(folder: Path, entries: str) -> list[str]:
    return [each.key for each in play(folder, f"- hosts: all\n  roles:\n{entries}").roles]


def test_what_makes_two_roles_one(tmp_path: Path) -> None:
    role(tmp_path, "r", tasks="- ping:\n")
    one, same, param, other_vars, tagged, when = keys(tmp_path, """
    - r
    - role: r
    - {role: r, p: 1}
    - {role: r, vars: {p: 1}}
    - {role: r, tags: t}
    - {role: r, when: x}
""")
    assert one == same
    assert len({one, param, other_vars, tagged, when}) == 5


def test_a_role_is_looked_for_in_this_order(tmp_path: Path) -> None:
    site, shared = tmp_path / "site", tmp_path / "shared"
    names = {site / "roles": ("everywhere",), shared: ("everywhere", "outside"),
             site: ("everywhere", "outside", "beside")}
    for place, here in names.items():
        for name in here:
            (place / name / "tasks").mkdir(parents=True)
    shelf = Shelf(yaml.load_file, [str(shared)])
    found = [shelf.find(name, str(site), None).path for name in ("everywhere", "outside", "beside")]
    assert found == [str(site / "roles/everywhere"), str(shared / "outside"), str(site / "beside")]
    far = shelf.find(str(shared / "outside"), str(site), None)
    assert (far.name, far.path) == ("outside", str(shared / "outside"))
    with pytest.raises(SourceError, match="The role 'outsde' was not found in: ") as caught:
        shelf.find("outsde", str(site), None)
    assert "Did you mean 'outside'?" in str(caught.value.hint)


@pytest.mark.parametrize(("files", "entry", "message"), [
    ({"vars": "- 1\n"}, "r", "must contain a dictionary of variables"),
    ({"vars": "1bad: 1\n"}, "r", "Invalid variable name '1bad'"),
    ({"tasks": "a: b\n"}, "r", "must contain a list of tasks"),
    ({"tasks": "- pong:\n"}, "r", "couldn't resolve module/action 'pong'"),
    ({"meta": "dependencis: []\n"}, "r", "'dependencis' is not a valid attribute for a RoleMetadata"),
    ({"meta": "dependencies: x\n"}, "r", "Expected role dependencies to be a list"),
    ({"meta": "dependencies: [r]\n"}, "r", "A recursion loop was detected with the roles specified"),
    ({"meta": "dependencies: [nowhere]\n"}, "r", "The role 'nowhere' was not found in"),
    ({}, "nowhere", "The role 'nowhere' was not found in"),
    ({}, "{rol: r}", "role definitions must contain a role name"),
    ({}, "5", "Invalid role definition."),
    ({}, "{role: r, become: 7}", "could not be converted to 'bool'"),
    ({}, "{role: r, vars: [1]}", "must be specified as a dictionary"),
])
def test_what_is_wrong_with_a_role_is_said_with_its_place(
    tmp_path: Path, files: dict[str, str], entry: str, message: str
) -> None:
    role(tmp_path, "r", **files)
    with pytest.raises(AsyncrunError, match=message) as caught:
        play(tmp_path, f"- hosts: all\n  roles: [{entry}]\n")
    assert caught.value.origin is not None


def test_loops_of_dependencies_are_found(tmp_path: Path) -> None:
    role(tmp_path, "a", meta="dependencies: [b]\n")
    role(tmp_path, "b", meta="dependencies: [a]\n")
    with pytest.raises(ParseError, match="A recursion loop was detected"):
        play(tmp_path, "- hosts: all\n  roles: [a]\n")


def test_import_role_stands_in_its_place(tmp_path: Path) -> None:
    role(tmp_path, "r", tasks="- name: main\n  ping:\n", tasks__other="- name: other\n  ping:\n",
         handlers="- name: h\n  ping:\n")
    found = play(tmp_path, """
- hosts: all
  vars: {which: r}
  tasks:
    - debug: msg=1
    - import_role: {name: "{{ which }}", tasks_from: other.yml}
      when: w
      tags: t
      vars: {v: 1}
    - debug: msg=2
""")
    before, other, after = tasks(found)
    assert (before.role, after.role) == (None, None)
    assert (other.name, other.when, other.tags, other.vars) == ("other", ("w",), {"t"}, ({"v": 1},))
    assert [each.public for each in found.roles] == [True]
    assert len(found.handlers) == 1


def include_of(tmp_path: Path, text: str, ctx: LoadContext) -> Task:
    (task,) = tasks(play(tmp_path, f"- hosts: all\n  tasks:\n    - {text}\n", ctx))
    return task


def test_an_included_role_is_read_while_running(tmp_path: Path) -> None:
    role(tmp_path, "r", tasks="- name: main\n  ping:\n- import_role: {name: s}\n", vars="a: 1\n",
         handlers="- name: h\n  ping:\n")
    role(tmp_path, "s", tasks="- name: inner\n  ping:\n")
    ctx = context()
    task = include_of(tmp_path, "{include_role: {name: r, apply: {tags: ap}}, tags: own, vars: {v: 1}}", ctx)
    assert (task.label, task.listed) == ("include_role : r", "include_role")
    assert task.include is not None
    assert task.include.vars == {"v": 1}
    reading = included(Include("r", role=RoleArguments(public=False)), task, ctx, {})
    main, inner = tasks(reading.block)
    assert main.role is not None
    assert inner.role is not None
    assert (main.tags, main.role.public, main.role.dynamic) == ({"ap"}, False, True)
    assert main.role.allow_duplicates is True
    assert (inner.role.parents, inner.role.vars) == ((("r", main.role.path),), {"a": 1})
    assert len(reading.handlers) == 1
    assert [(each.name, each.dynamic) for each in reading.roles] == [("r", True), ("s", False)]
    with pytest.raises(SourceError, match="Could not find specified file in role: tasks/nope"):
        included(Include("r", role=RoleArguments(tasks_from="nope")), task, ctx, {})


@pytest.mark.parametrize(("text", "message"), [
    ("include_role: {}", "'name' is a required field for include_role"),
    ("include_role: {name: r, foo: 1}", "Invalid options for include_role: foo"),
    ("import_role: {name: r, apply: {}}", "Invalid options for import_role: apply"),
    ("import_role: {name: r, tasks_from: [x]}", "Expected a string for tasks_from but got list"),
    ("import_role: {name: r, public: maybe}", "The value 'maybe' could not be converted to 'bool'"),
    ("{import_role: {name: r}, loop: [1]}", "You should use 'include_role' instead"),
    ("{include_role: {name: r}, become: yes}", "'become' is not a valid attribute for a IncludeRole"),
])
def test_wrong_arguments_of_imports_and_includes(tmp_path: Path, text: str, message: str) -> None:
    role(tmp_path, "r", tasks="- ping:\n")
    with pytest.raises(ParseError, match=message):
        play(tmp_path, f"- hosts: all\n  tasks:\n    - {text}\n")


def test_the_specification_of_an_entry_point_is_a_task_of_its_own(tmp_path: Path) -> None:
    role(tmp_path, "r", tasks="- ping:\n", meta__argument_specs="argument_specs:\n  main:\n    short_description: All\n"
         "    options:\n      size: {type: int, required: yes}\n")
    ctx = context()
    first, second = tasks(play(tmp_path, "- hosts: all\n  roles: [{role: r, size: 1}]\n", ctx))
    assert first.label == "r : Validating arguments against arg spec 'main' - All"
    assert (first.action, "always" in first.tags, second.action) == ("validate_argument_spec", True, "ping")
    assert first.args["provided_arguments"] == {"size": 1}
    (only,) = tasks(play(tmp_path, "- hosts: all\n  tasks: [import_role: {name: r, rolespec_validate: no}]\n", ctx))
    assert only.action == "ping"


def test_all_files_of_a_folder_of_variables_are_read(tmp_path: Path) -> None:
    place = role(tmp_path, "r", tasks="- ping:\n")
    files = {"a.yml": "x: 1\ny: 1\n", "b.yaml": "y: 2\n", "deep/c.json": '{"z": 3}', "note.txt": "no"}
    for name, text in files.items():
        path = place / "vars/main" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (task,) = tasks(play(tmp_path, "- hosts: all\n  roles: [r]\n"))
    assert task.role is not None
    assert task.role.vars == {"x": 1, "y": 2, "z": 3}


def test_handlers_come_in_groups(tmp_path: Path) -> None:
    role(tmp_path, "r", handlers="- name: of r\n  ping:\n")
    role(tmp_path, "i", handlers="- name: of i\n  ping:\n")
    found = play(tmp_path, """
- hosts: all
  roles: [r]
  tasks: [import_role: {name: i}]
  handlers:
    - {name: one, ping: }
    - {name: two, ping: }
    - block: [{name: three, ping: }]
    - {name: four, ping: }
""")
    names = [[task.name for task in group.tasks if isinstance(task, Task)] for group in found.handlers]
    assert names == [["of r"], ["one", "two"], ["three"], ["four"], ["of i"]]


def test_roles_are_told_of_so_that_their_plugins_can_be_loaded(tmp_path: Path) -> None:
    heard: list[str] = []
    place = role(tmp_path, "r", tasks="- ping:\n")
    play(tmp_path, "- hosts: all\n  roles: [r]\n", replace(context(), on_role=heard.append))
    assert heard[-1] == str(place)


def collection(root: Path, name: str, **files: str) -> Path:
    place = root / "ansible_collections" / name.replace(".", "/")
    for file, text in files.items():
        path = place / file.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".yml").write_text(text)
    return place


def test_roles_and_playbooks_of_collections(tmp_path: Path) -> None:
    place = collection(tmp_path, "our.own", roles__web__tasks__main="- name: go\n  include_role: {name: near}\n",
                       roles__near__tasks__main="- ping:\n",
                       playbooks__site="- hosts: all\n  roles: [web]\n")
    installed = Installed([str(tmp_path)])
    ctx = context(shelf=Shelf(yaml.load_file, installed=installed))
    (task,) = tasks(play(tmp_path, "- hosts: all\n  roles: [our.own.web]\n", ctx))
    assert task.role is not None
    assert (task.label, task.role.short_name, task.role.collection) == ("go", "web", "our.own")
    reading = included(Include("near", role=RoleArguments()), task, ctx, {})
    assert [each.role.name for each in tasks(reading.block) if each.role] == ["our.own.near"]
    (again,) = tasks(play(tmp_path, "- hosts: all\n  collections: [our.own]\n  roles: [web]\n", ctx))
    assert again.role is not None
    assert again.role.name == "our.own.web"
    (imported,) = tasks(play(tmp_path, "- import_playbook: our.own.site\n", ctx))
    assert imported.role is not None
    assert (imported.role.name, imported.search[-1]) == ("our.own.web", str(place / "playbooks"))
    with pytest.raises(SourceError) as caught:
        play(tmp_path, "- hosts: all\n  roles: [their.own.web]\n", ctx)
    assert caught.value.hint == "The collection their.own is not installed."


def test_a_dependency_of_a_role_in_a_collection_is_looked_for_there_first(tmp_path: Path) -> None:
    collection(tmp_path, "our.own", roles__web__meta__main="dependencies: [near, {role: far, when: x}]\n",
               roles__web__tasks__main="- ping:\n", roles__near__tasks__main="- ping:\n")
    role(tmp_path, "near", tasks="- ping:\n")
    role(tmp_path, "far", tasks="- ping:\n")
    ctx = context(shelf=Shelf(yaml.load_file, installed=Installed([str(tmp_path)])))
    found = tasks(play(tmp_path, "- hosts: all\n  roles: [our.own.web]\n", ctx))
    assert [each.role.name for each in found if each.role] == ["our.own.near", "far", "our.own.web"]


def test_a_role_deep_in_a_collection_goes_by_its_last_word(tmp_path: Path) -> None:
    collection(tmp_path, "our.own", roles__web__roles__part__tasks__main="- name: go\n  debug:\n")
    ctx = context(shelf=Shelf(yaml.load_file, installed=Installed([str(tmp_path)])))
    (task,) = tasks(play(tmp_path, "- hosts: all\n  roles: [our.own.web.roles.part]\n", ctx))
    assert task.role is not None
    assert (task.label, task.role.short_name) == ("our.own.part : go", "part")


def test_where_collections_are(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    for root, names in ((near, ["a.b"]), (far, ["a.b", "a.c"])):
        for name in names:
            collection(root, name, meta__runtime="plugin_routing: {modules: {old: {redirect: a.c.new}}}\n")
    installed = Installed([str(near), str(far)])
    assert [installed.folder(name) for name in ("a.b", "a.c", "x.y")] == [
        near / "ansible_collections/a/b", far / "ansible_collections/a/c", None]
    assert list(installed.collections()) == ["a.b", "a.b", "a.c"]
    assert [installed.redirect(name, "modules") for name in ("a.b.old", "a.b.new", "x.y.z", "old")] == [
        "a.c.new", None, None, None]
    assert installed.around(str(far / "ansible_collections/a/c/playbooks/x.yml")) == ("a.c",)
    assert installed.around("/etc/site.yml") == ()


def test_a_role_knows_its_name_without_the_collection() -> None:
    found = Role("a.b.c", "/r", "k", (), collection="a.b")
    assert (found.short_name, replace(found, name="c", collection="").short_name) == ("c", "c")
    assert Block(()).tasks == ()
