"""The loop on the target: answers the controller's frames; each module runs in a forked child of its own.

Single-threaded. When it has heard nothing of its controller for too long it ends, and ends the trees of unfinished
requests with it; jobs go on. When its link is lost before, it lives on and waits for a new one (handover.py): answers
are kept until the controller said that it has them. Its counterpart on the controller is transport/agent.py.
"""

import errno
import functools
import json
import os
import pwd
import select
import signal
import sys
import time
import zlib

from . import protocol
from .brood import Brood
from .link import Link, Lost, Poll
from .tasks import preload
from .trees import born_at
from .uploads import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import Any, Dict, Optional

    from .handover import Door

    Header = Dict[str, Any]

SLACK = 0.5                  # seconds that a controller's pulse may be late
PACKAGE = __name__.rpartition(".")[0]
IMPORTED = PACKAGE + ".modules."


class Gone(Exception):
    """The controller is given up, or asked the agent to end."""


class Agent(object):
    """One controller's agent. `source` and `sink` are descriptors; `texts` are the importable source texts."""

    def __init__(self, source: int, sink: int, texts: "Dict[str, Any]") -> None:
        self.link: "Optional[Link]" = Link(source, sink)      # None: it was lost
        self.texts = texts
        self.programs: "Dict[str, str]" = {}
        self.uploads: "Dict[int, Upload]" = {}
        self.jobs: "Any" = None
        self.last_id = 0
        self.kept: "Dict[int, bytes]" = {}     # answers that the controller may not have got
        self.key = ""                          # where to wait for a new link; "": nowhere, the link's end is the end
        self.door: "Optional[Door]" = None
        self.stand_in: "Optional[socket]" = None     # the agent of a new link, whose descriptors `link` has
        self.hung_up = False
        self.interval = 5.0
        self.silence = 15.5             # seconds without the controller after which it counts as gone
        now = time.monotonic()
        self.heard = now
        self.beat_at = now + self.interval
        self.brood = Brood("%d.%d" % (os.getpid(), int(time.time() * 1000)), self._send_on, self._answer_task)
        self.poll = Poll()
        self.wake, self._wake_end = os.pipe()
        for descriptor in (self.wake, self._wake_end):
            os.set_blocking(descriptor, False)
        self.stopping = False

    # --- the loop -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Answer until the controller is gone; then end what is unfinished."""
        signal.set_wakeup_fd(self._wake_end)
        signal.signal(signal.SIGCHLD, _noticed)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_hangup)
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

    def _on_hangup(self, number: int, frame: "Any") -> None:  # noqa: ARG002
        self.hung_up = True

    def _turn(self) -> None:
        try:
            if self.link is not None:
                self.link.flush()
            for descriptor in self.poll.wait(self._wanted(), self._patience()):
                self._on_ready(descriptor)
            if self.hung_up:
                raise Lost()
        except Lost:
            self._on_lost()
        if self.stopping:
            raise Gone()
        self._on_time(time.monotonic())

    def _on_ready(self, descriptor: int) -> None:
        if self.link is not None and descriptor in (self.link.source, self.link.sink):
            if descriptor == self.link.source:
                self._read(self.link)
        elif descriptor == self.wake:
            self._reap()
        elif self.door is not None and descriptor == self.door.fileno():
            self._let_in(self.door)
        else:
            self._on_other(descriptor)

    def _wanted(self) -> "Dict[int, int]":
        """The descriptors to wait for, and for what."""
        wanted = {self.wake: select.POLLIN}
        if self.link is not None:
            wanted[self.link.source] = select.POLLIN
            if not self.link.idle:
                wanted[self.link.sink] = select.POLLOUT
        if self.door is not None:
            wanted[self.door.fileno()] = select.POLLIN
        if self.link is None or not self.link.full:
            wanted.update(dict.fromkeys(self.brood.pipes(), select.POLLIN))
        if self.jobs is not None:
            for descriptor in self.jobs.fds():
                wanted[descriptor] = select.POLLIN
        return wanted

    def _patience(self) -> float:
        """Seconds until something is to be done though nothing happens."""
        now = time.monotonic()
        times = [self.beat_at, self.heard + self.silence, *self.brood.due()]
        if self.jobs is not None and self.jobs.deadline() is not None:
            times.append(self.jobs.deadline())
        return min(times) - now

    def _on_time(self, now: float) -> None:
        if now - self.heard >= self.silence:
            raise Gone()
        if now >= self.beat_at:
            self.say({"kind": "beat"})
        self.brood.on_time(now)
        if self.jobs is not None and self.jobs.deadline() is not None and now >= self.jobs.deadline():
            self.jobs.on_time()

    def _on_other(self, descriptor: int) -> None:
        if not self.brood.on_readable(descriptor) and self.jobs is not None and descriptor in self.jobs.fds():
            self.jobs.on_readable(descriptor)

    # --- to and from the controller -----------------------------------------------------------------------------

    def say(self, header: "Header", blob: bytes = b"") -> None:
        """Send a frame as soon as the controller takes it; without a link it is not said."""
        if self.link is not None:
            self.link.send(header, blob)
        self.beat_at = time.monotonic() + self.interval

    def answer(self, number: int, result: "Any") -> None:
        """Send the result (a dict, or its JSON) of a request."""
        blob = result if isinstance(result, bytes) else encode(result)
        self.say({"kind": "result", "id": number}, blob)
        if self.key:
            self.kept[number] = blob

    def _read(self, link: "Link") -> None:
        try:
            frames = link.read()
            self.heard = time.monotonic()
            for header, blob in frames:
                self._on_frame(header, blob)
        except (protocol.Broken, KeyError, TypeError, ValueError) as error:
            sys.stderr.write("asyncrun agent: bad frame: %s\n" % error)
            raise Gone()

    def _on_frame(self, header: "Header", blob: bytes) -> None:
        kind = header["kind"]
        for number in header.get("got", ()):
            self.kept.pop(number, None)
        if kind == "pulse":
            self._set_pulse(header)
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
        elif kind == "takeover":
            self._hand_over(header)
        elif kind == "bye":
            raise Gone()

    def _set_pulse(self, header: "Header") -> None:
        interval = float(header.get("interval", self.interval))
        silence = interval * float(header.get("count", 3)) + SLACK
        self.key = str(header.get("key") or self.key)
        if interval != self.interval or self.silence != silence:
            self.interval, self.silence = interval, silence
            self.beat_at = time.monotonic() + interval

    def _load(self, blob: bytes) -> None:
        loaded = json.loads(zlib.decompress(blob).decode("utf-8"))
        self.texts.update(loaded.get("texts", {}))
        self.programs.update(loaded.get("programs", {}))

    # --- a lost link --------------------------------------------------------------------------------------------

    def _on_lost(self) -> None:
        """Wait for a new link, if there is anything that it could be wanted for: else the end of this one is ours."""
        self.hung_up = False
        if self.link is None:
            return
        self._let_go()
        for upload in self.uploads.values():
            upload.close()
        self.uploads.clear()
        self.brood.on_lost()
        if not self.key or not self.last_id:
            raise Gone()
        try:
            from .handover import Door  # hardly ever needed, and not read before
            self.door = Door(self.key)
        except (OSError, ValueError, ImportError):
            raise Gone()

    def _let_go(self) -> None:
        """Close what belongs to the link."""
        if self.link is not None:
            self.link.close()
            self.link = None
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, 2)                    # it led to the same place
            os.close(nowhere)
        if self.stand_in is not None:
            self.stand_in.close()
            self.stand_in = None

    def _let_in(self, door: "Door") -> None:
        """The controller is back, by way of another agent: tell it how its requests stand, and go on."""
        came = door.let_in()
        if came is None:
            return
        source, sink, self.stand_in = came
        self.hung_up = False                       # that was the way it knocked
        door.close()
        self.door = None
        self.link = Link(source, sink)
        self.heard = time.monotonic()
        known = {*self.kept, *self.brood.lasting()}
        self.say({"kind": "taken", "last": self.last_id, "known": sorted(known), "hello": hello()})
        for number, blob in sorted(self.kept.items()):
            self.say({"kind": "result", "id": number}, blob)

    def _hand_over(self, header: "Header") -> None:
        """We are that other agent: either the one that was lost goes on in our place, or we go on as if never asked."""
        from .handover import hand_over
        if self.link is not None:
            why = hand_over(self.link.source, self.link.sink, str(header["key"]), int(header["pid"]),
                            int(header["born"]), float(header["seconds"]))
            self.heard = time.monotonic()
            self.say({"kind": "gone", "why": why})

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
        self.brood.start(number, header.get("deadline"), body, upload.file() if upload is not None else None,
                         self._leave_descriptors)

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
        ours = [self.wake, self._wake_end]
        if self.link is not None:
            ours += [self.link.source, self.link.sink]
        if self.stand_in is not None:
            ours.append(self.stand_in.fileno())
        ours += self.brood.pipes()
        ours += self.jobs.fds() if self.jobs is not None else ()
        for descriptor in ours:
            os.close(descriptor)

    def _job(self, number: int, what: str, body: "Header", upload: "Optional[Upload]") -> None:
        if self.jobs is None:
            from .jobs.requests import Jobs
            self.jobs = Jobs()
        reply = functools.partial(self._answer_job, number)
        patient = {"job_wait": self.jobs.wait, "job_kill": self.jobs.kill, "job_read": self.jobs.read}
        prompt = {"job_status": self.jobs.status, "job_clean": self.jobs.clean, "job_list": self.jobs.listed}
        if what in patient:
            patient[what](body, reply)
        elif what == "job_start":
            self._preload(body["run"])
            self.jobs.start(body, upload.file() if upload is not None else None, reply)
        elif what in prompt:
            reply(prompt[what](body))
        else:
            self.answer(number, {"failed": True, "changed": False, "msg": "The agent knows no request %r" % what})

    def _answer_job(self, number: int, result: "Any") -> None:
        """Not kept: whoever lost this answer asks the next agent about the job."""
        self.answer(number, result)
        self.kept.pop(number, None)

    # --- children -----------------------------------------------------------------------------------------------

    def _send_on(self, number: int, blob: bytes) -> bool:
        """A piece of a download; False without a link."""
        self.say({"kind": "data", "id": number}, blob)
        return self.link is not None

    def _answer_task(self, number: int, result: "Any", streamed: bool) -> None:
        self.answer(number, result)
        if streamed:                               # worth nothing without what was sent before
            self.kept.pop(number, None)

    def _reap(self) -> None:
        try:
            os.read(self.wake, 4096)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
        if self.jobs is not None:
            self.jobs.reap()
        self.brood.reap()

    def _cancel(self, number: int) -> None:
        upload = self.uploads.pop(number, None)
        if upload is not None:
            upload.close()
        self.brood.cancel(number)

    def _end_all(self) -> None:
        """Leave nothing behind but jobs."""
        if self.door is not None:
            self.door.close()
        signal.set_wakeup_fd(-1)
        self.brood.end_all()


def _noticed(number: int, frame: "Any") -> None:
    """The wake-up descriptor says it."""


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
            "executable": sys.executable, "pid": os.getpid(), "born": born_at(os.getpid()), "uid": uid, "user": user,
            "home": home, "boot_id": boot}


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
