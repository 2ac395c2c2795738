"""dpkg_selections: what dpkg is to do with a package: keep it as it is, say."""

import re

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Set what dpkg is to do with a package.",
    "options": {
        "name": {"type": "str", "required": True, "doc": "The package."},
        "selection": {"type": "str", "required": True, "choices": ["install", "hold", "deinstall", "purge"],
                      "doc": "hold: it stays as it is; the others: what the next dselect-upgrade does."},
    },
    "check_mode": "full",
    "returns": {"before": "What it was.", "after": "What it is."},
    "examples": "- name: No other kernel for now\n  dpkg_selections:\n    name: linux-image-amd64\n"
                "    selection: hold\n",
}

NAME = re.compile(r"^[a-z0-9][a-z0-9+.-]*(?::[a-z0-9-]+)?$")


def run(m: "Module") -> "Dict[str, Any]":
    name, selection, dpkg = m.args["name"], m.args["selection"], m.need("dpkg")
    ran = m.run([dpkg, "--get-selections", name], env=process.PLAIN) if NAME.match(name) else None
    words = ran.out.split() if ran is not None and ran.rc == 0 else []
    if len(words) < 2:
        m.fail("Failed to find package '%s' to perform selection '%s'." % (name, selection))
    if m.change(words[1], selection):
        line = "%s %s\n" % (name, selection)
        m.run([dpkg, "--set-selections"], stdin=line.encode("ascii"), env=process.PLAIN, check_rc=True)
    return {"before": words[1], "after": selection}
