"""asyncrun-jobs: see, follow, await, end and clean up jobs of earlier runs, on all hosts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import click

from asyncrun.cli import frame
from asyncrun.cli import options as shared
from asyncrun.cli.asking import prompt

_CONTEXT = {"help_option_names": ["-h", "--help"]}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Age(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic since click 8.4
    """A number of seconds, or with s, m, h, d or w."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw]?)", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not an age such as 90, 30m, 12h or 7d", param, ctx)
        return float(match[1]) * _UNITS[match[2] or "s"]


_JSON = (click.option("as_json", "--json", is_flag=True, help="Write JSON."),)
_ONE_OR_MORE = (click.argument("jids", nargs=-1, required=True, metavar="JID..."),)
_ANY = (click.argument("jids", nargs=-1, metavar="[JID]..."),)
_LIST = (
    click.option("--refresh", is_flag=True, help="Ask the hosts, instead of telling what was last known."),
    click.option("--found", is_flag=True, help="Ask the hosts, and list what else is in the folders of these jobs."),
    click.option("everything", "--all", is_flag=True, help="List also jobs whose result was taken."),
    click.option("--run", metavar="RUN", help="List only jobs of this run."),
)
_LOGS = (click.option("-f", "--follow", is_flag=True, help="Go on until the job ends."),)
_WAIT = (click.option("seconds", "--timeout", type=Age(), metavar="AGE", help="Wait no longer than this."),)
_KILL = (click.option("--grace", type=click.FloatRange(min=0), metavar="SECONDS",
                      help="How long between TERM and KILL: 5 when not said."),)
_CLEAN = (
    click.option("--older-than", type=Age(), metavar="AGE",
                 help="Only jobs that ended so long ago, such as 12h or 7d."),
    click.option("--forget", is_flag=True, help="Forget also jobs whose host cannot be reached."),
)
_REACHING = (
    click.option("inventory", "-i", "--inventory", multiple=True, metavar="SOURCE",
                 help="Where variables of connections are: a file, a folder, or names joined by commas. Can be given "
                      "more than once."),
    shared.EXTRA_VARS,
    click.option("ask_pass", "-k", "--ask-pass", is_flag=True, help="Ask for the password of the login."),
    click.option("--connection-password-file", "--conn-pass-file", metavar="FILE",
                 help="A file with that password, or a program that prints it."),
    click.option("ask_become_pass", "-K", "--ask-become-pass", is_flag=True,
                 help="Ask for the password of becoming another user."),
    click.option("--become-password-file", "--become-pass-file", metavar="FILE",
                 help="A file with that password, or a program that prints it."),
    *shared.VAULT,
    *shared.VERBOSITY,
)


@click.group(context_settings=_CONTEXT)
@frame.version_option("asyncrun-jobs")
def main() -> None:
    """See, follow, await, end and clean up the jobs that playbooks started (`async`), on all hosts.

    A JID may be shortened as long as it stays clear. Hosts are reached as when the job was started; passwords come from
    the options, the settings, or from the inventory that -i names.

    Exit codes: 0 all went well, 1 the journal cannot be used, 2 a job failed, timed out, was killed or lost (wait, logs
    -f), still runs (kill), or wrong usage, 3 jobs still run when --timeout is over, 4 a host cannot be reached; 2 and 4
    add up to 6; 5 no such job, 99 Ctrl-C.
    """


def _work(name: str) -> Callable[..., None]:
    def run(**given: Any) -> None:
        def work() -> int:
            from asyncrun.commands.jobs import Wanted, run_jobs

            given["timeout"] = given.pop("seconds", None)
            own = {each.name: given.pop(each.name) for each in fields(Wanted) if each.name in given}
            return run_jobs(name, shared.to_options(given, frame.warn), Wanted(**own), prompt=prompt)

        frame.leave(frame.run(work, given["verbosity"]))

    return run


_COMMANDS: Mapping[str, tuple[str, Sequence[Sequence[shared.Decorator[Any]]]]] = {
    "list": ("List jobs that run, or whose result is still with their host; by what was last known of them.",
             (_LIST,)),
    "show": ("Show how jobs stand, their result, or what they printed so far.", (_ONE_OR_MORE,)),
    "logs": ("Show what jobs printed: `[host] line`.", (_ONE_OR_MORE, _LOGS)),
    "wait": ("Wait until jobs end; their results stay with their hosts.", (_ONE_OR_MORE, _WAIT)),
    "kill": ("End jobs and everything below them: TERM, some seconds, KILL.", (_ONE_OR_MORE, _KILL)),
    "clean": ("Remove the files of jobs that ended from their hosts, and forget them. Running jobs stay.",
              (_ANY, _CLEAN)),
}
for _name, (_doc, _groups) in _COMMANDS.items():
    _take = shared.options(*_groups, _JSON, _REACHING)
    main.command(_name, cls=shared.Command, context_settings=_CONTEXT, help=_doc)(_take(_work(_name)))
