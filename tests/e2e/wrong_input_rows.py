"""What can be wrong in an operator's files, one row each: the files, what has to be said, where, and the exit code.

The exit codes are those of ansible-core 2.21 on the same files, measured once; where ours differs, `oracle` says what
it gives there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HOSTS = "a ansible_connection=local\nb ansible_connection=local mine=yes\n"
PLAY = "- hosts: all\n  gather_facts: false\n"
WENT_ON = "    - debug: msg=went-on\n"


@dataclass(frozen=True)
class Wrong:
    """A wrong input. `says` has to be in the output, once; `at` is the place that is named; `goes_on` are the hosts
    that get to the task after it."""

    says: str
    code: int
    files: Mapping[str, str | bytes]
    at: str = ""
    hint: str = ""
    goes_on: str = ""
    more: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    oracle: int | None = None


def tasks(
    says: str,
    code: int,
    text: str,
    *,
    at: str = "",
    hint: str = "",
    goes_on: str = "",
    more: tuple[str, ...] = (),
    keywords: str = "",
    oracle: int | None = None,
    **files: str | bytes,
) -> Wrong:
    """A play whose first task is wrong; a second one tells who goes on."""
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    site = PLAY + keywords + "  tasks:\n" + indented + WENT_ON
    named = {name.replace("__", "."): content for name, content in files.items()}
    return Wrong(says, code, {"site.yml": site, **named}, at, hint, goes_on, more, oracle=oracle)


def plays(
    says: str,
    code: int,
    text: str,
    *,
    at: str = "",
    hint: str = "",
    goes_on: str = "",
    more: tuple[str, ...] = (),
    oracle: int | None = None,
    env: Mapping[str, str] | None = None,
    **files: str | bytes,
) -> Wrong:
    """A whole playbook."""
    named = {name.replace("__", "."): content for name, content in files.items()}
    return Wrong(says, code, {"site.yml": text, **named}, at, hint, goes_on, more, env or {}, oracle)


GOOD = PLAY + "  tasks:\n" + WENT_ON

BROKEN: dict[str, Wrong] = {
    # ---- texts that are not what they have to be
    "broken YAML": plays("", 4, PLAY + "  tasks:\n    - debug: msg='a\n", at="site.yml:4"),
    "a tab": plays("", 4, "- hosts: all\n\ttasks: []\n", at="site.yml:2:1"),
    "a colon too many": plays("", 4, PLAY + "  tasks:\n    - debug: msg=a: b\n", at="site.yml:4"),
    "unquoted template": plays("", 4, PLAY + "  tasks:\n    - debug:\n        msg: {{ x }}\n", at="site.yml:5"),
    "not UTF-8": Wrong("UTF-8", 4, {"site.yml": b"- hosts: all\n  name: \xff\xfe\n"}, at="site.yml:2"),
    "a NUL": plays("", 4, "- hosts: all\n  name: a\0b\n", at="site.yml:2"),
    "nothing": plays("Empty playbook, nothing to do", 4, "", at="site.yml:1:1"),
    "a folder": Wrong("is a folder", 1, {"site.yml/x": ""}),
    "a python object": plays("", 4, "- hosts: !!python/object/apply:os.system ['touch PWNED']\n", at="site.yml:1"),
    "a recursive alias": plays("", 0, "- &a\n  hosts: all\n  vars: {x: *a}\n"),
    "vault text without a password": plays(
        "the encrypted text is damaged",
        2,
        PLAY + "  vars:\n    s: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      61626364\n  tasks:\n"
        "    - debug: msg={{ s }}\n",
        at="site.yml:4",
    ),
    # ---- names nobody has
    "unknown keyword": tasks(
        "'whn' is not a valid attribute for a Task", 4, "- debug: msg=1\n  whn: x", at="site.yml:5:7", hint="'when'"
    ),
    "unknown module": tasks(
        "couldn't resolve module/action 'cpy'", 4, "- cpy: src=x", at="site.yml:4:7", hint="'copy'"
    ),
    "unknown argument": tasks(
        "Unsupported parameters for (copy) module: dst", 2, "- copy: {content: x, dst: /nowhere}", at="site.yml:4"
    ),
    "missing argument": tasks("missing required arguments: dest", 2, "- copy: {content: x}", at="site.yml:4"),
    "wrong argument type": tasks("", 2, "- wait_for: {port: seven}", at="site.yml:4"),
    "wrong choice": tasks("value of state must be one of", 2, "- file: {path: /tmp/x, state: presnt}", at="site.yml:4"),
    "unknown filter": tasks(
        "No filter named 'lowr'", 2, "- debug: msg={{ 'A' | lowr }}", at="site.yml:4", hint="'lower'"
    ),
    "unknown test": tasks("No test named 'definedd'", 2, "- debug: msg=x\n  when: mine is definedd", at="site.yml:5"),
    "unknown lookup": tasks("lookup", 2, "- debug: msg={{ lookup('fiel', 'x') }}", at="site.yml:4", hint="'file'"),
    "unknown strategy": plays(
        "'liner'", 4, PLAY + "  strategy: liner\n  tasks:\n" + WENT_ON, at="site.yml:3:13", hint="'linear'", oracle=1
    ),
    "unknown connection": tasks("'telnet'", 2, "- ping:\n  connection: telnet", at="site.yml:5", inventory="a\nb\n"),
    "unknown become method": tasks(
        "'dooas'", 2, "- command: id\n  become: true\n  become_method: dooas", at="site.yml:6"
    ),
    "unknown handler": tasks("'nobody'", 1, "- command: 'true'\n  notify: nobody", at="site.yml:5", goes_on=""),
    "unknown delegate": tasks("nowhere.invalid", 4, "- command: id\n  delegate_to: nowhere.invalid", goes_on=""),
    # ---- undefined variables; host b has `mine`
    "undefined in args": tasks("'mine' is undefined", 2, "- debug: msg={{ mine }}", at="site.yml:4", goes_on="b"),
    "undefined in when": tasks(
        "'mine' is undefined", 2, "- debug: msg=x\n  when: mine == 'yes'", at="site.yml:5:13", goes_on="b"
    ),
    "undefined in loop": tasks(
        "'mine' is undefined", 2, "- debug: msg=x\n  loop: '{{ [mine] }}'", at="site.yml:5:13", goes_on="b"
    ),
    "undefined loop": tasks(
        "'mine' is undefined", 2, "- debug: msg=x\n  loop: '{{ mine | list }}'", at="site.yml:5:13", goes_on="b"
    ),
    "undefined in with_items": tasks(
        "'mine' is undefined", 2, "- debug: msg=x\n  with_items: '{{ mine }}'", goes_on="b"
    ),
    "undefined in name": tasks("'nobody' is undefined", 0, "- name: x {{ nobody }}\n  debug: msg=x", goes_on="a b"),
    "undefined in vars": tasks(
        "'mine' is undefined", 2, "- debug: msg={{ x }}\n  vars: {x: '{{ mine }}'}", goes_on="b"
    ),
    "undefined in until": tasks(
        "'nobody' is undefined", 2, "- command: 'true'\n  until: nobody\n  retries: 1\n  delay: 0", at="site.yml:5"
    ),
    "undefined in changed_when": tasks(
        "'mine' is undefined", 2, "- command: 'true'\n  changed_when: mine == 'yes'", at="site.yml:4", goes_on="b"
    ),
    "undefined in failed_when": tasks(
        "'mine' is undefined", 2, "- command: 'true'\n  failed_when: mine == 'no'", at="site.yml:4", goes_on="b"
    ),
    "undefined in environment": tasks(
        "'mine' is undefined", 2, "- command: 'true'\n  environment: {X: '{{ mine }}'}", at="site.yml:5", goes_on="b"
    ),
    "undefined in delegate_to": tasks(
        "'mine' is undefined",
        2,
        "- ping:\n  delegate_to: '{{ mine and inventory_hostname }}'",
        at="site.yml:5",
        goes_on="b",
    ),
    "undefined in become_user": tasks(
        "'mine' is undefined",
        2,
        "- ping:\n  become: true\n  become_user: '{{ mine and \"root\" }}'",
        at="site.yml:6",
        goes_on="b",
    ),
    "undefined in throttle": tasks(
        "'nobody' is undefined", 4, "- ping:\n  throttle: '{{ nobody }}'", at="site.yml:5", oracle=1
    ),
    "undefined in run_once": tasks(
        "'nobody' is undefined", 4, "- ping:\n  run_once: '{{ nobody }}'", at="site.yml:5", oracle=1
    ),
    "undefined in async": tasks(
        "'mine' is undefined",
        2,
        "- command: 'true'\n  async: '{{ mine and 5 }}'\n  poll: 1",
        at="site.yml:5",
        goes_on="b",
    ),
    "undefined in notify": tasks(
        "'mine' is undefined", 2, "- command: 'true'\n  notify: '{{ mine and [] }}'", at="site.yml:5", goes_on="b"
    ),
    "undefined in ignore_errors": tasks(
        "'nobody' is undefined", 2, "- command: 'false'\n  ignore_errors: '{{ nobody }}'"
    ),
    "undefined in no_log": tasks("", 2, "- command: 'true'\n  no_log: '{{ nobody }}'"),
    "undefined in a label": tasks(
        "", 0, "- debug: msg=x\n  loop: [1]\n  loop_control: {label: '{{ nobody }}'}", goes_on="a b"
    ),
    "undefined in a loop's pause": tasks(
        "'nobody' is undefined", 2, "- debug: msg=x\n  loop: [1]\n  loop_control: {pause: '{{ nobody }}'}"
    ),
    "undefined in break_when": tasks(
        "'nobody' is undefined", 2, "- debug: msg=x\n  loop: [1]\n  loop_control: {break_when: nobody}"
    ),
    "undefined in a template": tasks(
        "'mine' is undefined",
        2,
        "- template: {src: t.j2, dest: '{{ playbook_dir }}/out'}",
        at="t.j2:2",
        goes_on="b",
        t__j2="x\n{{ mine }}\n",
    ),
    "undefined in an include": tasks(
        "'mine' is undefined",
        2,
        "- include_tasks: '{{ mine }}.yml'",
        at="site.yml:4",
        goes_on="b",
        yes__yml="- debug: msg=included\n",
    ),
    "undefined in hosts": plays(
        "'nobody' is undefined", 4, "- hosts: '{{ nobody }}'\n  tasks: []\n", at="site.yml:1:10"
    ),
    "undefined in serial": plays(
        "'nobody' is undefined", 4, PLAY + "  serial: '{{ nobody }}'\n  tasks: []\n", at="site.yml:3:11"
    ),
    "undefined in a play's name": plays(
        "went-on",
        0,
        "- name: x {{ nobody }}\n  hosts: all\n  gather_facts: false\n  tasks:\n" + WENT_ON,
        goes_on="a b",
        oracle=4,
    ),
    "undefined in vars_files": plays(
        "skipping vars_files item due to an undefined variable", 0,
        PLAY + "  vars_files: ['{{ nobody }}.yml']\n  tasks:\n" + WENT_ON, at="site.yml", goes_on="a b",
    ),
    "undefined in gather_facts": plays(
        "'nobody' is undefined",
        4,
        "- hosts: all\n  gather_facts: '{{ nobody }}'\n  tasks:\n" + WENT_ON,
        at="site.yml:2",
    ),
    "undefined connection variable": tasks(
        "'nobody' is undefined",
        2,
        "- ping:",
        goes_on="b",
        inventory="a ansible_connection=local ansible_python_interpreter='{{ nobody }}'\nb ansible_connection=local\n",
    ),
    # ---- expressions
    "a syntax error in a template": tasks("", 2, "- debug: msg='{{ 1 + }}'", at="site.yml:4"),
    "a syntax error in when": tasks("", 2, "- debug: msg=x\n  when: 1 +", at="site.yml:5:13"),
    "a syntax error in a template file": tasks(
        "", 2, "- template: {src: t.j2, dest: /nowhere/x}", at="t.j2:2", t__j2="x\n{% if %}\n"
    ),
    "an endless recursion": tasks("", 2, "- debug: msg={{ x }}\n  vars: {x: '{{ y }}', y: '{{ x }}'}"),
    "a division by zero": tasks("division", 2, "- debug: msg={{ 1 / 0 }}", at="site.yml:4"),
    "an attribute of a sandbox": tasks("", 2, "- debug: msg={{ ''.__class__.__mro__ }}", at="site.yml:4"),
    "10^10 characters": tasks("", 2, "- debug: msg={{ 'x' * 10**10 }}", at="site.yml:4"),
    "a range of 10^9": tasks("", 2, "- debug: msg={{ range(10**9) | list }}", at="site.yml:4"),
    "a when that is a text": tasks("", 2, "- debug: msg=x\n  when: \"'hello'\"", at="site.yml:5"),
    # ---- types
    "loop of a text": tasks("loop", 2, "- debug: msg=x\n  loop: '{{ inventory_hostname }}'", at="site.yml:5"),
    "loop of a dict": tasks("loop", 2, "- debug: msg=x\n  loop: '{{ {1: 2} }}'", at="site.yml:5"),
    "bad serial": plays("'serial'", 4, PLAY + "  serial: lots\n  tasks: []\n", at="site.yml:3:11", oracle=250),
    "bad serial from a template": plays(
        "'serial'", 4, PLAY + "  serial: '{{ \"lots\" }}'\n  tasks: []\n", at="site.yml:3:11", oracle=250
    ),
    "bad max_fail_percentage from a template": plays(
        "max_fail_percentage", 4, PLAY + "  max_fail_percentage: '{{ \"lots\" }}'\n  tasks: []\n", at="site.yml:3"
    ),
    "bad async": tasks("async", 2, "- command: 'true'\n  async: '{{ \"soon\" }}'", at="site.yml:5"),
    "bad poll": tasks("poll", 2, "- command: 'true'\n  async: 5\n  poll: '{{ \"soon\" }}'", at="site.yml:6"),
    "endless async": tasks("async", 2, "- command: 'true'\n  async: '{{ \"inf\" | float }}'", at="site.yml:5"),
    "bad retries": tasks("retries", 2, "- command: 'true'\n  until: true\n  retries: '{{ \"x\" }}'", at="site.yml:6"),
    "bad throttle": tasks("throttle", 4, "- command: 'true'\n  throttle: '{{ \"x\" }}'", at="site.yml:5", oracle=1),
    "bad run_once": tasks("run_once", 4, "- command: 'true'\n  run_once: '{{ \"x\" }}'", at="site.yml:5", oracle=2),
    "bad become": tasks("become", 2, "- command: 'true'\n  become: '{{ \"x\" }}'", at="site.yml:5"),
    "bad gather_facts": plays(
        "gather_facts", 4, "- hosts: all\n  gather_facts: '{{ \"x\" }}'\n  tasks: []\n", at="site.yml:2"
    ),
    "bad become variable": tasks(
        "ansible_become",
        2,
        "- ping:",
        goes_on="b",
        inventory="a ansible_connection=local ansible_become=perhaps\nb ansible_connection=local\n",
    ),
    "bad port": tasks(
        "ansible_port", 2, "- ping:", goes_on="b", inventory="a ansible_port=ssh\nb ansible_connection=local\n"
    ),
    "port out of range": tasks(
        "port",
        2,
        "- ping:",
        goes_on="b",
        inventory="a ansible_host=127.0.0.1 ansible_port=99999\nb ansible_connection=local\n",
        oracle=4,
    ),
    "bad timeout": tasks(
        "ansible_timeout",
        2,
        "- ping:",
        goes_on="b",
        inventory="a ansible_host=127.0.0.1 ansible_timeout=soon\nb ansible_connection=local\n",
    ),
    "bad host key checking": tasks(
        "host_key_checking",
        2,
        "- ping:",
        goes_on="b",
        inventory="a ansible_host=127.0.0.1 ansible_host_key_checking=perhaps\nb ansible_connection=local\n",
        oracle=4,
    ),
    "a list of environment": tasks(
        "environment", 0, "- command: 'true'\n  environment: [a]", at="site.yml:5", goes_on="a b"
    ),
    "a dict where text has to be": tasks("", 2, "- command: {cmd: {a: 1}}", at="site.yml:4"),
    "meta of nothing": tasks("", 2, "- meta: flush_handler", at="site.yml:4", oracle=1),
    "add_host without a name": tasks("", 2, "- add_host: {groups: x}", at="site.yml:4"),
    "add_host with groups of a dict": tasks("", 2, "- add_host: {name: x, groups: 5}", at="site.yml:4"),
    "assert of nothing": tasks("", 2, "- assert:", at="site.yml:4"),
    "set_fact of a bad name": tasks("a b", 2, "- set_fact: {'a b': 1}", at="site.yml:4"),
    "pause of a word": tasks("seconds", 2, "- pause: {seconds: long}", at="site.yml:4"),
    "async_status without jid": tasks("jid", 2, "- async_status:", at="site.yml:4"),
    "include_vars of a list": tasks("mapping", 2, "- include_vars: v.yml", at="site.yml:4", v__yml="[1]\n"),
    "include_vars with a bad pattern": tasks(
        "", 2, "- include_vars: {dir: '{{ playbook_dir }}', files_matching: '['}", at="site.yml:4"
    ),
    # ---- files
    "missing playbook": Wrong("could not be found", 1, {"other.yml": ""}),
    "missing include": tasks("nope.yml", 2, "- include_tasks: nope.yml", at="site.yml:4"),
    "missing import": tasks("nope.yml", 1, "- import_tasks: nope.yml", at="site.yml:4"),
    "missing import_playbook": plays("nope.yml", 1, "- import_playbook: nope.yml\n", at="site.yml:1"),
    "missing vars_files": plays("went-on", 0, PLAY + "  vars_files: [nope.yml]\n  tasks:\n" + WENT_ON, goes_on="a b"),
    "missing src": tasks("nope", 2, "- copy: {src: nope, dest: /nowhere}", at="site.yml:4"),
    "missing template": tasks("nope", 2, "- template: {src: nope.j2, dest: /nowhere}", at="site.yml:4"),
    "missing script": tasks("nope", 2, "- script: nope.sh", at="site.yml:4"),
    "a missing file of a lookup": tasks("nope", 2, "- debug: msg={{ lookup('file', 'nope') }}", at="site.yml:4"),
    "missing include_vars": tasks("nope.yml", 2, "- include_vars: nope.yml", at="site.yml:4"),
    "wrong tasks in an include": tasks(
        "", 4, "- include_tasks: more.yml", at="more.yml:1", more__yml="- dbug: msg=x\n"
    ),
    "broken YAML in an include": tasks("", 4, "- include_tasks: more.yml", at="more.yml:2:1", more__yml="- debug: {\n"),
    "a dict in an include": tasks(
        "", 4, "- include_tasks: more.yml", at="more.yml:1", more__yml="debug: x\n", oracle=2
    ),
    "nothing in an include": tasks("went-on", 0, "- include_tasks: more.yml", more__yml="", goes_on="a b"),
    "not UTF-8 in a template": tasks(
        "utf-8", 2, "- template: {src: t.j2, dest: /nowhere}", at="site.yml:4", t__j2=b"\xff\xfe{{ x }}\n"
    ),
    "not UTF-8 in vars_files": plays(
        "UTF-8", 4, PLAY + "  vars_files: [v.yml]\n  tasks:\n" + WENT_ON, v__yml=b"a: \xff\n"
    ),
    "not UTF-8 in include_vars": tasks("UTF-8", 2, "- include_vars: v.yml", v__yml=b"a: \xff\n"),
    "broken YAML in include_vars": tasks("v.yml", 2, "- include_vars: v.yml", v__yml="a: {\n"),
    "broken YAML in group_vars": Wrong("", 4, {"site.yml": GOOD, "group_vars/all.yml": "a: {\n"}, at="all.yml:2"),
    "a list in group_vars": Wrong("", 4, {"site.yml": GOOD, "group_vars/all.yml": "[1]\n"}, at="all.yml"),
    "not UTF-8 in host_vars": Wrong("UTF-8", 4, {"site.yml": GOOD, "host_vars/a.yml": b"a: \xff\n"}, at="a.yml"),
    # ---- inventories and patterns
    "empty inventory": Wrong(
        "provided hosts list is empty, only localhost is available", 0, {"site.yml": GOOD, "inventory": ""}
    ),
    "missing inventory": Wrong("nope", 0, {"site.yml": GOOD}, more=("-i", "nope")),
    "broken inventory": Wrong(
        "Invalid section entry", 1, {"site.yml": GOOD, "inventory": "[web\na\n"}, at="inventory:1:1", oracle=0
    ),
    "not UTF-8 in an inventory": Wrong(
        "UTF-8", 4, {"site.yml": GOOD, "inventory": b"a\xff ansible_connection=local\n"}, at="inventory:1:2", oracle=0
    ),
    "broken YAML inventory": Wrong(
        "YAML parsing failed", 1, {"site.yml": GOOD, "inv.yml": "all: {\n"}, oracle=0, more=("-i", "inv.yml")
    ),
    "no host of a pattern": plays(
        "Could not match supplied host pattern, ignoring: nobody", 0, "- hosts: nobody\n  tasks: []\n"
    ),
    "a broken pattern": plays("not a regular expression", 1, "- hosts: '~['\n  tasks: []\n", at="site.yml:1", oracle=0),
    "a limit that matches nothing": Wrong("", 1, {"site.yml": GOOD}, more=("--limit", "nobody")),
    "a limit of a missing file": Wrong("nope", 1, {"site.yml": GOOD}, more=("--limit", "@nope")),
    # ---- the command line and settings
    "unknown option": Wrong("--nope", 2, {"site.yml": GOOD}, more=("--nope",)),
    "bad forks": Wrong("forks", 2, {"site.yml": GOOD}, more=("--forks", "lots")),
    "no forks": Wrong("forks", 2, {"site.yml": GOOD}, more=("--forks", "0")),
    "bad extra vars": Wrong("", 2, {"site.yml": GOOD}, more=("-e", "hello"), oracle=0),
    "broken extra vars": Wrong("", 4, {"site.yml": GOOD}, more=("-e", "{a: ")),
    "missing extra vars": Wrong("nope.yml", 1, {"site.yml": GOOD}, more=("-e", "@nope.yml")),
    "extra vars of a list": Wrong("", 4, {"site.yml": GOOD}, more=("-e", "[1]"), oracle=5),
    "missing vault password file": Wrong("nope", 1, {"site.yml": GOOD}, more=("--vault-password-file", "nope")),
    "missing password file": Wrong("nope", 1, {"site.yml": GOOD}, more=("--connection-password-file", "nope")),
    "missing key": Wrong("went-on", 0, {"site.yml": GOOD}, more=("--private-key", "nope"), goes_on="a b"),
    "bad connection": Wrong(
        "telnet",
        2,
        {"site.yml": GOOD.replace("debug: msg=went-on", "ping:"), "inventory": "a\nb\n"},
        more=("-c", "telnet"),
    ),
    "bad timeout option": Wrong("timeout", 2, {"site.yml": GOOD}, more=("--timeout", "soon")),
    "bad forks in ansible.cfg": Wrong("forks", 5, {"site.yml": GOOD, "ansible.cfg": "[defaults]\nforks = lots\n"}),
    "bad ansible.cfg": Wrong("ansible.cfg", 5, {"site.yml": GOOD, "ansible.cfg": "forks = lots\n"}),
    "bad bool in ansible.cfg": Wrong(
        "host_key_checking", 5, {"site.yml": GOOD, "ansible.cfg": "[defaults]\nhost_key_checking = perhaps\n"}, oracle=0
    ),
    "not UTF-8 in ansible.cfg": Wrong(
        "ansible.cfg", 5, {"site.yml": GOOD, "ansible.cfg": b"[defaults]\nforks = \xff\n"}
    ),
    "bad variable": Wrong("ANSIBLE_FORKS", 5, {"site.yml": GOOD}, env={"ANSIBLE_FORKS": "lots"}),
    "missing ANSIBLE_CONFIG": Wrong(
        "nope.cfg", 0, {"site.yml": GOOD}, env={"ANSIBLE_CONFIG": "nope.cfg"}, goes_on="a b"
    ),
    "bad strategy variable": Wrong("liner", 4, {"site.yml": GOOD}, env={"ANSIBLE_STRATEGY": "liner"}, oracle=1),
    # ---- both good and bad
    "duplicate keys": plays(
        "duplicate", 0, PLAY + "  tasks:\n    - debug: msg=lost\n  tasks:\n" + WENT_ON, at="site.yml:5:3", goes_on="a b"
    ),
    "the second play is wrong": plays(
        "'taks' is not a valid attribute for a Play", 4, GOOD + "- hosts: all\n  taks: []\n", at="site.yml:6:3"
    ),
    "the second play fails at run time": plays(
        "'nobody' is undefined", 4, GOOD + "- hosts: '{{ nobody }}'\n  tasks: []\n", at="site.yml:5:10", goes_on="a b"
    ),
    "the second playbook is missing": Wrong("nope.yml", 1, {"site.yml": GOOD}, more=("nope.yml",)),
    "missing interpreter": tasks(
        "/nowhere/python",
        2,
        "- ping:",
        goes_on="b",
        inventory="a ansible_connection=local ansible_python_interpreter=/nowhere/python\nb ansible_connection=local\n",
    ),
    "an interpreter that is none": tasks(
        "/bin/false",
        2,
        "- ping:",
        goes_on="b",
        inventory="a ansible_connection=local ansible_python_interpreter=/bin/false\nb ansible_connection=local\n",
        oracle=2,
    ),
    # ---- the home of nobody
    "extra vars of nobody": Wrong("could not be found", 1, {"site.yml": GOOD}, more=("-e", "@~nobody-there/x.yml")),
    "import_tasks of nobody": tasks("nobody-there", 1, "- import_tasks: ~nobody-there/x.yml", at="site.yml:4"),
    "include_tasks of nobody": tasks("nobody-there", 2, "- include_tasks: ~nobody-there/x.yml", at="site.yml:4"),
    "import_playbook of nobody": plays("nobody-there", 1, "- import_playbook: ~nobody-there/x.yml\n", at="site.yml:1"),
    "src of nobody": tasks("nobody-there", 2, "- copy: {src: ~nobody-there/x, dest: /nowhere}", at="site.yml:4"),
    "a vault password file of nobody": Wrong(
        "nobody-there", 1, {"site.yml": GOOD}, more=("--vault-id", "~nobody-there/x")
    ),
    "a long name": tasks(
        "Could not find or access", 2, "- include_tasks: \"{{ 'x' * 5000 }}\"", at="site.yml:4", oracle=4
    ),
}
