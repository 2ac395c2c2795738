"""What copy and template send: the plan of a file or a tree, and the talk with `put` on the target that installs it.

Small content goes along with the first request. Of larger content the target is asked first what it lacks.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncrun.actions import Ask, Call, Step, module_request
from asyncrun.errors import SourceError

AT_ONCE = 64 * 1024              # bytes that are sent without asking whether they are there
GROUP = 4 * 1024 * 1024          # bytes of small files that travel together
SHOWN = 104448                   # bytes: larger files are not shown in a diff
VAULT = b"$ANSIBLE_VAULT;"
BLOCK = 1 << 20

Talk = Generator[Step, Any, dict[str, Any]]
ReadFile = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Piece:
    """One file to install: its bytes are in memory (`data`) or in a file of this machine (`path`)."""

    name: str                    # below dest, or the name that dest as a folder keeps
    checksum: str                # SHA-1
    size: int
    data: bytes | None = None
    path: Path | None = None
    mode: str | None = None
    origin: str | None = None    # what a diff calls it

    def bytes(self) -> bytes:
        """Its content."""
        return self.path.read_bytes() if self.data is None and self.path is not None else self.data or b""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that dest is to have: one file, or the files, folders and links of a tree."""

    pieces: tuple[Piece, ...]
    tree: bool = False
    folders: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(piece.size for piece in self.pieces)


def text_piece(data: bytes, name: str, **more: Any) -> Piece:
    """A Piece of bytes in memory."""
    return Piece(name, hashlib.sha1(data, usedforsecurity=False).hexdigest(), len(data), data=data, **more)


def file_piece(path: Path, name: str, read: ReadFile | None, keep_mode: bool = False) -> Piece:
    """A Piece of a file of this machine; `read` opens it when it is vaulted (None: it is sent as it is)."""
    try:
        status = path.stat()
        mode = f"{stat.S_IMODE(status.st_mode):04o}" if keep_mode else None
        with path.open("rb") as source:
            vaulted = read is not None and source.read(len(VAULT)) == VAULT
            if vaulted:
                assert read is not None
                return text_piece(read(str(path)), name, mode=mode, origin=str(path))
            source.seek(0)
            digest = hashlib.sha1(usedforsecurity=False)
            size = 0
            while block := source.read(BLOCK):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise SourceError(f"could not find or access '{path}': {error.strerror}") from error
    return Piece(name, digest.hexdigest(), size, path=path, mode=mode, origin=str(path))


def tree_plan(top: Path, read: ReadFile | None, keep_mode: bool, follow: bool) -> Plan:
    """The Plan of what is in a folder. Links are followed, or kept: those that lead nowhere, or in a circle, always."""
    pieces: list[Piece] = []
    folders: list[str] = []
    links: list[tuple[str, str]] = []
    for path, name, is_link in _walk(top, "", follow, (top.resolve(),)):
        if is_link:
            links.append((name, os.readlink(path)))           # noqa: PTH115 - with its trailing slash
        elif path.is_dir():
            folders.append(name)
        elif path.is_file():
            pieces.append(file_piece(path, name, read, keep_mode))
    return Plan(tuple(pieces), True, tuple(folders), tuple(links))


def _walk(folder: Path, below: str, follow: bool, inside: tuple[Path, ...]) -> Iterator[tuple[Path, str, bool]]:
    """Everything in a folder, with its name below the top, and whether it is a link that stays one."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise SourceError(f"could not find or access '{folder}': {error.strerror}") from error
    for path in entries:
        name = f"{below}{path.name}"
        if path.is_symlink() and not (follow and path.exists() and path.resolve() not in inside):
            yield path, name, True
            continue
        yield path, name, False
        if path.is_dir():
            yield from _walk(path, f"{name}/", follow, (*inside, path.resolve()))


def put(call: Call, args: Mapping[str, Any], plan: Plan) -> Talk:
    """Install the plan on the call's target; gives the result. `args` are those of `put` beside files."""
    args = {**args, "tree": plan.tree, "folders": list(plan.folders),
            "links": [{"name": name, "target": target} for name, target in plan.links]}
    if plan.size <= AT_ONCE:
        return (yield from _send(call, args, plan.pieces, plan.pieces))
    reply = yield Ask(call.target, module_request(
        call, {**args, "compare": True, "files": _entries(plan.pieces, ())}, "put", aside=True))
    if reply.data.get("failed"):
        return dict(reply.data)
    missing = set(reply.data.get("missing", ()))
    wanted = [piece for piece in plan.pieces if piece.name in missing]
    if call.check:
        wanted = [piece for piece in wanted if call.diff and piece.size <= SHOWN]
    return (yield from _send_in_groups(call, args, plan, wanted))


def _send_in_groups(call: Call, args: Mapping[str, Any], plan: Plan, wanted: Sequence[Piece]) -> Talk:
    """The last request has everything that is there already as well; a job has to be a single request."""
    groups = [list(wanted)] if call.job else list(_groups(wanted))
    sent = {piece.name for piece in wanted}
    rest = [piece for piece in plan.pieces if piece.name not in sent]
    results = []
    for group in groups[:-1]:
        results.append((yield from _send(call, args, group, group)))
        if results[-1].get("failed"):
            return _merged(results)
    last = groups[-1] if groups else []
    results.append((yield from _send(call, args, [*rest, *last], last)))
    return _merged(results)


def _groups(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Small files together, large ones alone."""
    group: list[Piece] = []
    for piece in pieces:
        if group and sum(each.size for each in group) + piece.size > GROUP:
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _send(call: Call, args: Mapping[str, Any], pieces: Sequence[Piece], sent: Sequence[Piece]) -> Talk:
    files = _entries(pieces, {piece.name for piece in sent})
    upload: bytes | Path | None = None
    if len(sent) == 1 and sent[0].size > GROUP and sent[0].path is not None:
        upload = sent[0].path
    elif sent:
        upload = b"".join(piece.bytes() for piece in sent)
    reply = yield Ask(call.target, module_request(call, {**args, "files": files}, "put", upload=upload))
    return dict(reply.data)


def _entries(pieces: Sequence[Piece], sent: Any) -> list[dict[str, Any]]:
    return [{"name": piece.name, "checksum": piece.checksum, "size": piece.size, "sent": piece.name in sent,
             "mode": piece.mode, "origin": piece.origin} for piece in pieces]


def _merged(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One result of several requests: the last one's keys; changes, differences and warnings of all."""
    diffs: list[Any] = []
    for result in results:
        diff = result.get("diff", [])
        diffs += diff if isinstance(diff, list) else [diff]
    merged = {**results[-1], "changed": any(result.get("changed") for result in results)}
    if diffs:
        merged["diff"] = diffs if len(diffs) > 1 else diffs[0]
    warnings = list(dict.fromkeys(text for result in results for text in result.get("warnings", ())))
    return {**merged, "warnings": warnings} if warnings else merged
