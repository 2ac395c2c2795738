"""The loop on the target: answers the controller's frames; each module runs in a forked child of its own.

Single-threaded. It ends when its controller is gone (end of file, or silence), and ends the trees of unfinished
requests with it; jobs go on. Its counterpart on the controller is transport/agent.py.
"""

import errno
import functools
import gc
import importlib
import json
import os
import pwd
import select
import signal
import sys
import time
import zlib

from . import protocol, trees
from .tasks import Task, find_tie
from .uploads import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    Header = Dict[str, Any]

FULL = 1 << 20               # bytes waiting to be sent, beyond which children are not read
SLACK = 0.5                  # seconds that a controller's pulse may be late
LAST_GRACE = 1.0             # seconds between TERM and KILL when the controller is gone
PACKAGE = __name__.rpartition(".")[0]
IMPORTED = PACKAGE + ".modules."


class Gone(Exception):
    """The controller cannot be reached, or asked the agent to end."""


class Agent(object):
    """One controller's agent. `source` and `sink` are descriptors; `texts` are the importable source texts."""

    def __init__(self, source: int, sink: int, texts: "Dict[str, Any]") -> None:
        self.source = source
        self.sink = sink
        self.texts = texts
        self.programs: "Dict[str, str]" = {}
        self.tasks: "Dict[int, Task]" = {}
        self.uploads: "Dict[int, Upload]" = {}
        self.jobs: "Any" = None
        self.tie: "Optional[Callable[[], None]]" = None
        self.decoder = protocol.Decoder()
        self.out = bytearray()
        self.last_id = 0
        self.interval = 5.0
        self.silence = 15.5             # seconds without the controller after which it counts as gone
        now = time.monotonic()
        self.heard = now
        self.beat_at = now + self.interval
        self.name = "%d.%d" % (os.getpid(), int(time.time() * 1000))
        self.poll = select.poll()
        self.watched: "Dict[int, int]" = {}
        self.wake, self._wake_end = os.pipe()
        for descriptor in (self.wake, self._wake_end, source, sink):
            os.set_blocking(descriptor, False)
        self.stopping = False

    # --- the loop -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Answer until the controller is gone; then end what is unfinished."""
        signal.set_wakeup_fd(self._wake_end)
        signal.signal(signal.SIGCHLD, _noticed)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, self._on_stop)
        self.say(hello())
        try:
            while True:
                self._turn()
        except Gone:
            pass
        finally:
            self._end_all()

    def _on_stop(self, number: int, frame: "Any") -> None:  # noqa: ARG002
        self.stopping = True

    def _turn(self) -> None:
        self._flush()
        for descriptor, _ in self._wait():
            if descriptor == self.source:
                self._read()
            elif descriptor == self.wake:
                self._reap()
            elif descriptor != self.sink:
                self._on_other(descriptor)
        if self.stopping:
            raise Gone()
        self._on_time(time.monotonic())

    def _wait(self) -> "List[Tuple[int, int]]":
        wanted = {self.source: select.POLLIN, self.wake: select.POLLIN}
        if self.out:
            wanted[self.sink] = select.POLLOUT
        if len(self.out) < FULL:
            for task in self.tasks.values():
                if task.pipe is not None:
                    wanted[task.pipe] = select.POLLIN
        if self.jobs is not None:
            for descriptor in self.jobs.fds():
                wanted[descriptor] = select.POLLIN
        if wanted != self.watched:
            for descriptor in self.watched:
                if descriptor not in wanted:
                    self.poll.unregister(descriptor)
            for descriptor, event in wanted.items():
                if self.watched.get(descriptor) != event:
                    self.poll.register(descriptor, event)
            self.watched = wanted
        return self.poll.poll(max(0.0, self._patience()) * 1000 + 1)

    def _patience(self) -> float:
        """Seconds until something is to be done though nothing happens."""
        now = time.monotonic()
        times = [self.beat_at, self.heard + self.silence]
        times += [task.due for task in self.tasks.values() if task.due is not None]
        if self.jobs is not None and self.jobs.deadline() is not None:
            times.append(self.jobs.deadline())
        return min(times) - now

    def _on_time(self, now: float) -> None:
        if now - self.heard >= self.silence:
            raise Gone()
        if now >= self.beat_at:
            self.say({"kind": "beat"})
        for task in list(self.tasks.values()):
            if task.due is not None and now >= task.due:
                self._task_due(task, now)
        if self.jobs is not None and self.jobs.deadline() is not None and now >= self.jobs.deadline():
            self.jobs.on_time()

    def _on_other(self, descriptor: int) -> None:
        for task in self.tasks.values():
            if task.pipe == descriptor:
                self._read_task(task)
                return
        if self.jobs is not None and descriptor in self.jobs.fds():
            self.jobs.on_readable(descriptor)

    # --- to and from the controller -----------------------------------------------------------------------------

    def say(self, header: "Header", blob: bytes = b"") -> None:
        """Send a frame as soon as the controller takes it."""
        self.out += protocol.pack(header, blob)
        self.beat_at = time.monotonic() + self.interval

    def answer(self, number: int, result: "Any") -> None:
        """Send the result (a dict, or its JSON) of a request."""
        blob = result if isinstance(result, bytes) else encode(result)
        self.say({"kind": "result", "id": number}, blob)

    def _flush(self) -> None:
        while self.out:
            try:
                sent = os.write(self.sink, self.out[:protocol.PIECE])
            except BlockingIOError:
                return
            except OSError:
                raise Gone()
            del self.out[:sent]

    def _read(self) -> None:
        try:
            data = os.read(self.source, protocol.PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise Gone()
        self.heard = time.monotonic()
        try:
            for header, blob in self.decoder.feed(data):
                self._on_frame(header, blob)
        except (protocol.Broken, KeyError, TypeError, ValueError) as error:
            sys.stderr.write("asyncrun agent: bad frame: %s\n" % error)
            raise Gone()

    def _on_frame(self, header: "Header", blob: bytes) -> None:
        kind = header["kind"]
        if kind == "pulse":
            self._set_pulse(float(header.get("interval", self.interval)), float(header.get("count", 3)))
        elif kind == "load":
            self._load(blob)
        elif kind == "ask":
            self._ask(header, blob)
        elif kind == "data" and header["id"] in self.uploads:
            self._upload(header["id"], blob)
        elif kind == "end" and header["id"] in self.uploads:
            upload = self.uploads.pop(header["id"])
            self._start(upload.header, upload.body, upload)
        elif kind == "cancel":
            self._cancel(header["id"])
        elif kind == "bye":
            raise Gone()

    def _set_pulse(self, interval: float, count: float) -> None:
        silence = interval * count + SLACK
        if interval != self.interval or self.silence != silence:
            self.interval, self.silence = interval, silence
            self.beat_at = time.monotonic() + interval

    def _load(self, blob: bytes) -> None:
        loaded = json.loads(zlib.decompress(blob).decode("utf-8"))
        self.texts.update(loaded.get("texts", {}))
        self.programs.update(loaded.get("programs", {}))

    # --- requests -----------------------------------------------------------------------------------------------

    def _ask(self, header: "Header", blob: bytes) -> None:
        number = int(header["id"])
        if number <= self.last_id:
            return                           # seen already: it is never done twice
        self.last_id = number
        body = json.loads(blob.decode("utf-8"))
        if header.get("upload"):
            self.uploads[number] = Upload(header, body)
        else:
            self._start(header, body, None)

    def _upload(self, number: int, blob: bytes) -> None:
        try:
            self.uploads[number].add(blob)
        except OSError as error:
            self.uploads.pop(number).close()
            self.answer(number, {"failed": True, "changed": False,
                                 "msg": "There is no room for the upload: %s" % error})

    def _start(self, header: "Header", body: "Header", upload: "Optional[Upload]") -> None:
        number, what = int(header["id"]), header["what"]
        self._add_program(body)
        self._add_program(body.get("run"))
        try:
            if what == "module":
                self._start_task(number, header, body, upload)
            else:
                self._job(number, what, body, upload)
        except Exception as error:  # noqa: BLE001  a fault here is that request's result, not the end of all
            from .module import crash
            self.answer(number, crash(error))
        finally:
            if upload is not None:
                upload.close()

    def _add_program(self, body: "Any") -> None:
        if isinstance(body, dict) and body.get("program") is not None:
            body["program"] = self.programs[body["program"]]
            for util in (body.get("utils") or {}).values():
                util[0] = self.programs[util[0]]

    def _start_task(self, number: int, header: "Header", body: "Header", upload: "Optional[Upload]") -> None:
        self._preload(body)
        task = Task(number, "%s.%d" % (self.name, number), header.get("deadline"))
        if self.tie is None:
            self.tie = find_tie()
        task.fork(body, upload.file() if upload is not None else None, self._leave_descriptors, self.tie)
        self.tasks[number] = task

    @staticmethod
    def _preload(body: "Header") -> None:
        preload(PACKAGE + ".child")
        if body.get("utils") is not None:
            preload(PACKAGE + ".legacy.run")
        elif body.get("program") is not None:
            preload(PACKAGE + ".program")
        elif not body.get("module"):              # a user's module is imported in the child only
            preload(IMPORTED + body["name"])

    def _leave_descriptors(self) -> None:
        """In a forked child: close what belongs to the agent."""
        signal.set_wakeup_fd(-1)
        for descriptor in [self.source, self.sink, self.wake, self._wake_end]:
            os.close(descriptor)
        for task in self.tasks.values():
            if task.pipe is not None:
                os.close(task.pipe)
        for descriptor in self.jobs.fds() if self.jobs is not None else ():
            os.close(descriptor)

    def _job(self, number: int, what: str, body: "Header", upload: "Optional[Upload]") -> None:
        if self.jobs is None:
            from .jobs import Jobs
            self.jobs = Jobs()
        reply = functools.partial(self.answer, number)
        patient = {"job_wait": self.jobs.wait, "job_kill": self.jobs.kill, "job_read": self.jobs.read}
        prompt = {"job_status": self.jobs.status, "job_clean": self.jobs.clean, "job_list": self.jobs.listed}
        if what in patient:
            patient[what](body, reply)
        elif what == "job_start":
            self._preload(body["run"])
            self.jobs.start(body, upload.file() if upload is not None else None, reply)
        elif what in prompt:
            self.answer(number, prompt[what](body))
        else:
            self.answer(number, {"failed": True, "changed": False, "msg": "The agent knows no request %r" % what})

    # --- children -----------------------------------------------------------------------------------------------

    def _read_task(self, task: "Task") -> None:
        for kind, blob in task.read():
            if kind == "data":
                self.say({"kind": "data", "id": task.number}, blob)
            elif not task.answered:
                task.answered = True
                self.answer(task.number, blob)
        self._settle(task)

    def _reap(self) -> None:
        try:
            os.read(self.wake, 4096)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
        if self.jobs is not None:
            self.jobs.reap()
        for task in list(self.tasks.values()):
            if task.reap():
                while task.more():
                    self._read_task(task)
                self._settle(task)

    def _settle(self, task: "Task") -> None:
        """Answer for a child that died without an answer, and forget one that is done."""
        if task.dead and not task.answered and not task.more():
            task.answered = True
            self.answer(task.number, task.epitaph())
        if task.dead and task.answered and not task.stopping:
            task.close()
            self.tasks.pop(task.number, None)

    def _task_due(self, task: "Task", now: float) -> None:
        if task.advance(now):
            task.close()
            self.tasks.pop(task.number, None)
            if not task.answered:
                self.answer(task.number, task.epitaph())

    def _cancel(self, number: int) -> None:
        upload = self.uploads.pop(number, None)
        if upload is not None:
            upload.close()
        task = self.tasks.get(number)
        if task is not None:
            task.stop("canceled", time.monotonic())

    def _end_all(self) -> None:
        """TERM all trees, wait a little, KILL what is left."""
        signal.set_wakeup_fd(-1)
        self.tasks = {task.number: task for task in self.tasks.values() if not task.answered}   # those end anyhow
        for task in self.tasks.values():
            task.stop("controller gone", time.monotonic())
        limit = time.monotonic() + LAST_GRACE
        while self.tasks and time.monotonic() < limit:
            for task in list(self.tasks.values()):
                task.reap()
                if task.dead and not trees.tree(task.pid, task.mark):
                    del self.tasks[task.number]
            time.sleep(0.02)
        for task in self.tasks.values():
            trees.end(task.pid, task.mark, signal.SIGKILL)


def _noticed(number: int, frame: "Any") -> None:
    """The wake-up descriptor says it."""


def preload(name: str) -> None:
    """Import a module here, so that it is there in every child that is forked later."""
    if name in sys.modules:
        return
    try:
        importlib.import_module(name)
    except BaseException:  # noqa: BLE001  the child meets it again, and says so in its result
        sys.modules.pop(name, None)
    freeze = getattr(gc, "freeze", None)      # Python 3.7
    if freeze is not None:
        freeze()


def encode(result: "Any") -> bytes:
    """A result as JSON."""
    from .child import encode as encoded
    return encoded(result)


def hello() -> "Header":
    """What the controller may want to know of this side."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
        user, home = entry.pw_name, entry.pw_dir
    except KeyError:
        user, home = str(uid), os.environ.get("HOME", "/")
    try:
        with open("/proc/sys/kernel/random/boot_id") as source:
            boot = source.read().strip()
    except OSError:
        boot = ""
    return {"kind": "hello", "protocol": protocol.PROTOCOL, "python": "%d.%d.%d" % sys.version_info[:3],
            "executable": sys.executable, "pid": os.getpid(), "uid": uid, "user": user, "home": home, "boot_id": boot}


def main(texts: "Dict[str, Any]") -> None:
    """Take the protocol's descriptors away from everyone else, and run."""
    source, sink = os.dup(0), os.dup(1)            # not inheritable
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    try:
        os.getcwd()
    except OSError:                                # the login's folder is not for the user we became
        os.chdir("/")
    Agent(source, sink, texts).run()
    os._exit(0)
