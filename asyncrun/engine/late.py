"""Tasks whose action is a template of what a host has (`action: "{{ ansible_facts.pkg_mgr }} name=git"`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from asyncrun.catalog import Catalog
from asyncrun.errors import AsyncrunError, ParseError
from asyncrun.playbook.action import LATE_TEXT, LOADED, ActionFinder
from asyncrun.playbook.model import Task
from asyncrun.templating.templar import Templar
from asyncrun.templating.values import plain


def named(task: Task, variables: Mapping[str, Any], catalog: Catalog, templar: Templar) -> Task:
    """A task of LATE, with the action that it has on a host with these variables; where it has none, one that fails."""
    try:
        return _named(task, variables, catalog, templar)
    except AsyncrunError as error:
        words = f"{error.message} {error.hint}" if error.hint else error.message
        return replace(task, action="fail", args={"msg": words})


def _named(task: Task, variables: Mapping[str, Any], catalog: Catalog, templar: Templar) -> Task:
    name = str(plain(templar.render(task.written_action, variables)))
    finder = ActionFinder(catalog, lambda text, _: text)
    found = finder.parsed(name, str(task.args.get(LATE_TEXT, "")), task.origins.get("action"))
    if found.name in LOADED or found.name == "meta":
        raise ParseError(f"'{name}' cannot be the action of a task whose action is a template.")
    given = {key: value for key, value in task.args.items() if key != LATE_TEXT}
    return replace(task, action=found.name, written_action=name, args={**given, **found.args})
