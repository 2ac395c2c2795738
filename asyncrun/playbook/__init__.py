"""Playbooks: what the author wrote, read into frozen values with all inheritance settled."""
