"""hash_behaviour through us and through ansible-core: every task prints the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compat import oracle
from tests.e2e.command import playbook
from tests.engine.test_merge import FILES, SITE

pytestmark = [oracle.needed, pytest.mark.slow, pytest.mark.timeout(400)]
ROLES = """
- hosts: a
  gather_facts: false
  vars: {d: {play: 1}}
  roles: [one, {role: two, vars: {d: {param: 1}}}]
  tasks:
    - debug: {msg: "{{ d.items() | sort }} {{ k.items() | sort }}"}
    - include_role: {name: three, public: true}
      vars: {d: {given: 1}}
    - debug: {msg: "{{ d.items() | sort }} {{ k.items() | sort }}"}
    - debug: {msg: "{{ hostvars.a.d.items() | sort }}"}
"""
INCLUDED = """
- hosts: a
  gather_facts: false
  vars: {d: {play: 1, who: play}}
  tasks:
    - include_vars: {file: more.yml, hash_behaviour: merge}
    - include_vars: {file: again.yml, hash_behaviour: replace}
    - debug: {var: d}
    - include_vars: {file: file.yml, hash_behaviour: merge, name: d}
    - debug: {var: d}
    - include_vars: {file: more.yml}
    - debug: {var: d}
"""


def roles() -> dict[str, str]:
    """Three roles that say the same names."""
    texts = {
        "tasks": "- debug: {msg: \"ROLE {{ d.items() | sort }} {{ k.items() | sort }}\"}\n",
        "defaults": "d: {ROLE_default: 1, who: ROLE}\nk: {ROLE: 1, who: ROLE}\n",
        "vars": "d: {ROLE_var: 1, who: ROLE}\n",
    }
    return {f"roles/{role}/{kind}/main.yml": text.replace("ROLE", role)
            for role in ("one", "two", "three") for kind, text in texts.items()}


@pytest.mark.parametrize("behaviour", ["merge", "replace"])
@pytest.mark.parametrize(("site", "files"), [(SITE, {}), (INCLUDED, {}), (ROLES, roles())],
                         ids=["sources", "include_vars", "roles"])
def test_the_same_is_printed(tmp_path: Path, site: str, files: dict[str, str], behaviour: str) -> None:
    for name, text in {"site.yml": site, "hosts": "[fleet]\na ansible_connection=local\n", **FILES, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    command = ("-i", tmp_path / "hosts", tmp_path / "site.yml", "-e", '{"d": {"extra": 1}}')
    env = {"ANSIBLE_HASH_BEHAVIOUR": behaviour}
    ours = playbook(*command, env={**env, "ASYNCRUN_STATE_DIR": str(tmp_path / "state")}).ok()
    theirs = oracle.ansible_playbook(tmp_path, *command, env=env).ok()
    assert ours.out.strip() == theirs.out.strip()
