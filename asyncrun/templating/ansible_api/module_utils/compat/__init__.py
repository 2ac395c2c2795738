"""ansible.module_utils.compat: what Python versions differ in."""
