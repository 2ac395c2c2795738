"""Inventory scripts: programs that answer --list (and --host NAME) with JSON, within bounds."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import Any

from asyncrun.errors import InventoryError
from asyncrun.inventory.draft import Draft
from asyncrun.origin import Origin
from asyncrun.source import unsafe
from asyncrun.source.vault import Vault

MOST_BYTES = 64 * 1024 * 1024
_STDERR_SHOWN = 2000


def read(draft: Draft, path: str, timeout: float, vault: Vault | None = None) -> None:
    """Add what a script says to a draft.

    `timeout`: seconds that one call may take. InventoryError: it fails, hangs, says too much, or no JSON mapping.
    Nothing is added unless all of the answer is good.
    """
    add(draft, [path, "--list"], path, timeout, vault)


def add(draft: Draft, argv: list[str], path: str, timeout: float, vault: Vault | None = None,
        environment: Mapping[str, str] | None = None) -> None:
    """Add what a program says, as `read`; hosts it tells nothing of are asked for with `PATH --host NAME`."""
    answer = _ask(argv, timeout, environment)
    groups = {name: _group(path, name, data) for name, data in answer.items() if name != "_meta"}
    known = _meta(path, answer)
    names = dict.fromkeys(host for group in groups.values() for host in group["hosts"])
    if known is None:
        known = {name: _ask([path, "--host", name], timeout) for name in names}
    origin = Origin(path)
    values = {name: _opened(known.get(name, {}), vault, origin) for name in names}
    for name, group in groups.items():
        draft.group(name).vars.update(_opened(group["vars"], vault, origin))
        for host in group["hosts"]:
            draft.host(host, values[host], origin, name)
        for child in group["children"]:
            if child != name:
                draft.child(name, child, origin)


def _opened(value: Any, vault: Vault | None, origin: Origin) -> Any:
    """Values with what JSON has no type for: {"__ansible_unsafe": text} and {"__ansible_vault": text}."""
    if isinstance(value, list):
        return [_opened(each, vault, origin) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(kind, text)] = value.items()
        if kind == "__ansible_unsafe":
            return unsafe(text)
        if kind == "__ansible_vault" and isinstance(text, str):
            return (vault or Vault(())).decrypt(text, origin).decode("utf-8", "replace")
    return {key: _opened(each, vault, origin) for key, each in value.items()}


def _group(path: str, name: str, data: Any) -> dict[str, Any]:
    """A group's hosts, children and vars, checked."""
    if isinstance(data, list):
        data = {"hosts": data}
    elif isinstance(data, dict) and not {"hosts", "children", "vars"} & data.keys():
        data = {"hosts": [name], "vars": data}             # the oldest form: a host and its variables
    if not isinstance(data, dict):
        raise InventoryError(f"{path} --list: the group '{name}' has to be a list of hosts or a mapping")
    found: dict[str, Any] = {"vars": data.get("vars") or {}}
    if not isinstance(found["vars"], dict):
        raise InventoryError(f"{path} --list: the vars of '{name}' have to be a mapping")
    for part in ("hosts", "children"):
        names = data.get(part) or []
        if isinstance(names, dict):
            names = list(names)
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise InventoryError(f"{path} --list: the {part} of '{name}' have to be a list of names")
        found[part] = names
    return found


def _meta(path: str, answer: dict[str, Any]) -> dict[str, dict[str, Any]] | None:
    """The variables of hosts, when the script gives them at once."""
    if "_meta" not in answer:
        return None
    meta = answer["_meta"]
    known = meta.get("hostvars", {}) if isinstance(meta, dict) else None
    if not isinstance(known, dict) or not all(isinstance(values, dict) for values in known.values()):
        raise InventoryError(f"{path} --list: _meta.hostvars has to be a mapping of hosts to their variables")
    return known


def _ask(argv: list[str], timeout: float, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    said = " ".join(argv)
    try:
        text = _run(argv, timeout, environment).decode("utf-8")
        answer = json.loads(text) if text.strip() else {}
    except UnicodeDecodeError as error:
        raise InventoryError(f"{said}: the answer is not UTF-8 text (byte {error.start})") from None
    except (ValueError, RecursionError) as error:
        raise InventoryError(f"{said}: the answer is not JSON: {error}") from None
    if not isinstance(answer, dict):
        raise InventoryError(f"{said}: the answer has to be a JSON mapping, and is a {type(answer).__name__}")
    return answer


def _run(argv: list[str], timeout: float, environment: Mapping[str, str] | None) -> bytes:
    """The program's output. It and its children are killed when it takes too long or says too much."""
    said = " ".join(argv)
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env=environment,
        )
    except OSError as error:
        raise InventoryError(f"{said}: cannot be run: {error.strerror}",
                             hint="An executable inventory needs a first line like #!/usr/bin/env python3.") from None
    out, err = bytearray(), bytearray()
    try:
        _collect(process, out, err, timeout, said)
        code = process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
    if code:
        words = err.decode("utf-8", "replace").strip()[-_STDERR_SHOWN:]
        raise InventoryError(f"{said}: ended with code {code}" + (f": {words}" if words else ""))
    return bytes(out)


def _collect(process: subprocess.Popen[bytes], out: bytearray, err: bytearray, timeout: float, said: str) -> None:
    """Read both pipes until the program ends, within the bounds."""
    end = time.monotonic() + timeout
    with selectors.DefaultSelector() as watch:
        for pipe, into in ((process.stdout, out), (process.stderr, err)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            watch.register(pipe, selectors.EVENT_READ, into)
        while watch.get_map():
            ready = watch.select(max(0.0, min(end - time.monotonic(), 0.1)))
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                if not data:
                    watch.unregister(key.fileobj)
                elif len(key.data) < MOST_BYTES:
                    key.data.extend(data)
            if len(out) >= MOST_BYTES:
                raise InventoryError(f"{said}: said more than {MOST_BYTES // 1024 // 1024} MiB and was stopped")
            if time.monotonic() >= end:
                raise InventoryError(f"{said}: took more than {timeout:g} seconds and was stopped",
                                     hint="The setting is inventory_script_timeout in [asyncrun].")
            if process.poll() is not None and not ready:
                return                                     # a grandchild may keep the pipes open: not our answer
