"""Facts that outlive a run: a JSON file a host, as ansible-core's cache `jsonfile` writes and reads them.

What is in such a file came from hosts, or was made from what they said: data, never templates.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
import os
import stat
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

GATHERED = "_ansible_facts_gathered"       # in a file: gather_facts has been there; other modules give facts too
_SCHEMA = "s1_"                            # before a host's name: the version of what is in the file
_PAYLOAD = "__payload__"
_TYPE = "__ansible_type"
_NO_FILE_NAME = ("/", "..", "<", ">", "|", "\0")
_BIGGEST = 64 << 20                        # bytes of a file that is read
_DATES: Mapping[str, Callable[[str], Any]] = {
    "AnsibleSerializableDate": datetime.date.fromisoformat,
    "AnsibleSerializableDateTime": datetime.datetime.fromisoformat,
    "AnsibleSerializableTime": datetime.time.fromisoformat,
}


@dataclass(frozen=True, slots=True)
class JsonFiles:
    """The cache `jsonfile`: one file a host in `folder`, believed for `timeout` seconds (0: for ever).

    No file is worth a failure: what cannot be read or written is told once as a warning, and the run goes on.
    """

    folder: str
    prefix: str = ""
    timeout: float = 86400.0
    clock: Callable[[], float] = time.time

    def load(self, host: str) -> dict[str, Any] | None:
        """The facts kept of a host; None when there are none, or they are too old or broken."""
        path = self._path(host)
        try:
            text = self._text(path)
            return None if text is None else _facts(text)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("The fact cache %s cannot be read: %s", path, error.strerror or error)
        except (ValueError, RecursionError) as error:
            log.warning("The fact cache %s is broken and not used: %s", path, error)
        return None

    def store(self, host: str, facts: Mapping[str, Any]) -> None:
        """Keep these facts of a host, in place of those that are kept of it."""
        path = self._path(host)
        try:
            _replace(path, json.dumps({_PAYLOAD: json.dumps(_plain(facts), default=_as_written)}))
        except (OSError, ValueError, RecursionError) as error:
            log.warning("The facts of host %s cannot be kept in %s: %s", host, path,
                        getattr(error, "strerror", None) or error)

    def forget(self, host: str) -> None:
        """Keep nothing of a host."""
        path = self._path(host)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("The fact cache %s cannot be removed: %s", path, error.strerror or error)

    def _path(self, host: str) -> Path:
        """A host's file: by its name, or by a hash of it where the name can be none of a file."""
        key = _SCHEMA + host
        if any(part in key for part in _NO_FILE_NAME):
            key = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[: max(len(key), 12)]
        return Path(self.folder, self.prefix + key)

    def _text(self, path: Path) -> str | None:
        """What a file says; None when that is too old. Raises OSError, ValueError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as file:
            seen = os.fstat(descriptor)
            if not stat.S_ISREG(seen.st_mode) or seen.st_size > _BIGGEST:
                raise ValueError("it is no file of facts")
            if self.timeout and self.clock() - seen.st_mtime > self.timeout:
                return None
            return file.read().decode("utf-8")


def opened(folder: str | None, prefix: str, timeout: float) -> JsonFiles | None:
    """The cache in `folder`, which is made for its owner only where it is not there; None, told why, if it cannot be.

    What cannot be used is no reason to end a run: facts are gathered anew.
    """
    if not folder:
        log.warning("No facts are kept: fact_caching = jsonfile needs fact_caching_connection, a folder.")
        return None
    place = Path(folder)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        log.warning("No facts are kept: the folder %s cannot be made: %s", folder, error.strerror or error)
        return None
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        log.warning("No facts are kept: the folder %s cannot be used by this user.", folder)
        return None
    return JsonFiles(str(place), prefix, timeout)


def _replace(path: Path, text: str) -> None:
    """Whoever reads finds the old file or the new one, and nobody but its owner may. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)          # 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


# ---- what is in a file


def _facts(text: str) -> dict[str, Any]:
    """Raises ValueError."""
    outer = json.loads(text)
    payload = outer.get(_PAYLOAD) if isinstance(outer, dict) else None
    facts = _untagged(json.loads(payload)) if isinstance(payload, str) else None
    if not isinstance(facts, dict):
        raise ValueError("it does not hold facts")
    return facts


def _untagged(value: Any) -> Any:
    """A value as ansible-core wrote it, without its marks: where it was written, that it may be a template ..."""
    if isinstance(value, list):
        return [_untagged(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_TYPE)
    if kind is None:
        return {name: _untagged(each) for name, each in value.items()}
    if kind in _DATES:
        return _DATES[kind](str(value.get("iso8601")))
    return _untagged(value["value"]) if "value" in value else value.get("ciphertext")


def _plain(value: Any) -> Any:
    """A copy without what would be a mark to ansible-core: a host may not say that its text is a template."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items() if name != _TYPE}
    return [_plain(each) for each in value] if isinstance(value, list | tuple | set | frozenset) else value


def _as_written(value: Any) -> Any:
    """What JSON has no word for: dates as ansible-core writes them, anything else as its text."""
    if isinstance(value, datetime.datetime):
        return {"iso8601": value.isoformat(), "fold": value.fold, _TYPE: "AnsibleSerializableDateTime"}
    if isinstance(value, datetime.date):
        return {"iso8601": value.isoformat(), _TYPE: "AnsibleSerializableDate"}
    if isinstance(value, datetime.time):
        return {"iso8601": value.isoformat(), "fold": value.fold, _TYPE: "AnsibleSerializableTime"}
    return str(value)
