"""Filters of a project, as people write them for Ansible."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.text.converters import to_text
from jinja2 import pass_context


def shout(value, mark="!"):
    return to_text(value).upper() + mark


def refuse(value):
    raise AnsibleFilterError(f"no good: {value}")


def template(value):
    return "{{ 1 + 1 }}"


def grown(value):
    value["grown"] = True
    return value


@pass_context
def variable(context, name):
    return context[name]


class FilterModule:
    def filters(self):
        return {
            "shout": shout, "refuse": refuse, "a_template": template, "variable": variable, "grown": grown,
            "flatten": lambda value: "ours", "where": lambda value: "playbook",
        }
