"""What was typed on a command line, parsed but not interpreted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}\Z")            # how the journal names runs
Prompt = Callable[[str, bool], str | None]       # asks a person; False: what is typed is not shown; None: nobody types
Require = Callable[[str, bool], str]             # the same, where nothing is an answer too


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed, parsed but not interpreted. None: not said, so the configuration decides."""

    playbooks: tuple[str, ...] = ()
    inventory: tuple[str, ...] = ()                # -i, each as typed
    limit: str | None = None
    extra_vars: tuple[str, ...] = ()               # -e, each as typed: k=v, JSON/YAML or @file
    forks: int | None = None
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    become: bool = False
    become_method: str | None = None
    become_user: str | None = None
    ask_become_pass: bool = False                  # -K
    become_password_file: str | None = None
    ask_pass: bool = False                         # -k
    connection_password_file: str | None = None
    connection: str | None = None
    user: str | None = None
    private_key: str | None = None
    timeout: int | None = None
    ssh_common_args: str | None = None
    ssh_extra_args: str | None = None
    module_path: tuple[str, ...] = ()
    vault_ids: tuple[str, ...] = ()
    vault_password_files: tuple[str, ...] = ()
    ask_vault_pass: bool = False
    flush_cache: bool = False
    force_handlers: bool = False
    start_at_task: str | None = None
    step: bool = False
    syntax_check: bool = False
    follow: bool = False                           # show what polled jobs print, as it comes
    list_hosts: bool = False
    list_tasks: bool = False
    list_tags: bool = False
    verbosity: int = 0
    resume: str | None = None                      # --resume: the run; "" is the newest one
    redo: bool = False                             # with it: do again what may have been done
    # ad-hoc only
    pattern: str | None = None
    module_name: str | None = None
    module_args: str = ""
    background: int = 0                            # -B, seconds
    poll: float | None = None                      # -P, seconds
    one_line: bool = False
    tree: str | None = None
    task_timeout: int | None = None
    playbook_dir: str | None = None
