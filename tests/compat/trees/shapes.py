"""Four trees, in the shapes and sizes of kubespray, debops, ceph-ansible and openshift-ansible, with what they hold."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.compat.trees.parts import BESIDE, Role, indented, leaf, link, tasks, write

GROUPS = ("control", "workers", "etcd", "mons", "osds", "masters", "nodes", "debops_all_hosts")
HOSTS = 6


@dataclass(frozen=True)
class Made:
    """A playbook of a tree, with the numbers of its plays and of the tasks that --list-tasks shows."""

    playbook: Path
    plays: int
    tasks: int


def inventory(folder: Path) -> Path:
    """Groups of groups, hosts with ranges, and group_vars beside them; a value of a vault among these."""
    lines = [f"node[1:{HOSTS}] ansible_connection=local"]
    for at, group in enumerate(GROUPS):
        lines += [f"[{group}]", f"node{at % HOSTS + 1}", f"node{(at + 3) % HOSTS + 1}"]
    path = folder / "inventory/hosts.ini"
    write(path, "\n".join([*lines, "[cluster:children]", *GROUPS[:3], "[cluster:vars]", "flavour=small"]) + "\n")
    write(folder / "inventory/group_vars/all/main.yml", "---\nproxies: {http_proxy: ''}\n")
    write(folder / "inventory/group_vars/cluster.yml", "things: [a, b]\nwanted: true\n")
    return path


def kubespray(folder: Path) -> Made:
    """A chain of import_playbook, plays with role params and tags, roles below roles/x/y, dependencies."""
    rng = random.Random("kubespray")
    roles = folder / "roles"
    leaf(roles)
    base = [Role(f"kubernetes/base{n}", 12, windows=n == 0).write(roles, rng) for n in range(12)]
    middle = [Role(f"network_plugin/net{n}", 14, rng.sample(base, 2), folder_defaults=True).write(roles, rng)
              for n in range(25)]
    top = [Role(f"kubernetes-apps/app{n}", 10, rng.sample(middle, n % 2)).write(roles, rng) for n in range(40)]
    listed, lines = 0, []
    for number, group in enumerate(("all", "etcd", "cluster:!etcd", "control[0]")):
        chosen = [*base[number * 3:number * 3 + 3], *top[number * 10:number * 10 + 10]]
        lines += [f"- name: Play for {group}", f"  hosts: {group}", "  gather_facts: false",
                  '  any_errors_fatal: "{{ stop_early | default(true) }}"', "  environment: '{{ proxies }}'",
                  "  roles:"]
        for role in chosen:
            lines.append(f'    - {{role: {role.name}, tags: [{role.name.partition("/")[0]}, install], '
                         f'when: "flavour is defined", container: "{number}", port: 80}}')
            listed += role.listed
    write(folder / "playbooks/cluster.yml", "---\n" + "\n".join(lines) + "\n")
    write(folder / "playbooks/facts.yml", FACTS)
    link(folder / "playbooks/roles", "../roles")
    write(folder / "cluster.yml", "---\n- name: Facts\n  import_playbook: playbooks/facts.yml\n"
          "- import_playbook: playbooks/cluster.yml\n  tags: [cluster]\n  when: true\n  vars: {level: 1}\n")
    return Made(folder / "cluster.yml", 5, listed + 2)


FACTS = """- hosts: all:localhost
  tags: always
  gather_facts: "{{ gather | default(false) }}"
  vars_files: [vars/common.yml, [vars/missing.yml, vars/other.yml]]
  tasks:
    - setup: gather_subset=min
    - name: Keep them
      set_fact: {known: true}
      delegate_to: "{{ item }}"
      delegate_facts: true
      with_items: "{{ groups['all'] }}"
"""


def debops(folder: Path) -> Made:
    """200 small plays, each with env roles, role dependencies given as lists in variables, and many tags."""
    rng = random.Random("debops")
    roles = folder / "roles"
    leaf(roles)
    found = [Role(f"thing{n}", 8, folder_defaults=n % 3 == 0, checked=n % 10 == 0).write(roles, rng)
             for n in range(120)]
    link(folder / "playbooks/service/roles", "../../roles")
    listed, imports = 0, []
    for number, role in enumerate(found):
        env, other = found[(number * 7) % 120], found[(number * 11) % 120]
        write(folder / f"playbooks/service/{role.name}.yml", DEBOPS.format(
            name=role.name, env=env.name, other=other.name, group=GROUPS[number % len(GROUPS)]))
        imports.append(f"- import_playbook: service/{role.name}.yml")
        listed += role.listed + env.listed + other.listed + 1
    write(folder / "playbooks/site.yml", "\n".join(imports) + "\n")
    return Made(folder / "playbooks/site.yml", len(found), listed)


DEBOPS = """---
- name: 'Manage {name}'
  collections: ['ansible.builtin']
  hosts: [ 'debops_all_hosts', '{group}' ]
  become: True
  environment: '{{{{ inventory__environment | d({{}}) | combine(playbook__environment | d({{}})) }}}}'
  pre_tasks:
    - name: Prepare {name}
      import_role: {{name: 'leaf', tasks_from: 'other'}}
      tags: [ 'role::{name}', 'always' ]
  roles:
    - role: {env}
      tags: [ 'role::{env}', 'skip::{env}' ]
      rules:
        - '{{{{ {name}__rules | d([]) }}}}'
    - role: {other}
      tags: 'role::{other}, {name}'
    - {name}
"""


def ceph(folder: Path) -> Made:
    """Few plays on many groups, each with pre_tasks and post_tasks and a long list of import_role and blocks."""
    rng = random.Random("ceph")
    roles = folder / "roles"
    leaf(roles)
    found = [Role(f"ceph-part{n}", 25, checked=n % 6 == 1).write(roles, rng) for n in range(30)]
    listed, lines = 0, []
    for number, group in enumerate((*GROUPS, "all")):
        own, count = tasks(rng, 6, group)
        own = own.replace("base", f"base_{number}_")          # an anchor's name may be used once in a file
        chosen = rng.sample(found, 6)
        listed += count + 2 + sum(role.listed for role in chosen)
        write(folder / "extra.yml", BESIDE)
        lines += [f"- hosts: {group}", "  gather_facts: no", "  become: True", "  serial: ['1', '20%']",
                  "  max_fail_percentage: 0", "  module_defaults: {copy: {mode: '0644'}, group/aws: {region: x}}",
                  "  handlers:", "    - {name: play handler, debug: {msg: h}, listen: reload all}", "  pre_tasks:",
                  f"    - {{name: Set {group} in progress, set_fact: {{started: '{number}'}}, run_once: true}}",
                  "  tasks:", indented(own, 4).rstrip("\n")]
        for role in chosen:
            lines += ["    - ansible.builtin.import_role:", f"        name: {role.name}", f"      tags: [{role.name}]",
                      f"      when: {number} | int >= 0"]
        lines += ["  post_tasks:", f"    - name: Set {group} complete", "      debug: msg={{ started }}",
                  "      tags: always"]
    write(folder / "site.yml", "---\n" + "\n".join(lines) + "\n")
    return Made(folder / "site.yml", len(GROUPS) + 1, listed)


def openshift(folder: Path) -> Made:
    """Playbooks that import playbooks five deep, private ones beside them, 300 roles with dependencies four deep."""
    rng = random.Random("openshift")
    roles = folder / "roles"
    leaf(roles)
    layers: list[list[Role]] = [[]]
    for depth in range(4):
        layers.append([Role(f"level{depth}_{n}", 4, rng.sample(layers[-1], min(depth, 1))).write(roles, rng)
                       for n in range(75)])
    plays, listed, imports = 0, 0, []
    for number, role in enumerate(layers[-1]):
        deepest = folder / f"playbooks/part{number}/private/config.yml"
        write(deepest, f"- name: Part {number} in Progress {{{{ phase | default('') }}}}\n  hosts: control\n"
              "  gather_facts: false\n  tasks:\n  - name: Checkpoint start\n    run_once: true\n    set_stats:\n"
              f"      data: {{part{number}: {{status: In Progress}}}}\n"
              f"- name: Configure {number}\n  hosts: masters:nodes\n  roles:\n  - role: {role.name}\n"
              f"    vars: {{a: 1}}\n    param_{number}: '{{{{ x }}}}'\n  - {layers[1][number].name}\n")
        link(deepest.parent / "roles", "../../../roles")
        write(folder / f"playbooks/part{number}/config.yml",
              f"- import_playbook: private/config.yml\n  vars: {{phase: '{number}'}}\n  tags: part{number}\n")
        imports.append(f"- import_playbook: ../part{number}/config.yml\n"
                       f"  when: install_{number} | default(true) | bool\n")
        plays, listed = plays + 2, listed + 1 + role.listed + layers[1][number].listed
    write(folder / "playbooks/deploy/all.yml", "".join(imports))
    write(folder / "playbooks/deploy.yml", "---\n- import_playbook: deploy/all.yml\n")
    write(folder / "site.yml", "- import_playbook: playbooks/deploy.yml\n")
    return Made(folder / "site.yml", plays, listed)


SHAPES: Mapping[str, Callable[[Path], Made]] = {
    "kubespray": kubespray, "debops": debops, "ceph-ansible": ceph, "openshift": openshift,
}
