"""Stands in for `ansible.release`: the version of ansible-core that playbooks and modules may count on."""

__version__ = "2.21.0"
__author__ = "asyncrun"
__codename__ = "asyncrun"
