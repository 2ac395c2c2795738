"""ansible.module_utils.parsing: what words mean."""
