"""ansible.module_utils.common: texts, collections, checks."""
