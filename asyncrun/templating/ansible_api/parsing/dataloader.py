"""ansible.parsing.dataloader: the loader that lookups are given, for files of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asyncrun.errors import AsyncrunError
from asyncrun.remote.legacy.ansible.module_utils.common.text.converters import to_text
from asyncrun.source import yaml
from asyncrun.source.vault import Vault, is_vault
from asyncrun.templating.ansible_api.errors import AnsibleError, AnsibleFileNotFound, AnsibleParserError
from asyncrun.templating.ansible_api.utils.path import unfrackpath
from asyncrun.templating.lookups.context import LookupContext


class DataLoader:
    """Finds and reads files; relative names are those of the playbook's folder."""

    def __init__(self, context: LookupContext | None = None) -> None:
        self.context = context
        playbook = context.variables.get("playbook_dir") if context is not None else None
        self._base = str(playbook) if playbook else "."

    @property
    def _vault(self) -> Vault:
        return (self.context.services.get("vault") if self.context else None) or Vault([])

    def get_basedir(self) -> str:
        """The playbook's folder."""
        return self._base

    def set_basedir(self, basedir: Any) -> None:
        """Use another one."""
        self._base = to_text(basedir)

    def path_dwim(self, given: Any) -> str:
        """The absolute path that a name means."""
        return unfrackpath(given, follow=False, basedir=self._base)

    def path_dwim_relative(self, path: Any, dirname: str, source: Any, is_role: bool = False) -> str:      # noqa: ARG002
        """The path of `source`, looked for in `dirname` of a folder (or of a role's), then in the playbook's."""
        base, name = Path(to_text(path)), to_text(source)
        roots = [base, base.parent] if base.name == "tasks" else [base]
        places = [Path(unfrackpath(name, basedir=str(root / inner), follow=False) if (root / inner).is_dir()
                       else root / inner / name)
                  for root in (*roots, Path(self._base)) for inner in (dirname, "")]
        return str(next((place for place in places if place.exists()), places[0]))

    def path_dwim_relative_stack(
        self, paths: Sequence[Any], dirname: str, source: Any, is_role: bool = False      # noqa: ARG002
    ) -> str:
        """The path of `source` in `dirname` of the first of several folders that has it. AnsibleFileNotFound."""
        name = to_text(source)
        if Path(name).expanduser().is_absolute():
            places = [Path(name).expanduser()]
        else:
            places = [Path(to_text(root), inner, name) for root in paths for inner in (dirname, "")]
            places += [Path(self._base, dirname, name), Path(self._base, name)]
        for place in places:
            if place.exists():
                return os.path.normpath(place.absolute())
        raise AnsibleFileNotFound(file_name=name, paths=[str(place) for place in places])

    def path_exists(self, path: Any) -> bool:
        """Whether there is such a path."""
        return Path(self.path_dwim(path)).exists()

    def is_file(self, path: Any) -> bool:
        """Whether it is a file."""
        return Path(self.path_dwim(path)).is_file()

    def is_directory(self, path: Any) -> bool:
        """Whether it is a folder."""
        return Path(self.path_dwim(path)).is_dir()

    def is_executable(self, path: Any) -> bool:
        """Whether it is a file that can be run."""
        return self.is_file(path) and os.access(self.path_dwim(path), os.X_OK)

    def list_directory(self, path: Any) -> list[str]:
        """The names in a folder."""
        return sorted(each.name for each in Path(self.path_dwim(path)).iterdir())

    def _read(self, file_name: Any) -> tuple[bytes, bool]:
        path = Path(self.path_dwim(file_name))
        try:
            data = path.read_bytes()
            return (self._vault.decrypt(data), False) if is_vault(data) else (data, True)
        except OSError as error:
            if not path.is_file():
                raise AnsibleFileNotFound("Unable to retrieve file contents", file_name=str(path)) from None
            raise AnsibleParserError(f"an error occurred while trying to read the file '{path}': {error}") from None
        except AsyncrunError as error:
            raise AnsibleError(error.message) from None

    # the name is the one that lookups call
    _get_file_contents = _read

    def get_text_file_contents(self, file_name: Any, encoding: str | None = None) -> str:
        """The text of a file, decrypted when it is vaulted."""
        return self._read(file_name)[0].decode(encoding or "utf-8", "surrogateescape")

    def load(self, data: Any, file_name: str = "<string>", show_content: bool = True, json_only: bool = False) -> Any:      # noqa: ARG002
        """What a YAML or JSON text says."""
        try:
            return yaml.load(to_text(data), file_name, vault=self._vault, lazy=False)
        except AsyncrunError as error:
            raise AnsibleParserError(error.message) from None

    def load_from_file(self, file_name: Any, *_args: Any, **_options: Any) -> Any:
        """What a YAML or JSON file says."""
        return self.load(self.get_text_file_contents(file_name), self.path_dwim(file_name))

    def get_real_file(self, file_path: Any, decrypt: bool = True) -> str:
        """A file's path. A vaulted one would have to lie on disk in plain text: AnsibleError."""
        path = self.path_dwim(file_path)
        if decrypt and is_vault(Path(path).read_bytes()):
            raise AnsibleError(f"{path} is vaulted: read it with get_text_file_contents")
        return path

    def cleanup_tmp_file(self, file_path: Any) -> None:
        """There are none."""


__all__ = ["DataLoader"]
