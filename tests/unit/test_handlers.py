"""Handlers found by name, by role and name, and by topic."""

from __future__ import annotations

from asyncrun.engine.handlers import Handlers
from asyncrun.origin import Origin
from asyncrun.playbook.model import Role, Task

WEB, DB = (Role(name, f"/roles/{name}", name, ()) for name in ("our.own.web", "db"))


def handler(number: int, name: str, *listen: str, role: Role | None = None) -> tuple[Task, str]:
    task = Task(number, "ping", "ping", {}, Origin("h.yml"), name, listen=listen, role=role, handler=True)
    return task, name


def made(*groups: list[tuple[Task, str]]) -> Handlers:
    handlers = Handlers()
    for group in groups:
        handlers.add(group)
    return handlers


def test_the_last_group_hides_those_before_it_and_the_first_of_a_group_the_rest() -> None:
    handlers = made([handler(1, "restart"), handler(2, "other")], [handler(3, "restart"), handler(4, "restart")])
    assert handlers.called("restart") == {3}
    assert handlers.called("other") == {2}
    assert handlers.called("nothing") == frozenset()
    assert handlers.called("") == frozenset()
    assert [task.id for task in handlers.tasks] == [1, 2, 3, 4]
    assert 4 in handlers
    assert 5 not in handlers


def test_a_role_s_handler_goes_by_its_role_s_name_too() -> None:
    role = Role("our.own.web", "/roles/web", "k", (), collection="our.own")
    handlers = made([handler(1, "restart", role=role)], [handler(2, "restart", role=DB)])
    names = ("restart", "db : restart", "web : restart", "our.own.web : restart")
    assert [handlers.called(name) for name in names] == [
        {2}, {2}, {1}, {1}]


def test_all_that_listen_are_called_but_of_one_handler_loaded_twice_only_the_last() -> None:
    handlers = made([handler(1, "a", "topic", role=WEB), handler(2, "b", "topic")],
                    [handler(3, "a", "topic", role=WEB)],
                    [handler(4, "a", "topic", role=DB), handler(5, "", "topic"), handler(6, "", "topic")])
    assert handlers.called("topic") == {2, 3, 4, 5, 6}
    assert handlers.words == {"a", "b", "topic"}
