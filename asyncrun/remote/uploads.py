"""What the controller sends along with a request: kept in memory while small, in an unlinked file beyond (target)."""

import io

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Dict

IN_MEMORY = 1 << 20          # bytes


class Upload(object):
    """A request that waits for its upload to be whole."""

    def __init__(self, header: "Dict[str, Any]", body: "Dict[str, Any]") -> None:
        self.header = header
        self.body = body
        self._file: "Any" = io.BytesIO()
        self._spilled = False

    def add(self, piece: bytes) -> None:
        """The next bytes. Raises OSError when there is no room for them."""
        if not self._spilled and self._file.tell() + len(piece) > IN_MEMORY:
            from tempfile import TemporaryFile
            larger = TemporaryFile(prefix="asyncrun-")  # noqa: SIM115  closed by close()
            larger.write(self._file.getvalue())
            self._file = larger
            self._spilled = True
        self._file.write(piece)

    def file(self) -> "BinaryIO":
        """All of it, at its beginning."""
        self._file.flush()
        self._file.seek(0)
        return self._file                 # type: ignore[no-any-return]

    def close(self) -> None:
        """Let go of it."""
        self._file.close()
