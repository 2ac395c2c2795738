"""What asyncrun-jobs does: list, show, logs, wait, kill and clean jobs of all hosts, by what the journal remembers."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from asyncrun.actions.builtin import ACTIONS
from asyncrun.commands import jobhosts as hosts
from asyncrun.commands.jobwords import Known, line_of, page, state_of, table
from asyncrun.config import Config
from asyncrun.engine.view import Tools
from asyncrun.errors import OptionError, suggest
from asyncrun.events import Event, Said
from asyncrun.journal import Ending, Job, JobState, Journal, Outcome
from asyncrun.journal.controller import is_chain, is_gone
from asyncrun.options import Options, Prompt
from asyncrun.output.console import Console
from asyncrun.output.screen import screen_look
from asyncrun.passwords import passwords
from asyncrun.questions import Person
from asyncrun.results import censored
from asyncrun.session import Ears, configured, opened
from asyncrun.transport import Fleet
from asyncrun.transport.fleet import Fleet as RealFleet

FAILED, STILL_RUNNING, UNREACHABLE = 2, 3, 4
HIDDEN = "_asyncrun_no_log"          # of a job that was started under no_log
GONE = "its files are gone from the host"
_CLOSED = (JobState.COLLECTED, JobState.FAILED_TO_START)      # its host has nothing of it


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed for these commands alone."""

    jids: tuple[str, ...] = ()           # or the beginnings of some
    as_json: bool = False
    refresh: bool = False                # list: ask the hosts
    found: bool = False                  # list: what is in their folders besides, too
    everything: bool = False             # list: also jobs whose result was taken
    run: str | None = None               # list: of this run only
    follow: bool = False                 # logs: until the end
    timeout: float | None = None         # wait: seconds
    grace: float | None = None           # kill: seconds between TERM and KILL
    older_than: float | None = None      # clean: seconds
    forget: bool = False                 # clean: also jobs whose host cannot be reached


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with. `reach` connects: it may ask for passwords, so only who asks hosts enters it."""

    wanted: Wanted
    journal: Journal
    ears: Ears
    reach: Callable[[], contextlib.AbstractContextManager[tuple[Fleet, hosts.Find]]]
    known: dict[str, Known] = field(default_factory=dict)

    def say(self, *lines: str) -> None:
        """Lines for people, or for a program."""
        for line in lines:
            self.ears.hear(Said(line))

    def jobs(self) -> list[Job]:
        """The jobs that were named. Raises OptionError for one that the journal does not have."""
        every = {job.jid: job for job in self.journal.jobs()}
        return [every[jid] for jid in dict.fromkeys(_matching(typed, every) for typed in self.wanted.jids)]

    def note(self, job: Job, told: Mapping[str, Any]) -> Known:
        """What a host said of a job: written down, and as it is shown."""
        if "unknown" in told:
            return Known(job, error=str(told["unknown"]))
        if told.get("missing"):
            return self._missing(job, ran=bool(told.get("ran")))
        ending = Ending.of(told)
        self.journal.seen(job.jid, job.place, ending)
        return Known(job, running=ending is None, ending=ending, hidden=bool(told.get(HIDDEN)), seen_at=time.time())

    def _missing(self, job: Job, *, ran: bool) -> Known:
        if ran:
            ending = Ending(Outcome.KILLED, reason=GONE)
        elif job.state is JobState.LAUNCHING:
            self.journal.ended(job.jid, JobState.FAILED_TO_START)
            return Known(job, never=True, seen_at=time.time())
        elif job.outcome is not None:                              # how it ended is known: it was cleaned up since
            self.journal.cleaned(job.jid, job.place)
            return Known(job, cleaned=True)
        else:
            ending = Ending(Outcome.LOST, reason=GONE)
        self.journal.seen(job.jid, job.place, ending)
        return Known(job, ending=ending, seen_at=time.time())


def run_jobs(name: str, options: Options, wanted: Wanted, *, prompt: Prompt) -> int:
    """Do one of COMMANDS; the exit code."""
    ears = Ears()
    config = configured(options, ears)
    screen = Console(sys.stdout, sys.stderr, screen_look(config))
    ears.sinks.append(screen)
    person = Person(prompt)
    person.hushed = screen.hushed
    with contextlib.ExitStack() as stack:
        stack.callback(screen.close)
        stack.callback(ears.close)
        journal = stack.enter_context(contextlib.closing(_journal(config)))
        reach = partial(_reach, options, config, person, ears, journal)
        return COMMANDS[name](Desk(wanted, journal, ears, reach))


def _journal(config: Config) -> Journal:
    return Journal(Path(config["state_dir"]).expanduser() / "journal.sqlite")


@contextlib.contextmanager
def _reach(options: Options, config: Config, person: Person, ears: Ears,
           journal: Journal) -> Iterator[tuple[Fleet, hosts.Find]]:
    """The fleet, and where jobs are: by the journal alone, or with what the inventory of -i says of connections."""
    if options.inventory:
        session = opened(options, person, config, ears, str(Path.cwd()))
        tools = Tools(templar=session.templar, catalog=session.catalog, actions=ACTIONS, journal=journal,
                      read_file=session.read_file, load_vars=session.load_vars)
        find: hosts.Find = partial(hosts.by_inventory, session, tools)
    else:
        login, becoming = passwords(options, config, person.require)
        find = partial(hosts.journalled, password=login, become_password=becoming)
    fleet = RealFleet(interval=config["heartbeat_interval"], count=config["heartbeat_count"])
    with contextlib.closing(fleet):
        yield fleet, find


# ---- the commands


def _list(desk: Desk) -> int:
    wanted = desk.wanted
    jobs = [job for job in desk.journal.jobs(wanted.run) if wanted.everything or job.state not in _CLOSED]
    known = {job.jid: _by_journal(job) for job in jobs}
    if wanted.refresh or wanted.found:
        asked = [job for job in jobs if job.state not in (*_CLOSED, JobState.ENDED)]
        known |= {each.job.jid: each for each in _refreshed(desk, asked)}
    return _shown(desk, list(known.values()), codes=False)


def _show(desk: Desk) -> int:
    known, results = [], {}
    with _reached(desk, desk.jobs()) as (fleet, places, rest):
        known += rest
        pairs = [(place, job) for place, jobs in places.items() for job in jobs]
        runs = [hosts.whole(place, job.jid) for place, job in pairs]
        briefs = _asked(desk, fleet, places, hosts.look)
        for (_, job), status in zip(pairs, hosts.side_by_side(fleet, runs, desk.ears.hear), strict=True):
            known.append(briefs[job.jid])
            if not isinstance(status, hosts.Away) and not briefs[job.jid].error:
                results[job.jid] = _visible(job, status)
    if desk.wanted.as_json:
        desk.say(_json({"jobs": [{**each.told, "result": results.get(each.job.jid)} for each in known]}))
    else:
        desk.say(*(text for each in known for text in page(each, results.get(each.job.jid))))
    return exit_code(known, codes=False)


def _logs(desk: Desk) -> int:
    known = []
    with _reached(desk, desk.jobs()) as (fleet, places, rest):
        pairs = [(place, job) for place, jobs in places.items() for job in jobs]
        kept: dict[str, dict[str, str]] = {job.jid: {} for _, job in pairs}
        runs = [hosts.read(place, job.jid, follow=desk.wanted.follow,
                           tell=partial(_printed, desk.wanted, job, kept[job.jid])) for place, job in pairs]
        for (_, job), told in zip(pairs, hosts.side_by_side(fleet, runs, desk.ears.hear), strict=True):
            desk.say(*(f"[{job.host}] {text}" for text in kept[job.jid].values() if text))
            known.append(Known.unreached(job, told.message) if isinstance(told, hosts.Away) else desk.note(job, told))
    for each in (*rest, *known):
        if each.hidden:
            desk.ears.warn(f"Job {each.job.jid} on {each.job.host} was started under no_log: its output is not shown.")
        elif each in rest:
            desk.ears.warn(f"Job {line_of(each)}: its host has no output of it any more.")
    return _told_at_end(desk, [*rest, *known])


def _wait(desk: Desk) -> int:
    with _reached(desk, desk.jobs()) as (fleet, places, rest):
        by_jid = {job.jid: job for jobs in places.values() for job in jobs}

        def tell(jid: str, told: hosts.Told) -> Event | None:
            return None if desk.wanted.as_json else Said(line_of(desk.note(by_jid[jid], told)))

        if not desk.wanted.as_json:
            desk.say(*map(line_of, rest))
        known = _asked(desk, fleet, places, partial(hosts.wait, seconds=desk.wanted.timeout, tell=tell))
    every = [*rest, *known.values()]
    if not desk.wanted.as_json:
        desk.say(*(line_of(each) for each in every if each.error or each.running))
        return exit_code(every)
    return _shown(desk, every)


def _kill(desk: Desk) -> int:
    with _reached(desk, desk.jobs()) as (fleet, places, known):
        pairs = [(place, job) for place, jobs in places.items() for job in jobs]
        runs = [hosts.kill(place, job.jid, desk.wanted.grace) for place, job in pairs]
        for (_, job), told in zip(pairs, hosts.side_by_side(fleet, runs, desk.ears.hear), strict=True):
            if isinstance(told, hosts.Away):
                known.append(Known.unreached(job, told.message))
            elif "ran" not in told or (told.get("missing") and not told["ran"]):
                known.append(desk.note(job, told if told.get("missing") else {"unknown": told.get("msg", "?")}))
            else:
                known.append(desk.note(job, told))
    if desk.wanted.as_json:
        desk.say(_json({"jobs": [each.told for each in known]}))
    else:
        desk.say(*map(line_of, known))
    stuck = FAILED if any(each.running or (each.error and not each.unreachable) for each in known) else 0
    return stuck | (UNREACHABLE if any(each.unreachable for each in known) else 0)


def _clean(desk: Desk) -> int:
    wanted = desk.wanted
    jobs = desk.jobs() if wanted.jids else desk.journal.jobs()
    if wanted.older_than is not None:
        before = time.time() - wanted.older_than
        jobs = [job for job in jobs if (job.ended_at or job.launched_at) < before]
    gone: list[Job] = []
    unsaid: list[Known] = []
    with _reached(desk, jobs) as (fleet, places, rest):
        gone += [each.job for each in rest if not each.running]
        runs = [hosts.clean(place, [job.jid for job in some]) for place, some in places.items()]
        cleaned = hosts.side_by_side(fleet, runs, desk.ears.hear)
        for some, told in zip(places.values(), cleaned, strict=True):
            if isinstance(told, hosts.Away):
                if wanted.forget:
                    gone += some
                else:
                    unsaid += [Known.unreached(job, told.message) for job in some]
            else:
                gone += [job for job in some if job.jid in told]
    desk.journal.forget([job.jid for job in gone])
    if wanted.as_json:
        desk.say(_json({"removed": [job.jid for job in gone], "jobs": [each.told for each in unsaid]}))
    else:
        left = len(jobs) - len(gone) - len(unsaid)
        desk.say(*map(line_of, unsaid), f"{len(gone)} jobs removed{f', {left} still run' if left else ''}.")
    return UNREACHABLE if unsaid else 0


COMMANDS: Mapping[str, Callable[[Desk], int]] = {
    "list": _list, "show": _show, "logs": _logs, "wait": _wait, "kill": _kill, "clean": _clean,
}


# ---- pieces


@contextlib.contextmanager
def _reached(desk: Desk, jobs: Sequence[Job]) -> Iterator[tuple[Fleet, dict[hosts.Place, list[Job]], list[Known]]]:
    """The fleet, the places of those jobs that a host may still have, and what is known of the rest."""
    there = [job for job in jobs if job.state not in _CLOSED and not is_chain(job.connection)]
    rest = [_by_journal(job) for job in jobs if job.state in _CLOSED or is_chain(job.connection)]
    with desk.reach() if there else contextlib.nullcontext((_NOBODY, _nowhere)) as (fleet, find):
        yield fleet, hosts.grouped(there, find), rest


def _by_journal(job: Job) -> Known:
    """A job as far as this machine knows of it: a chain lives and ends with the process that launched it."""
    if not is_chain(job.connection) or job.state not in (JobState.LAUNCHING, JobState.RUNNING):
        return Known(job)
    if is_gone(job.connection):
        return Known(job, ending=Ending(Outcome.LOST, reason="controller ended"))
    return Known(job, running=True)


class _Nobody:
    """A fleet that nobody asks."""

    def ask(self, *_: Any) -> None:
        """Nothing is asked."""

    def cancel(self, *_: Any) -> None:
        """Nothing was asked."""

    def close(self) -> None:
        """Nothing is open."""


_NOBODY = _Nobody()


def _nowhere(job: Job) -> Any:
    raise AssertionError(job)


def _refreshed(desk: Desk, jobs: Sequence[Job]) -> list[Known]:
    """How jobs stand by what their hosts say now; with --found also those of other people in the same folders."""
    with _reached(desk, jobs) as (fleet, places, _):
        if not desk.wanted.found:
            return list(_asked(desk, fleet, places, hosts.look).values())
        known = []
        listings = hosts.side_by_side(fleet, [hosts.listing(place) for place in places], desk.ears.hear)
        for (place, some), told in zip(places.items(), listings, strict=True):
            if isinstance(told, hosts.Away):
                known += [Known.unreached(job, told.message) for job in some]
                continue
            known += [desk.note(job, told.get(job.jid, {"missing": True})) for job in some]
            strangers = set(told) - {job.jid for job in desk.journal.jobs()}
            known += [Known.stranger(jid, some[0], place[1], told[jid]) for jid in sorted(strangers)]
        return known


def _asked(desk: Desk, fleet: Fleet, places: Mapping[hosts.Place, list[Job]],
           question: Callable[..., hosts.Asking]) -> dict[str, Known]:
    """What the hosts say to one question about all of their jobs."""
    runs = [question(place, [job.jid for job in jobs]) for place, jobs in places.items()]
    known: dict[str, Known] = {}
    for jobs, told in zip(places.values(), hosts.side_by_side(fleet, runs, desk.ears.hear), strict=True):
        for job in jobs:
            known[job.jid] = Known.unreached(job, told.message) if isinstance(told, hosts.Away) \
                else desk.note(job, told.get(job.jid, {"unknown": "the host says nothing of it"}))
    return known


def _printed(wanted: Wanted, job: Job, kept: dict[str, str], stream: str, text: str) -> Event | None:
    """A piece of a job's output, as it is shown: whole lines."""
    if job.no_log:                                                 # whatever its host sends
        return None
    if wanted.as_json:
        return Said(json.dumps({"jid": job.jid, "host": job.host, "stream": stream, "text": text}))
    shown = "\n".join(hosts.lines(f"[{job.host}] ", kept, stream, text))
    return Said(shown) if shown else None


def _told_at_end(desk: Desk, known: Sequence[Known]) -> int:
    """After the logs: how the jobs stand, beside what they printed."""
    for each in known:
        if desk.wanted.as_json:
            desk.say(json.dumps(each.told))
        elif each.error:
            desk.ears.warn(line_of(each))
    return exit_code(known, codes=desk.wanted.follow)


def _shown(desk: Desk, known: Sequence[Known], *, codes: bool = True) -> int:
    if desk.wanted.as_json:
        desk.say(_json({"jobs": [each.told for each in known]}))
    else:
        desk.say(*table(known))
    return exit_code(known, codes=codes)


def exit_code(known: Sequence[Known], *, codes: bool = True) -> int:
    """0; 2 for jobs that did not end well and 4 for hosts that cannot be reached, added up; 3: some only still run."""
    bad = codes and any(state_of(each) not in ("running", "launching", "finished", "unreachable") for each in known)
    code = (FAILED if bad else 0) | (UNREACHABLE if any(each.error for each in known) else 0)
    return code or (STILL_RUNNING if codes and any(each.running for each in known) else 0)


def _visible(job: Job, status: Mapping[str, Any]) -> dict[str, Any]:
    """A job's status as it may be shown."""
    shown = {key: value for key, value in status.items() if key != HIDDEN}
    return censored(shown) if job.no_log or status.get(HIDDEN) else shown


def _json(value: Any) -> str:
    return json.dumps(value, indent=4, ensure_ascii=False)


def _matching(typed: str, every: Mapping[str, Job]) -> str:
    """The one job whose id is, or begins with, what was typed. Raises OptionError."""
    found = [typed] if typed in every else [jid for jid in every if typed and jid.startswith(typed)]
    if len(found) == 1:
        return found[0]
    if found:
        raise OptionError(f"{len(found)} jobs begin with '{typed}'.", hint=f"Such as {found[0]} and {found[1]}.")
    raise OptionError(f"The journal knows no job '{typed}'.",
                      hint=suggest(typed, every) or "asyncrun-jobs list --all shows those that it knows.")
