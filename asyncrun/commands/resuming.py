"""Runs that can be gone on with: which there are, and what they began with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from asyncrun.errors import SourceError, UsageError
from asyncrun.journal.progress import begun
from asyncrun.options import Options

_NOT_KEPT = ("resume", "redo")
_LISTED = 5                  # runs named in an error


def runs_folder(state: Path) -> Path:
    """Where the records are."""
    return state / "runs"


def header(options: Options) -> dict[str, Any]:
    """What is written down of a run's begin: enough to type it again."""
    kept = {name: value for name, value in asdict(options).items() if name not in _NOT_KEPT}
    return {"cwd": str(Path.cwd()), "options": kept}


def chosen(folder: Path, options: Options) -> Path:
    """The record of the run that is meant: the one that is named, or the newest of this folder, of the playbooks that
    are named if any are. Raises UsageError when there is none."""
    records = sorted(folder.glob("*.jsonl"), reverse=True)
    if options.resume:
        for path in records:
            if path.stem == options.resume:
                return path
        raise UsageError(f"There is no run {options.resume} to resume.", hint=_known(records))
    here = str(Path.cwd())
    for path in records:
        try:
            first = begun(path)
        except SourceError:
            continue
        playbooks = first.get("options", {}).get("playbooks", [])
        if first.get("cwd") == here and (not options.playbooks or list(options.playbooks) == playbooks):
            return path
    what = " ".join(options.playbooks) or "any playbook"
    raise UsageError(f"There is no run of {what} in {here} to resume.", hint=_known(records))


def _known(records: Sequence[Path]) -> str:
    if not records:
        return "A run that ended well leaves nothing to resume; one that nobody resumed is forgotten after a week."
    return f"Name one: --resume RUN. There are: {', '.join(path.stem for path in records[:_LISTED])}."


def as_it_began(path: Path, typed: Options) -> Options:
    """The options of a run, in its folder: those it began with, except for what was typed now. When playbooks were
    typed, all is as typed. Raises SourceError when the record or the folder is gone."""
    if typed.playbooks:
        return typed
    first = begun(path)
    try:
        os.chdir(first["cwd"])
    except OSError as error:
        raise SourceError(f"The folder in which the run began cannot be entered: {first['cwd']}: {error.strerror}") \
            from error
    kept = {name: tuple(value) if isinstance(value, list) else value for name, value in first["options"].items()}
    unsaid = Options()
    said = {field.name: getattr(typed, field.name) for field in fields(Options)
            if getattr(typed, field.name) != getattr(unsaid, field.name)}
    return replace(unsaid, **{**kept, **said})
