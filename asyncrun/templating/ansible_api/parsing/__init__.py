"""ansible.parsing: files, arguments and data formats."""
