"""Stands in for `ansible.module_utils.parsing`."""
