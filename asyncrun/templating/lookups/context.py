"""What a lookup may use: the variables, files beside the playbook, the vault and the settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from asyncrun.errors import SourceError
from asyncrun.origin import Origin
from asyncrun.source.vault import Vault, is_vault
from asyncrun.templating.values import plain


class Renderer(Protocol):
    """The part of a Templar that lookups use."""

    def file_value(
        self, source: str, path: str, variables: Mapping[str, Any], options: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None, search: Sequence[str] = (),
    ) -> Any:
        """See Templar.file_value."""


@dataclass(frozen=True, slots=True)
class LookupContext:
    """One call's surroundings. `services`: "vault" (a Vault), "config" (settings), "hosts" (pattern -> names)."""

    templar: Renderer
    variables: Mapping[str, Any]
    services: Mapping[str, Any]

    def folders(self) -> list[str]:
        """Where relative names are looked for, nearest first: the role's folders, the playbook's, this process's."""
        found: list[str] = []
        for name in ("ansible_search_path", "role_path", "playbook_dir"):
            value = plain(self.variables[name]) if name in self.variables else None
            found += value if isinstance(value, list) else [value] if value else []
        return list(dict.fromkeys([*map(str, found), str(Path.cwd())]))

    def kind(self) -> str:
        """Which of a role's folders has what the task works with: files, templates or vars."""
        return {"template": "templates", "include_vars": "vars"}.get(getattr(self.variables, "action", ""), "files")

    def places(self, name: str, kind: str) -> list[Path]:
        """Every path that a name can mean, nearest first; `kind` is files, templates or vars."""
        path = Path(os.path.expandvars(name)).expanduser()
        if path.is_absolute():
            return [path]
        return [each for folder in self.folders() for each in (Path(folder, kind, path), Path(folder, path))]

    def find(self, name: str, kind: str) -> Path | None:
        """The file a name means, or None when there is none."""
        return next((path for path in self.places(name, kind) if path.exists()), None)

    def read(self, path: Path) -> bytes:
        """A file's bytes, decrypted when it is vaulted. Raises SourceError, VaultError."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise SourceError(f"Unable to access the file '{path}': {error.strerror}") from error
        if not is_vault(data):
            return data
        vault = self.services.get("vault") or Vault([])
        opened: bytes = vault.decrypt(data, Origin(str(path)))
        return opened


Lookup = Callable[..., Sequence[Any]]
"""`lookup(terms, context, **options)` gives a list of values."""
