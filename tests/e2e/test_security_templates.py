"""V01: what comes back from a host is data. It is never a template, and never an expression, wherever it is used."""

from __future__ import annotations

import json

import pytest

from tests.e2e.security import Pair, pair

__all__ = ["pair"]      # a fixture

# Where the text of host `evil` is used; each is a task (or a few) that stands after the one that read it.
USES: dict[str, str] = {
    "debug": "- debug: msg={{ r.stdout }}\n- debug: msg='a {{ r.stdout }} b'\n- debug: var=r\n- debug: var=r.stdout",
    "debug var with braces": "- debug: {var: '{{ r.stdout }}'}",
    "set_fact": "- set_fact:\n    f: >\n      {{ r.stdout }}\n    g: '{{ r.stdout }}'\n"
                "    '{{ \"h\" }}': '{{ r.stdout }}'\n"
                "- debug: msg='{{ f }} {{ g }} {{ h }}'\n- debug: var=g\n- set_fact: {i: '{{ g }}', cacheable: true}\n"
                "- debug: msg='{{ i }} {{ ansible_facts.i }}'",
    "when": "- debug: msg=x\n  when: r.stdout",
    "when with braces": "- debug: msg=x\n  when: '{{ r.stdout }}'",
    "when of a variable": "- debug: msg=x\n  when: '{{ condition }}'\n  vars: {condition: '{{ r.stdout }}'}",
    "that": "- assert: {that: r.stdout}",
    "that with braces": "- assert: {that: '{{ r.stdout }}'}",
    "a list of that": "- assert: {that: ['{{ r.stdout }}']}",
    "that of a template for all": "- assert: '{{ {\"that\": r.stdout} }}'",
    "that of a template for all, a list": "- assert: '{{ {\"that\": [r.stdout]} }}'",
    "that of args": "- assert:\n  args: {that: '{{ r.stdout }}'}",
    "that of module_defaults": "- assert:\n  module_defaults: {assert: {that: '{{ r.stdout }}'}}",
    "that of a variable": "- assert: {that: '{{ conditions }}'}\n  vars: {conditions: ['{{ r.stdout }}']}",
    "that's message": "- assert: {that: false, fail_msg: '{{ r.stdout }}'}",
    "until": "- command: 'true'\n  until: r.stdout\n  retries: 1\n  delay: 0",
    "until with braces": "- command: 'true'\n  until: '{{ r.stdout }}'\n  retries: 1\n  delay: 0",
    "failed_when": "- command: 'true'\n  failed_when: r.stdout",
    "failed_when with braces": "- command: 'true'\n  failed_when: '{{ r.stdout }}'",
    "changed_when with braces": "- command: 'true'\n  changed_when: '{{ r.stdout }}'",
    "break_when with braces": "- debug: msg=x\n  loop: [1]\n  loop_control: {break_when: '{{ r.stdout }}'}",
    "loop": "- debug: msg={{ item }}\n  loop: '{{ r.stdout_lines }}'\n- debug: msg={{ item }}\n"
            "  with_items: '{{ r.stdout }}'\n"
            "- debug: msg={{ item.a }}\n  loop: [{a: '{{ r.stdout }}'}]\n"
            "  loop_control: {label: '{{ item }} {{ r.stdout }}'}\n"
            "- debug: var=item\n  loop: '{{ [r.stdout] }}'\n- debug: {var: '{{ item }}'}\n  loop: '{{ [r.stdout] }}'",
    "a template file": "- template: {src: t.j2, dest: '{{ playbook_dir }}/{{ inventory_hostname }}.out'}\n"
                       "- debug: msg={{ lookup('template', 't.j2') }}",
    "the name of an include": "- include_tasks: '{{ r.stdout }}'",
    "the variables of an include": "- include_tasks: more.yml\n  vars: {passed: '{{ r.stdout }}'}\n"
                                   "- include_tasks: more.yml\n  loop: '{{ [r.stdout] }}'\n"
                                   "  loop_control: {loop_var: passed}",
    "include_vars": "- include_vars: '{{ r.stdout }}'",
    "delegate_to": "- ping:\n  delegate_to: '{{ r.stdout }}'",
    "another host's": "- debug: msg={{ hostvars.evil.r.stdout }}\n- debug: var=hostvars.evil.r\n"
                      "- debug: msg={{ x }}\n  vars: {x: '{{ hostvars[\"evil\"].r.stdout }}'}\n"
                      "- debug: msg={{ hostvars | to_json }}\n- debug: msg={{ hostvars['evil'] | to_nice_yaml }}",
    "nested vars": "- debug: msg={{ x }}\n  vars: {x: '{{ y }}', y: '{{ z.a[0] }}', z: {a: ['{{ r.stdout }}']}}",
    "a name": "- name: 'task {{ r.stdout }}'\n  debug: msg=x",
    "environment": "- command: printenv X\n  environment: {X: '{{ r.stdout }}'}\n  register: e\n"
                   "- debug: msg={{ e.stdout }}",
    "a notified handler": "- command: 'true'\n  notify: '{{ r.stdout }}'",
    "group_by": "- group_by: {key: '{{ r.stdout }}'}\n- debug: msg={{ groups }}",
    "add_host": "- add_host: {name: new, groups: fresh, v: '{{ r.stdout }}', w: {a: ['{{ r.stdout }}']}}\n"
                "- debug: msg='{{ hostvars.new.v }} {{ hostvars.new.w.a[0] }}'\n- debug: var=hostvars.new.w",
    "set_stats": "- set_stats: {data: {s: '{{ r.stdout }}'}}",
    "an error's message": "- fail: msg={{ r.stdout }}\n  ignore_errors: true\n  register: f\n- debug: msg={{ f.msg }}",
    "a rescue": "- block:\n    - fail: msg={{ r.stdout }}\n  rescue:\n    - debug: msg={{ ansible_failed_result.msg }}",
    "filters": "- debug:\n"
               "    msg: \"{{ r.stdout | quote }} {{ [r] | map(attribute='stdout') | list }} {{ r | to_json | "
               "from_json }}\"\n"
               "- debug: msg={{ r.stdout | from_yaml }}\n- debug: msg={{ '%s' | format(r.stdout) }}\n"
               "- debug:\n"
               "    msg: \"{{ q('vars', 'r') }} {{ lookup('dict', {'a': r.stdout}) }} {{ q('items', [r.stdout]) }}\"",
    "a lookup of a name": "- debug: msg={{ lookup('vars', r.stdout) }}",
    "a lookup by a name": "- debug: msg={{ lookup(r.stdout) }}",
    "arguments": "- command: \"{{ {'cmd': 'echo ' ~ r.stdout} }}\"\n- shell: echo {{ r.stdout | quote }}\n"
                 "- command:\n    argv: [echo, '{{ r.stdout }}']",
    "module_defaults": "- command:\n  module_defaults: {command: {cmd: 'echo {{ r.stdout }}'}}",
    "keywords": "- command: 'true'\n  become_user: '{{ r.stdout }}'\n  become_flags: '{{ r.stdout }}'\n"
                "  async: '{{ r.stdout }}'",
    "a job": "- command:\n    argv: [echo, '{{ r.stdout }}']\n  async: 10\n  poll: 1\n  register: j\n"
             "- debug: msg={{ j.stdout }}",
    "facts": "- debug: msg='{{ fact }} {{ ansible_facts.fact }} {{ ansible_facts }}'\n- debug: msg=x\n"
             "  when: fact\n- debug: {var: '{{ fact }}'}",
}
TEXTS = {
    "template": '{{ lookup("pipe", "touch %s") }}',
    "expression": 'lookup("pipe", "touch %s")',
    "statement": '{%% set x = lookup("pipe", "touch %s") %%}',
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_hosts_text_is_never_evaluated(pair: Pair, kind: str) -> None:
    """Every use in a play of its own, all in one run; each may fail, none may do what the text says."""
    text = TEXTS[kind] % pair.pwned
    pair.write("evil.txt", text)
    pair.write("answer", json.dumps({"changed": False, "ansible_facts": {"fact": text}}))
    pair.write("t.j2", "{{ r.stdout }} {% if r.stdout %}{{ r.stdout_lines[0] }}{% endif %}\n")
    pair.write("more.yml", "- debug: msg={{ passed }}\n- debug: var=passed\n")
    plays = f"""\
- hosts: all
  gather_facts: false
  tasks:
    - command: cat {pair.folder}/evil.txt
      register: r
    - evil: {{say: '{pair.folder}/answer'}}
"""
    for name, use in USES.items():
        if name == "a notified handler":       # ends the run, as in Ansible: see below
            continue
        lines = "".join(f"        {line}\n" for line in use.splitlines())
        plays += (f"- name: {name}\n  hosts: evil:good\n  gather_facts: false\n  ignore_errors: true\n"
                  f"  ignore_unreachable: true\n  tasks:\n"
                  f"    - block:\n{lines}      rescue:\n        - debug: msg=refused\n    - debug: msg=done\n")
    ended = pair.play(plays + "- hosts: new\n  gather_facts: false\n  tasks:\n    - debug: msg='{{ v }} {{ w }}'\n")
    assert not pair.pwned.exists(), ended.out
    ends = {part.partition("]")[0]: part.count('"msg": "done"') for part in ended.out.split("\nPLAY [")}
    assert {name: ends.get(name) for name in USES if ends.get(name) != 2} == {"a notified handler": None}, ended.out
    for host in ("evil", "good"):
        assert text.replace("%%", "%") in pair.folder.joinpath(f"{host}.out").read_text(), "it is there, as it came"


def test_a_handler_named_by_a_host(pair: Pair) -> None:
    pair.write("evil.txt", TEXTS["template"] % pair.pwned)
    ended = pair.tasks(f"    - command: cat {pair.folder}/evil.txt\n      register: r\n"
                       "    - command: 'true'\n      notify: '{{ r.stdout }}'\n")
    assert ended.code == 1
    assert "was not found" in ended.err
    assert not pair.pwned.exists()
