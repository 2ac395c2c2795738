"""ansible.utils.display: what plugins say. Warnings go to the screen, once a run each; the rest is for logs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

_log = logging.getLogger("asyncrun.templating.ansible_api")      # asyncrun.plugins listens there


class Display:
    """Takes what Ansible's display takes."""

    verbosity = 0

    def __init__(self, verbosity: int = 0) -> None:
        self.verbosity = verbosity

    def display(self, msg: Any, *_args: Any, **_options: Any) -> None:
        """Say something."""
        _log.info("%s", msg)

    def warning(self, msg: Any, *_args: Any, **_options: Any) -> None:
        """Warn of something."""
        _log.warning("%s", msg)

    def error(self, msg: Any, *_args: Any, **_options: Any) -> None:
        """Tell of a failure that does not end the plugin."""
        _log.warning("%s", msg)

    error_as_warning = system_warning = warning

    def deprecated(self, msg: Any, *_args: Any, **_options: Any) -> None:
        """A plugin's author tells of changes to come: not the playbook's matter."""
        _log.info("%s", msg)

    def verbose(self, msg: Any, host: Any = None, caplevel: int = 2) -> None:      # noqa: ARG002
        """Say something to those who want to know more."""
        _log.debug("%s", msg)

    v = vv = vvv = vvvv = vvvvv = vvvvvv = debug = banner = verbose

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.display
