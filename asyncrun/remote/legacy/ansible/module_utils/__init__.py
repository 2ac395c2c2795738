"""Stands in for `ansible.module_utils`: what other people's modules import of Ansible's library, by the same names."""
