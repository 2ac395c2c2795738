"""A lookup of a project with options, as people write them for Ansible."""

from __future__ import annotations

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: greet
short_description: says hello
description: says hello
options:
  _terms:
    description: whom to greet
  word:
    description: what to say
    default: hello
    vars: [{name: greet_word}]
    env: [{name: GREET_WORD}]
  times:
    description: how often
    type: int
    default: 1
"""


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        if "nobody" in terms:
            raise AnsibleError("nobody is there")
        return [" ".join([self.get_option("word")] * self.get_option("times") + [term]) for term in terms]
