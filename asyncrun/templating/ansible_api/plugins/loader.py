"""ansible.plugins.loader: `lookup_loader.get(NAME, loader=..., templar=...)`, for lookups that use others."""

from __future__ import annotations

from typing import Any, Final

from asyncrun.templating.ansible_api.plugins.lookup import BuiltinLookup


class LookupLoader:
    """Gives lookups by name: built-in ones, the project's own and those of collections."""

    def get(self, name: str, *args: Any, class_only: bool = False, **options: Any) -> Any:      # noqa: ARG002
        """An instance whose `run` is that lookup's."""
        cls = type("LookupModule", (BuiltinLookup,), {"builtin": name})
        return cls if class_only else cls(**options)


lookup_loader: Final = LookupLoader()

__all__ = ["lookup_loader"]
