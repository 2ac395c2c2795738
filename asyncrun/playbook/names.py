"""The variables that names of imports, tags and actions may use while a file is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from asyncrun.errors import TemplateError
from asyncrun.playbook.context import Render


class Names(Mapping[str, Any]):
    """Layers of variables, nearest first: values of `raw` are rendered when first asked for, those of `final` never.

    `final` are values of the run, in which texts from hosts may stand.
    """

    def __init__(self, render: Render, raw: Sequence[Mapping[str, Any]], final: Mapping[str, Any]) -> None:
        self._render = render
        self._raw = raw
        self._final = final
        self._done: dict[str, Any] = {}
        self._busy: list[str] = []

    def __getitem__(self, name: str) -> Any:
        if name in self._done:
            return self._done[name]
        for layer in self._raw:
            if name in layer:
                self._done[name] = self._rendered(name, layer[name])
                return self._done[name]
        return self._final[name]

    def _rendered(self, name: str, value: Any) -> Any:
        if name in self._busy:
            raise TemplateError(f"recursive loop detected in template: {' -> '.join([*self._busy, name])}")
        if not isinstance(value, str | list | dict):
            return value
        self._busy.append(name)
        try:
            return self._render(value, self)
        finally:
            self._busy.pop()

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for layer in (*self._raw, self._final) for name in layer))

    def __len__(self) -> int:
        return sum(1 for _ in self)


__all__ = ["Names"]
