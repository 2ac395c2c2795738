"""A line now and then while a long task says nothing, where no terminal shows it: CI systems end what is silent."""

from __future__ import annotations

import time
from collections.abc import Callable

from asyncrun.output.footer import Footer
from asyncrun.output.screen import GRAY, Look, Screen


class Heartbeat:
    """Writes what still runs when nothing was written for `look.progress_interval` seconds; 0: never."""

    def __init__(self, screen: Screen, footer: Footer, look: Look, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen, self._footer, self._clock = screen, footer, clock
        self._every = 0.0 if look.live else look.progress_interval

    def tick(self) -> None:
        """Time has passed."""
        if self._every and self._footer.busy and self._clock() - self._screen.written >= self._every:
            self._screen.line(self._footer.still_running(), GRAY)
