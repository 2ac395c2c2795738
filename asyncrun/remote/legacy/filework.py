"""The methods of AnsibleModule about files: attributes, checksums, backups, replacement (on the target)."""

import atexit
import os
import shutil
import stat
import tempfile

from ..files import paths, replace
from ..module import Failed, Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, NoReturn, Optional, Tuple

FILE_ARGUMENTS = ("mode", "owner", "group", "attributes")
CONTEXT_PARTS = ("seuser", "serole", "setype", "selevel")


class FileWork(object):
    """The half of AnsibleModule that knows files."""

    params: "Dict[str, Any]"
    check_mode: bool

    def fail_json(self, msg: "Any", **kwargs: "Any") -> "Any":
        """Given by the other half."""
        raise NotImplementedError

    def warn(self, warning: str) -> None:
        """Given by the other half."""
        raise NotImplementedError

    # ---- attributes

    def load_file_common_arguments(self, params: "Dict[str, Any]", path: "Optional[str]" = None) -> "Dict[str, Any]":
        """What the arguments want of a file, as the set_..._if_different functions take it; {} without a path."""
        path = path or params.get("path") or params.get("dest")
        if path is None:
            return {}
        path = os.path.expanduser(os.path.expandvars(path))
        if params.get("follow") and os.path.islink(path):
            path = os.path.realpath(path)
        wanted = {key: params.get(key) for key in FILE_ARGUMENTS + CONTEXT_PARTS}
        context = [wanted[key] for key in CONTEXT_PARTS]
        return dict(wanted, path=path, secontext=context if self.selinux_mls_enabled() else context[:3])

    def set_fs_attributes_if_different(
        self, file_args: "Dict[str, Any]", changed: bool, diff: "Optional[Dict[str, Any]]" = None, expand: bool = True
    ) -> bool:
        """Make mode, owner, group, flags and context so; True when anything is or was changed."""
        wanted = {key: file_args.get(key) for key in FILE_ARGUMENTS + CONTEXT_PARTS}
        return self._settle(file_args["path"], wanted, changed, diff, expand)

    set_file_attributes_if_different = set_fs_attributes_if_different
    set_directory_attributes_if_different = set_fs_attributes_if_different

    def set_mode_if_different(
        self, path: str, mode: "Any", changed: bool, diff: "Any" = None, expand: bool = True) -> bool:
        """The same for permissions only."""
        return self._settle(path, {"mode": mode}, changed, diff, expand)

    def set_owner_if_different(
        self, path: str, owner: "Any", changed: bool, diff: "Any" = None, expand: bool = True) -> bool:
        """The same for the owner only."""
        return self._settle(path, {"owner": owner}, changed, diff, expand)

    def set_group_if_different(
        self, path: str, group: "Any", changed: bool, diff: "Any" = None, expand: bool = True) -> bool:
        """The same for the group only."""
        return self._settle(path, {"group": group}, changed, diff, expand)

    def set_attributes_if_different(
        self, path: str, attributes: "Optional[str]", changed: bool, diff: "Any" = None, expand: bool = True) -> bool:
        """The same for chattr's flags only."""
        return self._settle(path, {"attributes": attributes}, changed, diff, expand)

    def set_context_if_different(
        self, path: str, context: "List[Any]", changed: bool, diff: "Any" = None) -> bool:
        """The same for the SELinux context only: a list of user, role, type and level."""
        return self._settle(path, dict(zip(CONTEXT_PARTS, context)), changed, diff, True)  # noqa: B905

    def set_default_selinux_context(self, path: str, changed: bool) -> bool:
        """Give the file the context that the policy says."""
        return self.set_context_if_different(path, ["_default"] * 4, changed) if self.selinux_enabled() else changed

    def _settle(
        self, path: "Any", wanted: "Dict[str, Any]", changed: bool, diff: "Optional[Dict[str, Any]]", expand: bool
    ) -> bool:
        wanted = {key: value for key, value in wanted.items() if value is not None}
        name = _text(path)
        name = os.path.expanduser(os.path.expandvars(name)) if expand else name
        if not wanted:
            return changed
        if self.check_mode and not os.path.lexists(name):
            return True
        try:
            attributes = paths.Attributes(self._own(), **wanted)
            before, after = attributes.differences(name, follow=False)
            if after and not self.check_mode:
                attributes.apply(name, after, follow=False)
        except Failed as failure:
            self._failed(failure)
        except OSError as error:
            self.fail_json(msg="%s: %s" % (name, error.strerror), path=name)
        if after and diff is not None:
            diff.setdefault("before", {}).update(before)
            diff.setdefault("after", {}).update(after)
        return changed or bool(after)

    def _own(self) -> "Module":
        """A module of asyncrun's own shape, for the functions that modules share."""
        m = Module("", {}, check=self.check_mode)
        m.warn = self.warn  # type: ignore[method-assign,assignment]
        return m

    def _failed(self, failure: Failed) -> "NoReturn":
        self.fail_json(**{key: value for key, value in failure.result.items() if key != "failed"})
        raise failure

    def user_and_group(self, path: "Any", expand: bool = True) -> "Tuple[int, int]":
        """The numbers of a path's owner and group."""
        name = os.path.expanduser(os.path.expandvars(_text(path))) if expand else _text(path)
        status = os.lstat(name)
        return status.st_uid, status.st_gid

    def get_file_attributes(self, path: str, include_version: bool = True) -> "Dict[str, Any]":  # noqa: ARG002
        """What lsattr says of a file: {"attr_flags": letters}; {} where it cannot."""
        flags = paths.flags_of(self._own(), path)
        return {"attr_flags": flags} if flags else {}

    def add_path_info(self, kwargs: "Dict[str, Any]") -> "Dict[str, Any]":
        """Add what a path of a result is: owner, group, mode, state, size; in place."""
        path = kwargs.get("path", kwargs.get("dest"))
        if not isinstance(path, (str, bytes)):
            return kwargs
        name = _text(path)
        kwargs.update(paths.described(name) if os.path.exists(name) else {"state": "absent"})
        return kwargs

    # ---- SELinux

    def selinux_enabled(self) -> bool:
        """Whether the kernel labels files."""
        return paths.selinux_enabled()

    def selinux_mls_enabled(self) -> bool:
        """Whether contexts have a level."""
        return paths.selinux_enabled() and os.path.exists("/sys/fs/selinux/mls")

    def selinux_initial_context(self) -> "List[Any]":
        """A context with nothing in it."""
        return [None] * (4 if self.selinux_mls_enabled() else 3)

    def selinux_default_context(self, path: str, mode: int = 0) -> "List[Any]":
        """What the policy says for a path."""
        found = paths.default_context(_text(path), mode) if paths.selinux_enabled() else None
        return list(found.split(":", 3)) if found else self.selinux_initial_context()

    def selinux_context(self, path: str) -> "List[Any]":
        """The context of a path."""
        found = paths.context_of(_text(path), follow=False) if paths.selinux_enabled() else None
        return list(found.split(":", 3)) if found else self.selinux_initial_context()

    def is_special_selinux_path(self, path: str) -> "Tuple[bool, Optional[List[str]]]":  # noqa: ARG002
        """Whether a path is where labels cannot be set: that is tried here, not looked up."""
        return False, None

    # ---- content

    def digest_from_file(self, filename: "Any", algorithm: "Any") -> "Optional[str]":
        """The checksum of a file, in hex; None when there is none. `algorithm`: a name, or a hash object."""
        name = _text(filename)
        if not os.path.exists(name):
            return None
        if os.path.isdir(name):
            self.fail_json(msg="attempted to take checksum of directory: %s" % name)
        try:
            if not hasattr(algorithm, "update"):
                return paths.digest(name, algorithm)
        except ValueError:
            self.fail_json(msg="Could not hash file '%s' with algorithm '%s'." % (name, algorithm))
        with open(name, "rb") as source:
            for block in iter(lambda: source.read(1 << 20), b""):
                algorithm.update(block)
        return str(algorithm.hexdigest())

    def sha1(self, filename: "Any") -> "Optional[str]":
        """The SHA-1 of a file."""
        return self.digest_from_file(filename, "sha1")

    def sha256(self, filename: "Any") -> "Optional[str]":
        """The SHA-256 of a file."""
        return self.digest_from_file(filename, "sha256")

    def md5(self, filename: "Any") -> "Optional[str]":
        """The MD5 of a file. Raises ValueError where the machine forbids it."""
        if paths.md5_of(os.devnull) is None:
            raise ValueError("MD5 not available.  Possibly running in FIPS mode")
        return self.digest_from_file(filename, "md5")

    def backup_local(self, fn: "Any") -> str:
        """Copy a file to PATH.PID.DATE~ beside it: that name; "" when there is no such file."""
        name = _text(fn)
        if not os.path.exists(name):
            return ""
        try:
            return replace.backup(Module("", {}), name)
        except Failed as failure:
            self.fail_json(msg="Could not make backup of %s: %s" % (name, failure))
        except OSError as error:
            self.fail_json(msg="Could not make backup of %s: %s" % (name, error))
        return ""

    def preserved_copy(self, src: str, dest: str) -> None:
        """Copy a file with its owner, mode and times."""
        shutil.copy2(src, dest)
        status = os.stat(src)
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(dest, status.st_uid, status.st_gid)
        self.set_context_if_different(dest, self.selinux_context(src), False)

    def atomic_move(self, src: "Any", dest: "Any", unsafe_writes: bool = False, keep_dest_attrs: bool = True) -> None:
        """Put `src` in the place of `dest` at once or not at all; readers see the old or the new file.

        A file that was there keeps its owner and mode unless `keep_dest_attrs` is False; a new one gets the usual.
        """
        source, target = _text(src), _text(dest)
        try:
            if os.path.isdir(source):
                os.rename(source, target)
                return
            self._replace(source, target, unsafe_writes, keep_dest_attrs)
            os.unlink(source)
        except Failed as failure:
            self._failed(failure)
        except OSError as error:
            self.fail_json(msg="Could not replace file: %s to %s: %s" % (source, target, error))

    def _replace(self, source: str, target: str, unsafe: bool, keep: bool) -> None:
        m = self._own()
        more = {"unsafe_writes": unsafe}  # type: Dict[str, Any]
        if not keep:
            status = os.stat(source)
            more.update(mode=stat.S_IMODE(status.st_mode), owner=str(status.st_uid), group=str(status.st_gid))
        with open(source, "rb") as old, replace.replacing(m, target, paths.Attributes(m, **more)) as new:
            shutil.copyfileobj(old, new)

    # ---- clearing up

    @property
    def tmpdir(self) -> str:
        """A private folder that is removed when the module ends."""
        if self._tmpdir is None:
            self._tmpdir = tempfile.mkdtemp(prefix="asyncrun-moduletmp-")
            atexit.register(shutil.rmtree, self._tmpdir, ignore_errors=True)         # of a module that crashes
        return self._tmpdir


    _tmpdir: "Optional[str]"
    cleanup_files: "List[str]"

    def add_cleanup_file(self, path: str) -> None:
        """Remove this file when the module ends."""
        if path not in self.cleanup_files:
            self.cleanup_files.append(path)

    def do_cleanup_files(self) -> None:
        """Remove the files that are to be removed, and the private folder."""
        for path in self.cleanup_files:
            self.cleanup(path)
        if self._tmpdir is not None:
            shutil.rmtree(self._tmpdir, ignore_errors=True)
            self._tmpdir = None

    def cleanup(self, tmpfile: str) -> None:
        """Remove a file; when that cannot be done, say so."""
        if not os.path.exists(tmpfile):
            return
        try:
            os.unlink(tmpfile)
        except OSError as error:
            self.warn("could not cleanup %s: %s" % (tmpfile, error))

    def is_executable(self, path: "Any") -> bool:
        """Whether a path has any of the three bits."""
        return is_executable(path)


def is_executable(path: "Any") -> bool:
    """Whether a path has any of the three bits."""
    return bool(os.stat(path).st_mode & 0o111)


def _text(path: "Any") -> str:
    return path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else os.fspath(path)
