"""What trees are made of: tasks in every way people write them, and roles, each with the number of its listed tasks."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent

VAULTED = """secret: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  33363965326261303165336566303439393939393939393939393939393939393939393939393939
  6261303165336566
"""


@dataclass(frozen=True)
class Form:
    """A way to write tasks. `tasks`: how many --list-tasks shows of it; `more`: how many files beside it hold."""

    text: str
    tasks: int = 1
    more: int = 0


BESIDE = "- name: Extra step\n  debug: msg=1\n- command: 'true'\n  tags: [deep]\n"
EXTRA = 2                  # tasks in the file that imports name
FORMS = (
    Form("- name: Install what @ needs\n  ansible.builtin.apt: {name: [curl, gpg], state: present}\n"
         "  when: ansible_os_family | default('') == 'Debian'\n"),
    Form('- copy: src=a@ dest="/etc/{{ dir | default("x") }}/a@" mode=0644\n  notify: restart everything\n'),
    Form('- name: "Wait for {{ item }} (@)"\n  command: >-\n    /bin/true --number=@\n    --words "x y"\n'
         '  args:\n    chdir: /\n    creates: /nowhere\n  with_items: "{{ things | default([]) }}"\n'
         "  register: said@\n  changed_when: false\n  until: said@ is success\n  retries: 2\n  delay: 1\n"),
    Form("- action: template src=x.j2 dest=/tmp/x@\n  notify:\n    - restart everything\n"),
    Form("- local_action: command true @\n  run_once: true\n"),
    Form("- name: Together @\n  block:\n    - name: First\n      debug: msg=one\n    - debug: {var: x}\n"
         "      tags: inner\n  rescue:\n    - debug: msg=mended\n  always:\n    - debug: msg=done\n"
         "  when: wanted | default(true)\n  become: yes\n  tags: [together]\n", tasks=2),
    Form("- include_tasks: extra.yml\n  loop: [1, 2]\n  loop_control: {loop_var: outer, label: '{{ outer }}'}\n"
         "  tags: [extra]\n"),
    Form("- name: Included with tags\n  include_tasks:\n    file: extra.yml\n    apply: {tags: [applied]}\n"
         "  tags: applied\n"),
    Form("- import_tasks: extra.yml\n  tags: [imported]\n  when: '(@ | int) > 0'\n", tasks=0, more=EXTRA),
    Form('- ansible.builtin.import_tasks: "{{ which }}.yml"\n  vars: {which: extra}\n', tasks=0, more=EXTRA),
    Form("- ansible.builtin.include_role:\n    name: leaf\n    tasks_from: other\n    apply: {tags: [leafy]}\n"
         "  tags: leafy\n"),
    Form("- import_role: {name: leaf, tasks_from: other.yml}\n  vars: {leaf_of: role@}\n", tasks=0, more=1),
    Form("- meta: flush_handlers\n"),
    Form("- set_fact:\n    raw: !unsafe '{{ not a template'\n    low: &base@ {x: 1, y: 2}\n"
         "    more:\n      <<: *base@\n      z: 3\n  no_log: true\n"),
    Form("- name: Größe prüfen – № @\n  debug: msg='ä → ö'\n"),
    Form("- name: Asked for by name only\n  shell: |\n    set -e\n    echo @ | tee x=y\n"
         "  args: {executable: /bin/bash}\n  tags: [never, probe]\n", tasks=0),
    Form("- fail: msg='not this'\n  when:\n    - missing is defined\n    - not (missing | bool)\n  tags: always\n"),
    Form("- uri: {url: http://localhost:80/path?query=1, status_code: [200, 404]}\n  delegate_to: localhost\n"
         "  ignore_errors: true\n"),
    Form("- service: name=thing state=restarted enabled=yes\n  become: true\n  become_user: root\n  throttle: 2\n"
         "  environment: '{{ proxies | default({}) }}'\n  with_dict: '{{ table | default({}) }}'\n"),
    Form("- assert:\n    that:\n      - port is not defined or port | int > 0     # a comment\n    fail_msg: >\n"
         "      Wrong port,\n      see the docs\n  vars:\n    helper: [1, 2]\n"),
)


def tasks(rng: random.Random, number: int, name: str) -> tuple[str, int]:
    """The text of so many entries, and how many tasks are listed of them."""
    chosen = [rng.choice(FORMS) for _ in range(number)]
    text = "".join(form.text.replace("@", f"{at}") for at, form in enumerate(chosen, 1))
    return f"# tasks of {name}\n---\n{text}" if text else "[]\n", sum(form.tasks + form.more for form in chosen)


def indented(text: str, by: int) -> str:
    """A list of tasks without its start, moved to the right."""
    return indent(text.partition("---\n")[2] or text, " " * by)


@dataclass
class Role:
    """A role to be written; `listed` is what --list-tasks shows of it, its dependencies before it."""

    name: str
    entries: int
    needs: list[Role] = field(default_factory=list)
    folder_defaults: bool = False
    checked: bool = False              # it has an argument spec
    windows: bool = False              # its tasks have CRLF at the ends of lines
    listed: int = 0

    def write(self, roles: Path, rng: random.Random) -> Role:
        """Write it below `roles`."""
        place = roles / self.name
        text, own = tasks(rng, self.entries, self.name)
        self.listed = own + self.checked + sum(role.listed for role in self.needs)
        write(place / "tasks/main.yml", text.replace("\n", "\r\n") if self.windows else text)
        write(place / "tasks/extra.yml", BESIDE)
        word = self.name.replace("-", "_").replace("/", "_")
        defaults = f"---\n{word}_port: 80\n{word}_list: [a, b]\ndir: '{{{{ {word}_port }}}}'\n"
        if self.folder_defaults:
            write(place / "defaults/main/one.yml", defaults)
            write(place / "defaults/main/two.yaml", VAULTED)
        else:
            write(place / "defaults/main.yml", defaults)
            write(place / "vars/main.yml", f"{word}_fixed: yes\n")
        write(place / "handlers/main.yml", HANDLERS.replace("@", self.name))
        write(place / "meta/main.yml", self._meta())
        if self.checked:
            write(place / "meta/argument_specs.yml",
                  f"argument_specs:\n  main:\n    short_description: Of {self.name}\n"
                  f"    options:\n      {word}_port: {{type: int, default: 80}}\n")
        return self

    def _meta(self) -> str:
        lines = ["galaxy_info: {author: somebody, license: MIT, min_ansible_version: '2.9'}", "dependencies:"]
        for at, role in enumerate(self.needs):
            if at % 2:
                lines.append(f"  - {role.name}")
            else:
                lines += [f"  - role: {role.name}", f"    needed_by: {self.name}", f"    tags: [needed, {role.name}]",
                          "    when: wanted | default(true)"]
        return "\n".join(lines if self.needs else [*lines[:-1], "dependencies: []"]) + "\n"


HANDLERS = """- name: restart @
  service: name=@ state=restarted
  listen: restart everything
- name: reload @
  command: "true"
  listen: [reload all, "@ changed"]
"""


def leaf(roles: Path) -> None:
    """The role that others include and import parts of."""
    write(roles / "leaf/tasks/main.yml", "- debug: msg=main\n")
    write(roles / "leaf/tasks/other.yml", "---\n- name: Leaf of {{ leaf_of | default('none') }}\n  debug: msg=other\n")


def link(path: Path, target: str) -> None:
    """A symbolic link, its folders with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def write(path: Path, text: str) -> None:
    """Write a file, its folders with it; the ends of lines stay as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
