"""One live far side: asks its agent, hands out its answers, notices its end. Counterpart of remote/agent.py."""

from __future__ import annotations

import io
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from asyncrun.errors import AgentError, HostError, SourceError, Unreachable
from asyncrun.remote import protocol
from asyncrun.transport import Done, Held, Reply, Request, Target
from asyncrun.transport.answers import failure, read_result
from asyncrun.transport.bundle import Bundle
from asyncrun.transport.handover import GONE, UNKNOWN, Asked, Left, Pending
from asyncrun.transport.start import Patience, Said, hear
from asyncrun.transport.streams import Connection, Stream

INLINE = 1 << 20                 # bytes of an upload that the asking thread sends itself
LATE = 5.0                       # seconds after a request's deadline for the agent to say so itself
PROGRESS = 1024                  # bytes of an unfinished frame that count as a sign of life
ABANDONED = 1000                 # answers without a question that a host may send before it is dropped

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the two ends know that the other is there: a frame each `interval` seconds, lost after `count` of them."""

    interval: float = 5.0
    count: int = 3

    @property
    def silence(self) -> float:
        """Seconds without a sign of life after which the far side is lost."""
        return self.interval * self.count


class NotSent(Exception):
    """The agent was gone before the request was written: it can be asked of another."""


class Agent:
    """A started agent. `gone` is called once, by any thread, when it is lost or closed; it must not wait for it."""

    def __init__(
        self, target: Target, connection: Connection, stream: Stream, bundle: Bundle, pulse: Pulse,
        gone: Callable[[Agent], None],
    ) -> None:
        self.target = target
        self.connection = connection
        self.stream = stream
        self.hello: Mapping[str, Any] = {}
        self.error: HostError | None = None        # why it is gone
        self.left: Left | None = None              # what may still be answered though it is gone
        self._bundle = bundle
        self._pulse = pulse
        self._gone = gone
        self._decoder = protocol.Decoder()
        self._early: list[tuple[dict[str, Any], bytes]] = []
        self._said = Said()
        self._lock = threading.Lock()              # of _pending and error
        self._writing = threading.Lock()           # of the stream, _number and _shipped
        self._over = threading.Event()             # error is set
        self._pending: dict[int, Pending] = {}
        self._number = 0
        self._shipped = dict.fromkeys(bundle.first, 0)       # what it was sent, and before which request
        self._got: list[int] = []                  # requests whose answers came since it was last told so
        # Where it is to wait for another connection when this one is lost. Here, only our own end loses it.
        self._key = "" if target.connection == "local" else secrets.token_hex(16)
        self._strays = 0
        self._life = time.monotonic()
        self._progress = 0
        self._ping_at = 0.0

    # --- start ----------------------------------------------------------------------------------------------------

    def greet(self, after: bytes, patience: Patience) -> None:
        """Send the payload to the stub that said its nonce, and wait for the agent's hello.

        `after` is what came after the nonce. Raises AgentError, Unreachable.
        """
        until = time.monotonic() + patience.limit
        try:
            self.stream.write(self._bundle.payload + self._pulse_frame())
        except OSError as error:
            raise self._no_hello(str(error)) from error
        self._early = self._decode(after)
        self.hello = self._check_hello(self._first_frame(patience, until))
        self._life = time.monotonic()

    def _pulse_frame(self) -> bytes:
        return protocol.pack({"kind": "pulse", "interval": self._pulse.interval, "count": self._pulse.count,
                              "key": self._key, "got": self._now_got()})

    def _now_got(self) -> list[int]:
        """The answers that came since it was last told so."""
        with self._lock:
            got, self._got = self._got, []
        return got

    def _first_frame(self, patience: Patience, until: float) -> Mapping[str, Any]:
        """The header of the next frame; those after it are kept."""
        while not self._early:
            if not hear(self.stream, self.connection, patience, until):
                raise self._no_hello(f"no answer within {patience.limit:g} s")
            heard = self.stream.read()
            self._said.err += heard.err
            self._early = self._decode(heard.out)
            if heard.ended and not self._early:
                raise self._no_hello("it ended")
        return self._early.pop(0)[0]

    def _decode(self, data: bytes) -> list[tuple[dict[str, Any], bytes]]:
        try:
            return self._decoder.feed(data)
        except protocol.Broken as error:
            raise AgentError(f"The far side sent something that is no answer: {error}") from error

    def _check_hello(self, header: Mapping[str, Any]) -> Mapping[str, Any]:
        if header.get("kind") != "hello" or header.get("protocol") != protocol.PROTOCOL:
            raise AgentError(f"The far side is no agent of this version: it began with {str(header)[:200]}")
        return header

    def _no_hello(self, why: str) -> HostError:
        if not self.connection.alive(1.0):
            return Unreachable("The connection was lost while the agent was started")
        said = self._said.text
        return AgentError(f"The agent did not start: {why}{': ' + said if said else ''}")

    # --- going on for a lost one ----------------------------------------------------------------------------------

    def take_over(self, left: Left, patience: Patience) -> None:
        """Find the agent that was lost: it goes on in the place of this one, or else what it left gets no answer.

        Raises AgentError, Unreachable when this connection is lost as well.
        """
        if left.hello.get("boot_id") != self.hello.get("boot_id"):
            left.fail("The host was rebooted")
            return
        seconds = max(0.0, left.until - time.monotonic())
        order = {"kind": "takeover", "key": left.key, "pid": left.hello.get("pid"), "born": left.hello.get("born"),
                 "seconds": seconds}
        try:
            self.stream.write(protocol.pack(order))
        except OSError as error:
            raise self._no_hello(str(error)) from error
        until = time.monotonic() + seconds + LATE
        header: Mapping[str, Any] = {"kind": "beat"}
        while header["kind"] == "beat":
            header = self._first_frame(patience, until)
        if header["kind"] != "taken":
            left.fail(GONE if header.get("why") == "gone" else "The agent does not answer any more")
            return
        try:
            last, known = int(header["last"]), {int(each) for each in header["known"]}
            self.hello = self._check_hello(header["hello"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AgentError(f"The far side sent something that is no answer: {error}") from error
        self._go_on(left, last, known)

    def _go_on(self, left: Left, last: int, known: set[int]) -> None:
        """Its requests are ours now. Those that it never saw are written again, in their order; no other ever is."""
        left.tell()
        self._key, self._number = left.key, left.number
        self._shipped = {key: number for key, number in left.shipped.items() if number <= last}
        pending = left.take()
        unseen = {number for number, each in pending.items() if number > last and not each.asked.header["upload"]}
        with self._lock:
            self._pending = {number: pending[number] for number in pending if number in known | unseen}
        self._life = time.monotonic()
        for number in sorted(unseen):
            self._write(self._packed(number, pending[number].asked))
        for number in known - pending.keys():                                  # given up meanwhile
            self._write(protocol.pack({"kind": "cancel", "id": number}))
        for number in pending.keys() - known - unseen:
            pending[number].fail(Unreachable(f"The connection was lost while a file was on its way; {UNKNOWN}"))

    # --- asking: any thread ---------------------------------------------------------------------------------------

    def ask(self, request: Request, done: Done, held: Held | None = None) -> None:
        """Write the request; `done` gets its answer later. Raises NotSent when nothing was written."""
        try:
            parcel = self._bundle.parcel(request.kind, request.body)
            body = json.dumps(parcel.body, default=str).encode("ascii")
            upload, size = _open_upload(request.upload)
            download = request.download.open("wb") if request.download is not None else None
        except SourceError as error:
            done(failure(error.message))
            return
        except (OSError, ValueError, TypeError, RecursionError) as error:
            done(failure(f"The request cannot be made: {error}"))
            return
        limit = None if request.deadline is None else time.monotonic() + request.deadline + LATE
        header = {"kind": "ask", "what": request.kind, "upload": upload is not None, "deadline": request.deadline}
        pending = Pending(Asked(header, body, parcel.keys), done, held, download, limit, request.deadline,
                          uploading=upload is not None)
        number = self._write_ask(pending)
        if number is None or upload is None:
            return
        if size <= INLINE:
            self._send_upload(number, upload)
        else:
            threading.Thread(target=self._send_upload, args=(number, upload), name="asyncrun-upload",
                             daemon=True).start()

    def _write_ask(self, pending: Pending) -> int | None:
        """The request's number; None when it was answered already."""
        with self._writing:
            number = self._number + 1
            try:
                data = self._packed(number, pending.asked)
            except protocol.Broken as error:
                pending.done(failure(f"The request cannot be sent: {error}"))
                return None
            with self._lock:
                if self.error is not None:
                    raise NotSent(self.error.message)
                self._number = number
                self._pending[number] = pending
            if not self._write(data):
                return None
        return number

    def _packed(self, number: int, asked: Asked) -> bytes:
        """A request's frame, after one with what it needs there and is not there yet."""
        missing = asked.keys.difference(self._shipped)
        data = protocol.pack({"kind": "load"}, self._bundle.pack(missing)) if missing else b""
        data += protocol.pack({**asked.header, "id": number, "got": self._now_got()}, asked.body)
        self._shipped.update(dict.fromkeys(missing, number))
        return data

    def _write(self, data: bytes) -> bool:
        try:
            self.stream.write(data)
        except OSError as error:
            self.lose(Unreachable(f"The connection was lost: {error}; {UNKNOWN}"), link_only=True)
            return False
        return True

    def _send_upload(self, number: int, source: BinaryIO) -> None:
        try:
            for piece in _pieces(source):
                with self._writing:
                    if number not in self._pending or not self._write(
                            protocol.pack({"kind": "data", "id": number}, piece)):
                        return
            with self._writing:
                pending = self._pending.get(number)
                if pending is not None and self._write(protocol.pack({"kind": "end", "id": number})):
                    pending.uploading = False
        except OSError as error:                       # our own file
            self._cancel(number)
            self._answer(number, failure(f"The upload cannot be read: {error}"))

    def _cancel(self, number: int) -> None:
        with self._writing:
            self._write(protocol.pack({"kind": "cancel", "id": number}))

    # --- hearing: the reader's thread -----------------------------------------------------------------------------

    def on_readable(self) -> None:
        """Take what came in, and call those who wait for it."""
        heard = self.stream.read()
        self._said.err += heard.err
        del self._said.err[:-4096]
        frames, self._early = self._early, []
        try:
            frames += self._decoder.feed(heard.out)
        except protocol.Broken as error:
            self._serve(frames)
            self.lose(AgentError(f"The far side sent something that is no answer: {error}; {UNKNOWN}"))
            return
        self._progress += len(heard.out)
        if frames or self._progress >= PROGRESS:
            self._life, self._progress = time.monotonic(), 0
        self._serve(frames)
        if heard.ended:
            said = self._said.text
            self.lose(Unreachable(f"The agent has gone; {UNKNOWN}{'. It said: ' + said if said else ''}"),
                      link_only=True)

    def _serve(self, frames: list[tuple[dict[str, Any], bytes]]) -> None:
        for header, blob in frames:
            kind, number = header["kind"], header.get("id")
            if kind == "result" and isinstance(number, int):
                with self._lock:
                    self._got.append(number)
            if not isinstance(number, int) or number not in self._pending:
                self._stray()
            elif kind == "result":
                self._answer(number, read_result(blob))
            elif kind == "data":
                self._download(number, blob)
            else:
                self._stray()

    def _stray(self) -> None:
        """A frame that nobody waits for: a beat, or the answer to a question that was given up. Some are normal."""
        self._strays += 1
        if self._strays > ABANDONED:
            self.lose(AgentError(f"The far side sends what nobody asked for; {UNKNOWN}"))

    def _download(self, number: int, piece: bytes) -> None:
        pending = self._pending.get(number)
        if pending is None:
            return
        try:
            if pending.download is None:
                raise OSError("nothing was to be sent")
            pending.downloading = True
            pending.download.write(piece)
        except OSError as error:
            self._give_up(number, failure(f"The download cannot be kept: {error}"))

    def cancel(self, done: Done) -> None:
        """Give up the request whose answer goes to `done`: the host ends it. Any thread may call it."""
        with self._lock:
            number = next((number for number, each in self._pending.items() if each.done is done), None)
        if number is not None:
            self._give_up(number, failure("It was canceled."))

    def _give_up(self, number: int, reply: Reply) -> None:
        """Answer in the far side's place, and tell it; from a thread of its own, for nothing may wait here."""
        threading.Thread(target=self._cancel, args=(number,), name="asyncrun-cancel", daemon=True).start()
        self._answer(number, reply)

    def _answer(self, number: int, reply: Reply) -> None:
        with self._lock:
            pending = self._pending.pop(number, None)
        if pending is not None:
            kept = _close_file(pending.download)
            pending.done(reply if kept else failure("The download cannot be kept: the disk is full"))

    # --- the clock's thread ---------------------------------------------------------------------------------------

    def on_time(self, now: float) -> None:
        """Look whether the far side still lives, and whether answers are overdue; say that we live."""
        if now - self._life > self._pulse.silence:
            seconds = f"{self._pulse.silence:g} s"
            self.lose(Unreachable(f"The host has not answered for {seconds}: connection lost; {UNKNOWN}"))
            return
        for number, pending in list(self._pending.items()):
            if pending.deadline is not None and now > pending.deadline:
                reply = failure(f"Timed out after {pending.seconds:g} second(s).", timedout={"period": pending.seconds})
                self._give_up(number, reply)
        if now >= self._ping_at and self._writing.acquire(blocking=False):
            try:                                   # a writer that is at work is a sign of life itself
                self._ping_at = now + self._pulse.interval
                self._strays = 0
                if self.stream.can_write():
                    self._write(self._pulse_frame())
            finally:
                self._writing.release()

    def revive(self, now: float) -> None:
        """This process itself slept: silence until now proves nothing."""
        self._life = now

    # --- the end --------------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        with self._lock:
            return self.error is None

    def lose(self, error: HostError, *, link_only: bool = False) -> None:
        """It is gone: every waiting request gets `error`, nothing more is sent.

        `link_only`: the agent may live on; what another connection can still get the answer of is left for that.
        """
        with self._lock:
            if self.error is not None:
                return
            self.error = error
            pending, self._pending = self._pending, {}
            lasting = {number: each for number, each in pending.items() if link_only and self._key and each.lasts}
            if lasting:
                self.left = Left(self.target, self._key, self.hello, self._number, dict(self._shipped),
                                 time.monotonic() + self._pulse.silence, self._pulse.silence, lasting)
            self._gone(self)
        self._over.set()
        for number, each in pending.items():
            if number not in lasting:
                each.fail(error)

    def dismiss(self, seconds: float) -> None:
        """End it, unless something is asked of it, and wait until it has gone. Who asks meanwhile finds it gone."""
        with self._writing:
            with self._lock:
                if self.error is not None or self._pending:
                    return
            self._write(protocol.pack({"kind": "bye"}))
            if not self._over.wait(seconds):
                self.lose(Unreachable("The agent was told to end"))

    def bye(self) -> None:
        """Tell it to end, when that can be said without waiting."""
        if self._writing.acquire(timeout=0.2):
            try:
                if self.alive and self.stream.can_write():
                    self.stream.write(protocol.pack({"kind": "bye"}))
            except OSError as error:
                log.debug("no goodbye for %s: %s", self.target.place, error)
            finally:
                self._writing.release()


def _open_upload(upload: bytes | Path | None) -> tuple[BinaryIO | None, int]:
    if isinstance(upload, Path):
        return upload.open("rb"), upload.stat().st_size
    return (None, 0) if upload is None else (io.BytesIO(upload), len(upload))


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    """The upload in frames' sizes; it is closed at its end."""
    with source:
        while piece := source.read(protocol.PIECE):
            yield piece


def _close_file(file: BinaryIO | None) -> bool:
    """False when what was written to it is not all there."""
    try:
        if file is not None:
            file.close()
    except OSError:
        return False
    return True
