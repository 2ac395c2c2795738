"""The filters of ansible-core that are not Jinja's own, by theme."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from asyncrun.templating.filters import crypto, formats, numbers, paths, sets, structures, texts

FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    **crypto.FILTERS,
    **formats.FILTERS,
    **numbers.FILTERS,
    **paths.FILTERS,
    **sets.FILTERS,
    **structures.FILTERS,
    **texts.FILTERS,
}
