"""Runs modules written for Ansible's own library, with stand-ins for what they import of it (on the target)."""
