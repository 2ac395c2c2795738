"""asyncrun: runs Ansible playbooks, with asynchronous tasks that are fast, honest and easy to follow."""

__version__ = "0.1.0"
