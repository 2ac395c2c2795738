"""Stands in for `ansible.module_utils.common.text`."""
