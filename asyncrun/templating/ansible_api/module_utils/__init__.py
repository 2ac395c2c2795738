"""ansible.module_utils: helpers that modules and plugins share; here those that plugins use."""
