"""Which modules of Python's own the names of six.moves mean; each is imported when it is first used: some are dear."""

import importlib
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOVES = "ansible.module_utils.six.moves"
MOVED = {
    "builtins": "builtins", "configparser": "configparser", "copyreg": "copyreg", "cPickle": "pickle",
    "html_entities": "html.entities", "html_parser": "html.parser", "http_client": "http.client",
    "http_cookiejar": "http.cookiejar", "http_cookies": "http.cookies", "BaseHTTPServer": "http.server",
    "queue": "queue", "reprlib": "reprlib", "socketserver": "socketserver", "_thread": "_thread",
    "urllib_error": "urllib.error", "urllib_parse": "urllib.parse", "urllib_robotparser": "urllib.robotparser",
    "urllib.error": "urllib.error", "urllib.parse": "urllib.parse", "urllib.request": "urllib.request",
    "urllib.response": "urllib.response", "urllib.robotparser": "urllib.robotparser",
}


class Moves(types.ModuleType):
    """A package whose parts are other modules."""

    within = ""

    def __getattr__(self, name: str) -> "Any":
        if name == "urllib" and not self.within:
            return Urllib(name)
        if self.within + name in MOVED:
            return importlib.import_module(MOVED[self.within + name])
        raise AttributeError("module %r has no attribute %r" % (self.__name__, name))


class Urllib(Moves):
    """six.moves.urllib."""

    within = "urllib."
