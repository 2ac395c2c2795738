"""Helpers of the tests that load playbooks: a catalog of names, a simple render, one play from a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2

from asyncrun.catalog import Catalog
from asyncrun.errors import TemplateError, UndefinedError
from asyncrun.playbook.load import LoadContext, load
from asyncrun.playbook.model import Block, Play, Task

RAW = {"options": {"_raw_params": {}}, "free_form": "_raw_params"}
ACTIONS: dict[str, Mapping[str, Any] | None] = {
    **{name: {"options": {}} for name in ("copy", "template", "set_fact", "fail", "async_status", "gather_facts",
                                              "user")},
    **{name: {"options": {"name": {}, "state": {}}} for name in ("apt", "yum", "dnf", "package", "pip", "service")},
    "debug": {"options": {"msg": {}, "var": {}}}, "ping": {"options": {"data": {}}},
    "command": RAW, "shell": RAW, "raw": RAW, "script": RAW, "meta": RAW, "include_vars": RAW,
    "systemd": {"options": {"name": {}}},
}


def render(value: Any, variables: Mapping[str, Any]) -> Any:
    """Texts rendered, names looked up only when they are used."""
    if isinstance(value, list):
        return [render(each, variables) for each in value]
    if not isinstance(value, str):
        return value
    try:
        template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(value)
        return "".join(template.root_render_func(template.new_context(variables, shared=True)))
    except jinja2.UndefinedError as error:
        raise UndefinedError(str(error)) from error
    except jinja2.TemplateError as error:
        raise TemplateError(str(error)) from error


def context(warnings: list[str] | None = None, **more: Any) -> LoadContext:
    heard: list[str] = [] if warnings is None else warnings
    return LoadContext(Catalog(ACTIONS), warn=heard.append, render=render, **more)


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def plays(folder: Path, text: str, ctx: LoadContext | None = None, **files: str) -> tuple[Play, ...]:
    write(folder, site=text, **files)
    return load(str(folder / "site.yml"), ctx or context()).plays


def play(folder: Path, text: str, ctx: LoadContext | None = None, **files: str) -> Play:
    (only,) = plays(folder, text, ctx, **files)
    return only


def tasks(item: Play | Block) -> Iterator[Task]:
    """The tasks somebody wrote, in all sections of all blocks."""
    block = item.body if isinstance(item, Play) else item
    for number in range(3):
        for each in block.section(number):
            if isinstance(each, Block):
                yield from tasks(each)
            elif not each.implicit:
                yield each


def task(folder: Path, text: str, ctx: LoadContext | None = None, **files: str) -> Task:
    """The one task of `text`, which begins at a task's dash."""
    lines = "".join(f"    {line}\n" for line in text.strip("\n").split("\n"))
    (only,) = tasks(play(folder, f"- hosts: all\n  gather_facts: no\n  tasks:\n{lines}", ctx, **files))
    return only
