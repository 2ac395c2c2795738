"""`python -m asyncrun` is `asyncrun-playbook`."""

from asyncrun.cli.playbook import main

main()
