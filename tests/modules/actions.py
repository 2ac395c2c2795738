"""Plays an action against modules that really run: its Asks are answered by a Driver, without an agent in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asyncrun.actions import Action, Ask, Call
from asyncrun.catalog import Catalog
from asyncrun.errors import ArgumentError, SourceError
from asyncrun.origin import Origin
from asyncrun.remote import argspec
from asyncrun.results import RawResult
from asyncrun.transport import Reply, Request, Target
from tests.modules.runner import Driver


@dataclass
class Context:
    """An ActionContext whose files are in `folder`, and whose templates only know {{ name }}."""

    folder: Path
    specs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    vars: dict[str, Any] = field(default_factory=dict)
    rendered: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = field(default_factory=list)

    def args(self, call: Call, side: str = "controller") -> dict[str, Any]:
        try:
            return argspec.checked(self.specs[call.name], call.args, call.name, side)
        except argspec.Misfit as error:
            raise ArgumentError(str(error)) from None

    def find_file(self, name: str, kind: str) -> str:
        for place in (self.folder / kind / name, self.folder / name):
            if place.exists():
                return str(place)
        raise SourceError(f"Could not find or access '{name}'")

    def read_file(self, path: str) -> bytes:
        data = Path(path).read_bytes()
        return b"opened" if data.startswith(b"$ANSIBLE_VAULT;") else data

    def render_file(self, text: str, path: str, options: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
        self.rendered.append((path, options, extra))
        for name, value in self.vars.items():
            text = text.replace(f"{{{{ {name} }}}}", str(value))
        return text


@dataclass
class Host:
    """The far side: runs each request's module, and keeps the requests."""

    driver: Driver
    asked: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> dict[str, Any]:
        self.asked.append(request)
        upload = request.upload.read_bytes() if isinstance(request.upload, Path) else request.upload
        body = request.body
        ran = self.driver.run(body["name"], body["args"], check=body["check"], diff=body["diff"],
                              environment=body["environment"], upload=upload)
        if request.download is not None:
            request.download.write_bytes(ran.sent)
        return ran.result


def spec_of(action: Action) -> Mapping[str, Any]:
    """The SPEC that counts for an action: its own, or its module's."""
    spec = Catalog({action.name: action.spec}).find(action.name).spec
    assert spec is not None
    return spec


def call_of(name: str, args: Mapping[str, Any], **more: Any) -> Call:
    """A Call of one host, `web1`."""
    return Call(name, dict(args), Target("local"), "web1", Origin("play.yml", 3), **more)


def play_action(action: Action, call: Call, context: Context, answer: Any) -> RawResult:
    """Drive the action to its end; `answer(request)` is what the host says, or the error that it raises."""
    context.specs[call.name] = spec_of(action)
    steps = action.run(call, context)  # type: ignore[arg-type]
    reply: Any = None
    try:
        while True:
            step = steps.send(reply)
            assert isinstance(step, Ask)
            reply = Reply(answer(step.request))
    except StopIteration as end:
        result: RawResult = end.value
        return result
    finally:
        steps.close()
