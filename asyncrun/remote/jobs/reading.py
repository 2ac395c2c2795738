"""What a job prints, read piece by piece while it runs (runs on the target).

Who follows a job asks again and again from the offset that the last answer gave. The spool files stay open between the
questions: a job that ends removes them, and what it printed last is read all the same.
"""

import base64
import os
from collections import OrderedDict

from . import disk
from .state import NO_LOG, State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Tuple

    Result = Dict[str, Any]
    Key = Tuple[str, str]                     # folder (absolute), jid
    Offsets = Dict[str, int]                  # stream -> bytes that were read already

STREAMS = ("stdout", "stderr")
PIECE = 256 * 1024                # bytes of each stream in an answer
FOLLOWED = 64                     # jobs whose spools are kept open


class Readers(object):
    """Reads what jobs print. A job that was started under no_log gives nothing."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._open: "OrderedDict[Key, Dict[str, int]]" = OrderedDict()

    def there(self, key: "Key", offsets: "Offsets") -> bool:
        """Whether there is something to say: more output, or that the job does not run."""
        files = self._files(key)
        grown = any(os.fstat(file).st_size > offsets[name] for name, file in files.items())
        return grown or not self._state.runs(key)

    def read(self, key: "Key", offsets: "Offsets") -> "Result":
        """{stdout, stderr (base64), offsets: where to read on, job: how it stands, more: whether there is more}."""
        files = self._files(key)
        brief = self._state.brief(key)            # looked at before reading: what ended had printed all by then
        if brief.get(NO_LOG):
            data = dict.fromkeys(STREAMS, b"")
        elif files:
            data = {name: os.pread(files[name], PIECE, offsets[name]) if name in files else b"" for name in STREAMS}
        else:
            data = self._of_result(key, offsets)
        more = any(len(each) == PIECE for each in data.values())
        if not more and brief.get("finished", True):
            self._close(key)
        answer: "Result" = {name: base64.b64encode(data[name]).decode("ascii") for name in STREAMS}
        answer.update(job=brief, more=more, offsets={name: offsets[name] + len(data[name]) for name in STREAMS})
        return answer

    def _of_result(self, key: "Key", offsets: "Offsets") -> "Dict[str, bytes]":
        """Of a job whose spools are gone: what its result has. That lacks the last newline, which is put back."""
        result = self._state.status(key, 0)
        data = {}
        for name in STREAMS:
            text = result.get(name)
            whole = text.encode("utf-8", "replace") if isinstance(text, str) else b""
            left = whole[offsets[name]:]
            data[name] = (left + b"\n")[:PIECE] if left else b""
        return data

    def _files(self, key: "Key") -> "Dict[str, int]":
        if key in self._open:
            self._open.move_to_end(key)
            return self._open[key]
        folder, _refused = self._state.open_folder(key[0])
        if folder is None:
            return {}
        try:
            found = [disk.open_spool(folder, name) for name in disk.spool_names(key[1])]
        finally:
            os.close(folder)
        files = {STREAMS[place]: file for place, file in enumerate(found) if file is not None}
        if files:
            self._open[key] = files
            while len(self._open) > FOLLOWED:
                self._close(next(iter(self._open)))
        return files

    def _close(self, key: "Key") -> None:
        for file in self._open.pop(key, {}).values():
            os.close(file)
