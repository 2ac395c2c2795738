"""Runs a command and keeps what it printed, within bounds of memory and of patience (runs on the target).

A command has ended when its main process has ended: a daemon that it left behind may hold its output open for ever.
"""

import os
import selectors
import signal
import subprocess
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple, Union

    Argv = Union[str, Sequence[str]]

LIMIT = 64 * 1024 * 1024         # bytes kept of each output
DRAIN = 0.1                      # seconds of silence after which an output that a daemon holds open is left
DRAIN_AT_MOST = 1.0              # ... and for how long one is read that never falls silent
PLAIN = {"LANG": "C", "LC_ALL": "C", "LC_MESSAGES": "C", "LANGUAGE": "C"}     # untranslated messages
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")


class Ran(object):
    """A command that ended: its rc (negative: killed by that signal), and what it printed as text and bytes."""

    def __init__(self, rc: int, out: bytes, err: bytes, truncated: bool = False) -> None:
        self.rc = rc
        self.out_bytes = out
        self.err_bytes = err
        self.truncated = truncated
        self.at = 0.0                     # when it began, Unix time
        self.seconds = 0.0                # how long it took

    @property
    def out(self) -> str:
        """Standard output as text; bytes that are no UTF-8 are kept by surrogateescape."""
        return self.out_bytes.decode("utf-8", "surrogateescape")

    @property
    def err(self) -> str:
        """Standard error as text."""
        return self.err_bytes.decode("utf-8", "surrogateescape")


def reason(error: Exception, what: str = "") -> str:
    """Why something could not be started, in the same words under every Python."""
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    return "[Errno %d] %s%s" % (error.errno, os.strerror(error.errno), ": %r" % _bytes(what) if what else "")


class Output(object):
    """What one stream gave, up to a limit; in a file when there is one, else in memory."""

    def __init__(self, limit: int, file: "Optional[int]" = None) -> None:
        self.limit = limit
        self.file = file
        self.chunks: "List[bytes]" = []
        self.size = 0
        self.truncated = False

    def add(self, chunk: bytes) -> None:
        room = self.limit - self.size
        if len(chunk) > room:
            self.truncated = True
            chunk = chunk[:room]
        if chunk and self.file is not None:
            self._copy(self.file, chunk)
        elif chunk:
            self.chunks.append(chunk)
            self.size += len(chunk)

    def _copy(self, file: int, chunk: bytes) -> None:
        try:
            while chunk:
                written = os.write(file, chunk)
                self.size += written
                chunk = chunk[written:]
        except OSError:                                       # a full disk: the command goes on, its output is dropped
            self.limit = self.size
            self.truncated = True

    @property
    def data(self) -> bytes:
        return b"".join(self.chunks) if self.file is None else os.pread(self.file, self.size, 0)


def search_path() -> str:
    """PATH, and the system folders that a bare login shell leaves out."""
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    return os.pathsep.join(folders + [folder for folder in SYSTEM_FOLDERS if folder not in folders])


def which(name: str, *more_folders: str) -> "Optional[str]":
    """The path of a command, looked for in PATH and the usual system folders; None when there is none."""
    folders = [""] if os.path.dirname(name) else search_path().split(os.pathsep) + list(more_folders)
    for path in (os.path.join(folder, name) for folder in folders):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def run(
    argv: "Argv", shell: bool = False, cwd: "Optional[str]" = None, env: "Optional[Mapping[str, str]]" = None,
    stdin: "Optional[bytes]" = None, executable: "Optional[str]" = None, umask: "Optional[int]" = None,
    limit: int = LIMIT, spool: "Optional[Tuple[int, int]]" = None, new_session: bool = False,
    live: "Optional[Tuple[int, int]]" = None,
) -> "Ran":
    """Run a command to its end. Raises OSError or ValueError when it cannot be started.

    `spool`: descriptors (open for reading and appending) of two files that the command writes itself: then nothing
    is lost when this process is killed, and a daemon may go on writing. `live`: descriptors of two files that output
    is copied to as it comes, as far as `limit` and the disk allow; a full disk is no error of the command.
    """
    before = None if umask is None else os.umask(umask)      # not by preexec_fn: that forbids a cheap vfork
    at, clock = time.time(), time.monotonic()
    try:
        process = subprocess.Popen(
            _encoded(argv), shell=shell, cwd=cwd and _bytes(cwd), env=_environment(env),
            executable=executable and _bytes(executable), close_fds=True,
            start_new_session=new_session,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=spool[0] if spool else subprocess.PIPE,
            stderr=spool[1] if spool else subprocess.PIPE,
        )
    finally:
        if before is not None:
            os.umask(before)
    out, err = (Output(limit, file) for file in live or (None, None))
    try:
        _talk(process, stdin, out, err)
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                _close(pipe)
    rc = process.wait()
    seconds = time.monotonic() - clock
    if spool:
        _read_back(spool[0], out)
        _read_back(spool[1], err)
    ran = Ran(rc, out.data, err.data, out.truncated or err.truncated)
    ran.at, ran.seconds = at, seconds
    return ran


def become(
    argv: "Argv", outputs: "Tuple[int, int]", shell: bool = False, cwd: "Optional[str]" = None,
    executable: "Optional[str]" = None,
) -> "NoReturn":
    """Replace this process by a command that prints to `outputs`. Raises as `run` when it cannot be started."""
    words = _encoded(argv)
    if isinstance(words, bytes):
        words = [_bytes(executable or "/bin/sh"), b"-c", words] if shell else [words]
    for target, descriptor in enumerate(outputs, 1):
        os.dup2(descriptor, target)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):          # what Python ignores, and a command would then
        signal.signal(number, signal.SIG_DFL)
    if cwd:
        os.chdir(_bytes(cwd))
    os.execvp(words[0], words)


def _bytes(text: str) -> bytes:
    # Not os.fsencode: in the C locale Python 3.6 would encode ASCII only.
    return text.encode("utf-8", "surrogateescape")


def _encoded(argv: "Argv") -> "Union[bytes, List[bytes]]":
    return _bytes(argv) if isinstance(argv, str) else [_bytes(word) for word in argv]


def _environment(more: "Optional[Mapping[str, str]]") -> "Optional[Dict[bytes, bytes]]":
    if not more:
        return None
    full = dict(os.environb)
    full.update((_bytes(name), _bytes(value)) for name, value in more.items())
    return full


def _close(pipe: "IO[bytes]") -> None:
    try:
        pipe.close()
    except OSError:
        pass                              # a reader that went away: its concern, not that of the command's result


def _talk(process: "subprocess.Popen[bytes]", stdin: "Optional[bytes]", out: "Output", err: "Output") -> None:
    """Feed stdin and read both outputs until they are closed, or the process is gone and they are silent."""
    with _watch(process, stdin, out, err) as selector:
        ended = _Ended(process, selector)
        try:
            while ended.streams():
                ready = selector.select(ended.patience())
                for key, _ in ready:
                    _serve(selector, key)
                if ended.over(bool(ready)):
                    break
        finally:
            ended.close()


def _watch(
    process: "subprocess.Popen[bytes]", stdin: "Optional[bytes]", out: "Output", err: "Output"
) -> "selectors.BaseSelector":
    selector = selectors.PollSelector()
    if process.stdout is not None:
        selector.register(process.stdout, selectors.EVENT_READ, out)
    if process.stderr is not None:
        selector.register(process.stderr, selectors.EVENT_READ, err)
    if process.stdin is not None:
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE, memoryview(stdin or b""))
    return selector


def _serve(selector: "selectors.BaseSelector", key: "selectors.SelectorKey") -> None:
    if key.data is None:                                      # the process's own descriptor: it ended
        selector.unregister(key.fileobj)
    elif isinstance(key.data, Output):
        chunk = os.read(key.fd, 65536)
        if chunk:
            key.data.add(chunk)
        else:
            selector.unregister(key.fileobj)
    else:
        _feed(selector, key)


def _feed(selector: "selectors.BaseSelector", key: "selectors.SelectorKey") -> None:
    pipe: "Any" = key.fileobj
    try:
        rest = key.data[os.write(key.fd, key.data[:65536]):] if key.data else key.data
    except BlockingIOError:
        return
    except BrokenPipeError:
        rest = b""                                            # it does not want the rest
    if rest:
        selector.modify(pipe, selectors.EVENT_WRITE, rest)
    else:
        selector.unregister(pipe)
        _close(pipe)


class _Ended(object):
    """Knows when a process has ended and how long its outputs are still to be read."""

    def __init__(self, process: "subprocess.Popen[bytes]", selector: "selectors.BaseSelector") -> None:
        self.process = process
        self.selector = selector
        self.at: "Optional[float]" = None
        self.pause = 0.01
        self.fd = _pidfd(process.pid)
        if self.fd is not None:
            selector.register(self.fd, selectors.EVENT_READ, None)

    def streams(self) -> bool:
        """Whether anything but the process itself is still watched."""
        return any(key.data is not None for key in self.selector.get_map().values())

    def patience(self) -> "Optional[float]":
        """Seconds until it is worth looking at the process again; None: the selector will say."""
        if self.at is not None:
            return DRAIN
        if self.fd is not None:
            return None
        self.pause = min(self.pause * 1.5, 0.25)
        return self.pause

    def over(self, heard: bool) -> bool:
        """Whether the process ended and what its outputs hold has been read."""
        if self.at is None and self.process.poll() is not None:
            self.at = time.monotonic()
            return False
        return self.at is not None and (not heard or time.monotonic() - self.at > DRAIN_AT_MOST)

    def close(self) -> None:
        if self.fd is not None:
            os.close(self.fd)


def _pidfd(pid: int) -> "Optional[int]":
    opener = getattr(os, "pidfd_open", None)                  # Python 3.9, Linux 5.3
    if opener is None:
        return None
    try:
        return int(opener(pid))
    except OSError:
        return None


def _read_back(descriptor: int, output: "Output") -> None:
    """What a spooled command printed, from the start of its file."""
    offset = 0
    while not output.truncated:
        chunk = os.pread(descriptor, 1024 * 1024, offset)
        if not chunk:
            return
        output.add(chunk)
        offset += len(chunk)
