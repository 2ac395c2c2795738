"""file: files, directories and links: that they are there, or not, and with which owner, mode and times."""

import errno
import os
import shutil
import stat
import time

from ..files import paths
from ..module import Failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ..module import Module

SPEC = {
    "summary": "Set the attributes of a file, directory or link, make one, or remove one.",
    "options": {
        "path": {"type": "path", "required": True, "aliases": ["dest", "name"], "doc": "What it is about."},
        "state": {"type": "str", "choices": ["absent", "directory", "file", "hard", "link", "touch"],
                  "doc": "What is to be there. Without it: what is there already; a directory under recurse."},
        "src": {"type": "path", "doc": "What a link (as it is written into the link) or hard link leads to."},
        "force": {"type": "bool", "default": False,
                  "doc": "For links: replace a file or an empty directory; allow a src that does not exist."},
        "follow": {"type": "bool", "default": True, "doc": "Where path is a link, mean what it leads to."},
        "recurse": {"type": "bool", "default": False,
                    "doc": "Attributes are for everything below as well (state=directory)."},
        "modification_time": {"type": "str", "doc": "preserve, now, or a time in modification_time_format."},
        "modification_time_format": {"type": "str", "default": "%Y%m%d%H%M.%S", "doc": "As strftime writes it."},
        "access_time": {"type": "str", "doc": "preserve, now, or a time in access_time_format."},
        "access_time_format": {"type": "str", "default": "%Y%m%d%H%M.%S", "doc": "As strftime writes it."},
    },
    "file_options": True,
    "check_mode": "full",
    "returns": {"path": "What it was about (dest for links, hard links and touch).", "state": "What is there now.",
                "mode": "Its permissions.", "owner": "Its owner.", "group": "Its group.", "size": "Its bytes."},
    "examples": """
- name: The folder of the shop's uploads
  file: {path: /srv/shop/uploads, state: directory, owner: www-data, mode: "0750"}
- name: The current release
  file: {src: /srv/shop/releases/42, path: /srv/shop/current, state: link}
- name: No old lock
  file: {path: /run/shop.lock, state: absent}
""",
}


def run(m: "Module") -> "dict[str, Any]":
    try:
        return _run(m, m.args["path"])
    except PermissionError as error:                  # a folder on the way, into which one may not look
        m.fail("%s cannot be reached: %s" % (m.args["path"], error), path=m.args["path"])


def _run(m: "Module", path: str) -> "dict[str, Any]":
    state = _state(m, path)
    if state not in ("link", "absent") and os.path.isdir(path) and m.args["src"]:
        path = os.path.join(path, os.path.basename(m.args["src"]))
    result = STATES[state](m, path)
    return dict(result, **paths.described(result.get("dest") or result["path"]))


def _state(m: "Module", path: str) -> str:
    state, args = m.args["state"], m.args
    if state is None:
        now = paths.state_of(path)
        state = now if now != "absent" else "directory" if args["recurse"] else "file"
    if args["recurse"] and state != "directory":
        m.fail("recurse option requires state to be 'directory'", path=path)
    if args["src"] and state not in ("link", "hard"):
        m.fail("src option requires state to be 'link' or 'hard'", path=path)
    return str(state)


# -- what is there -------------------------------------------------------------------------------------------------

def _file(m: "Module", path: str) -> "dict[str, Any]":
    """Attributes of what is there."""
    real = _followed(m, path)
    now = paths.state_of(real)
    if now not in ("file", "hard", "link") or (now == "link" and m.args["follow"]):
        m.fail("file (%s) is %s, cannot continue" % (real, now), **dict(paths.described(real), path=real, state=now))
    _settle(m, real, ("preserve", "preserve"), follow=m.args["follow"])
    return {"path": real}


def _followed(m: "Module", path: str) -> str:
    return os.path.realpath(path) if m.args["follow"] and os.path.islink(path) else path


def _touch(m: "Module", path: str) -> "dict[str, Any]":
    now = paths.state_of(path)
    if now == "absent":
        _make(m, path, "touch", stat.S_IFREG, lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)))
        if not m.check:
            _times(m, path, ("now", "now"), report=False)
        return {"dest": path}
    real = _followed(m, path)
    if paths.state_of(real) not in ("file", "directory", "hard", "link"):
        m.fail("Cannot touch other than files, directories, and hardlinks (%s is %s)" % (path, now), path=path)
    _settle(m, real, ("now", "now"), follow=m.args["follow"])
    return {"dest": path}


def _absent(m: "Module", path: str) -> "dict[str, Any]":
    now = paths.state_of(path)
    if now == "absent":
        return {"path": path, "state": "absent"}
    before = {"path": path, "state": now}  # type: dict[str, Any]
    if now == "directory" and m.wants_diff:
        before["path_content"] = _content(path)
    if m.change(before, {"path": path, "state": "absent"}):
        try:
            if now == "directory":
                shutil.rmtree(path)
            else:
                os.unlink(path)
        except OSError as error:
            if error.errno != errno.ENOENT:
                m.fail("%s failed: %s" % ("rmtree" if now == "directory" else "unlinking", error), path=path)
    return {"path": path, "state": "absent"}


def _content(path: str) -> "dict[str, list[str]]":
    folders, names = [], []  # type: list[str], list[str]
    for folder, inner, leaves in os.walk(path):
        inner.sort()
        folders += [os.path.join(folder, name) for name in inner]
        names += [os.path.join(folder, name) for name in sorted(leaves)]
    return {"directories": folders, "files": names}


# -- directories ---------------------------------------------------------------------------------------------------

def _directory(m: "Module", path: str) -> "dict[str, Any]":
    real = _followed(m, path)
    now = paths.state_of(real)
    if now == "absent":
        _make_folders(m, real)
        return {"path": real}
    if now != "directory":
        m.fail("%s already exists as a %s" % (real, now), **paths.about(real))
    _settle(m, real, ("preserve", "preserve"))
    if m.args["recurse"]:
        _below(m, real)
    return {"path": real}


def _make_folders(m: "Module", path: str) -> None:
    """The folder and those above it that are missing; all of them get the attributes."""
    missing = [path]
    while not os.path.exists(os.path.dirname(missing[-1]) or "."):
        missing.append(os.path.dirname(missing[-1]))
    for folder in reversed(missing[1:]):
        if not m.check and folder:
            _mkdir(m, folder)
            wanted = paths.Attributes(m)
            wanted.apply(folder, wanted.differences(folder)[1])
    _make(m, path, "directory", stat.S_IFDIR, lambda: _mkdir(m, path))


def _mkdir(m: "Module", path: str) -> None:
    try:
        os.mkdir(path)
    except OSError as error:
        if not (error.errno == errno.EEXIST and os.path.isdir(path)):
            m.fail("There was an issue creating %s as requested: %s" % (path, error), path=path)


def _below(m: "Module", top: str) -> None:
    """Everything in a folder gets the attributes; links are followed when `follow` says so, once."""
    wanted = paths.Attributes(m)
    seen = {os.path.realpath(top)}
    stack = [top]
    while stack:
        with os.scandir(stack.pop()) as entries:
            found = sorted(entry.path for entry in entries)
        for path in found:
            real = os.path.realpath(path) if m.args["follow"] and os.path.islink(path) else path
            if not os.path.lexists(real) or real in seen:
                continue
            seen.add(real)
            paths.settle(m, real, wanted, follow=False)
            _times(m, real, ("preserve", "preserve"), follow=False)
            if os.path.isdir(real) and not os.path.islink(real):
                stack.append(real)


# -- links ---------------------------------------------------------------------------------------------------------

def _link(m: "Module", path: str) -> "dict[str, Any]":
    now = paths.state_of(path)
    src = m.args["src"] or (os.readlink(path) if now == "link" else None)
    if src is None:
        m.fail("src is required for creating new symlinks", path=path, dest=path)
    folder = path if now == "directory" else os.path.dirname(path)
    if not m.args["force"] and m.args["src"] and not os.path.exists(os.path.join(folder, src)):
        m.fail("src file does not exist, use 'force=yes' if you really want to create the link: %s"
               % os.path.join(folder, src), path=path, src=src)
    if now in ("directory", "file", "hard") and not m.args["force"]:
        m.fail("refusing to convert from %s to symlink for %s" % (now, path), **paths.about(path))
    if now == "directory" and os.listdir(path):
        m.fail("the directory %s is not empty, refusing to convert it" % path, **paths.about(path))
    if now == "link":
        act = m.change({"path": path, "src": os.readlink(path)}, {"path": path, "src": src})
    else:
        act = m.change({"path": path, "state": now}, {"path": path, "state": "link"})
    if act:
        paths.attempt(m, False, lambda: _put(m, path, now, lambda name: os.symlink(src, name)))
    if os.path.islink(path):
        _link_attributes(m, path)
    return {"dest": path, "src": src}


def _link_attributes(m: "Module", path: str) -> None:
    if not m.args["follow"]:
        _settle(m, path, ("preserve", "preserve"), follow=False)
    elif os.path.exists(path):
        _settle(m, os.path.realpath(path), ("preserve", "preserve"))
    elif any(m.args[key] is not None for key in ("mode", "owner", "group")):
        m.warn("Cannot set fs attributes on a non-existent symlink target."
               " follow should be set to False to avoid this.")


def _hard(m: "Module", path: str) -> "dict[str, Any]":
    now, src = paths.state_of(path), m.args["src"]
    if src is None and now == "absent":
        m.fail("src is required for creating new hardlinks", path=path, dest=path)
    if src is not None and not os.path.exists(src):
        m.fail("src does not exist", path=path, dest=path, src=src)
    same = src is None or (now != "absent" and os.path.lexists(path) and os.path.samestat(os.lstat(path), os.stat(src)))
    if now == "directory":
        m.fail("refusing to convert from directory to hard link for %s" % path, **paths.about(path))
    if now in ("file", "hard") and not same and not m.args["force"]:
        what = "different hard link exists at destination" if now == "hard" else "%s exists at destination" % now
        m.fail("Cannot link, %s" % what, dest=path, src=src)
    if not same and m.change({"path": path, "state": now if now != "hard" else "file"},
                             {"path": path, "state": "hard"}):
        paths.attempt(m, False, lambda: _put(m, path, now, lambda name: os.link(src, name)))
    if os.path.lexists(path):
        _settle(m, path, ("preserve", "preserve"), follow=False)
    return {"dest": path, "src": src}


def _put(m: "Module", path: str, now: str, make: "Any") -> None:
    """Make something beside `path` and rename it: there is never nothing there."""
    name = os.path.join(os.path.dirname(path), ".asyncrun-%s" % os.urandom(6).hex())
    try:
        make(name)
        if now == "directory":
            os.rmdir(path)
        os.rename(name, path)
    except OSError as error:
        m.fail("Error while linking: %s" % error, path=path)
    finally:
        if os.path.lexists(name):
            os.unlink(name)


# -- attributes and times ------------------------------------------------------------------------------------------

def _make(m: "Module", path: str, state: str, kind: int, make: "Any") -> None:
    """Report something new with its attributes as one difference; make it."""
    wanted = paths.Attributes(m)
    before, after = wanted.differences(path, status=paths.Expected(kind))
    was = m.changed
    if not m.change(dict(before, path=path, state="absent"), dict(after, path=path, state=state)):
        return
    paths.attempt(m, was, lambda: _try(m, path, state, make))
    try:
        wanted.apply(path, wanted.differences(path)[1])
    except OSError as error:
        m.fail("%s was made, but not as asked: %s" % (path, error), path=path)
    except Failed as failure:
        if state == "touch":                      # an empty file that somebody else owns is worse than none
            os.unlink(path)
            m.changed = failure.result["changed"] = was
        raise


def _try(m: "Module", path: str, state: str, make: "Any") -> None:
    try:
        make()
    except OSError as error:
        m.fail("Error, could not %s target: %s" % (state, error), path=path)


def _settle(m: "Module", path: str, usual: "tuple[str, str]", follow: bool = True) -> None:
    paths.settle(m, path, paths.Attributes(m), follow=follow)
    _times(m, path, usual, follow=follow)


def _times(m: "Module", path: str, usual: "tuple[str, str]", follow: bool = True, report: bool = True) -> None:
    """Modification and access time as the options say; `usual` is what they mean without a word."""
    if not os.path.lexists(path):
        return
    now = int(time.time() * 1e9)
    status = os.stat(path) if follow and os.path.exists(path) else os.lstat(path)
    mtime = _time(m, "modification_time", usual[0], now)
    atime = _time(m, "access_time", usual[1], now)
    before, after = {}, {}  # type: dict[str, Any], dict[str, Any]
    for key, is_now, wanted in (("mtime", status.st_mtime_ns, mtime), ("atime", status.st_atime_ns, atime)):
        if wanted is not None and wanted != is_now:
            before[key], after[key] = is_now / 1e9, wanted / 1e9
    if not before or (report and not m.change(dict(before, path=path), dict(after, path=path))):
        return
    times = (status.st_atime_ns if atime is None else atime, status.st_mtime_ns if mtime is None else mtime)
    try:
        if atime == mtime == now:                 # all who may write may do this, too; only the owner sets other times
            os.utime(path, follow_symlinks=follow)
        else:
            os.utime(path, ns=times, follow_symlinks=follow)
    except OSError as error:
        m.fail("Error while updating modification or access time: %s" % error, **paths.about(path))


def _time(m: "Module", option: str, usual: str, now: int) -> "Optional[int]":
    """Nanoseconds since 1970; None: leave it."""
    word = m.args[option] or usual
    if word == "preserve":
        return None
    if word == "now":
        return now
    form = m.args[option + "_format"]
    try:
        return int(time.mktime(time.strptime(word, form))) * 10 ** 9
    except (ValueError, OverflowError) as error:
        m.fail("Error while obtaining timestamp for time %s using format %s: %s" % (word, form, error),
               path=m.args["path"])


STATES = {"file": _file, "touch": _touch, "absent": _absent, "directory": _directory, "link": _link, "hard": _hard}
