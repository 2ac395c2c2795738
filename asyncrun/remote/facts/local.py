"""Facts: what the host's owner left in /etc/ansible/facts.d as *.fact files (on the target)."""

import configparser
import glob
import json
import os

from .. import process
from . import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional

    Facts = Dict[str, Any]
    Warn = Callable[[str], None]


def local(folder: str, warn: "Warn") -> "Facts":
    """`local`: a value for each *.fact file: what a program prints, or what a file holds; JSON or INI."""
    found: "Dict[str, Any]" = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.fact"))):
        name = os.path.basename(path)[:-len(".fact")]
        try:
            found[name] = _fact(path, warn)
        except OSError as error:
            found[name] = "Could not read fact file (%s): %s" % (path, error)
            warn(found[name])
    return {"local": found}


def _fact(path: str, warn: "Warn") -> "Any":
    if os.path.isfile(path) and os.stat(path).st_mode & 0o111:
        ran = process.run([path])
        if ran.rc:
            said = "Failure executing fact script (%s), rc: %s, err: %s" % (path, ran.rc, ran.err)
            warn(said)
            return said
        content = ran.out_bytes.decode("utf-8", "replace")
    else:
        os.stat(path)
        content = reading.text(path)
    value = _value(content)
    if value is None:
        said = "error loading facts as JSON or ini - please check content: %s" % path
        warn(said)
        return said
    return value


def _value(content: str) -> "Any":
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return _sections(content)


def _sections(content: str) -> "Optional[Dict[str, Dict[str, str]]]":
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(content)
    except configparser.Error:
        return None
    return {section: dict(parser.items(section)) for section in parser.sections()}
