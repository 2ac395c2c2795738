"""What a module is handed (runs on the target): its arguments, and its ways to say, read, run and change.

    def run(m):
        if m.change(before, after):
            ...make it so...
        return {"extra": "keys of the result"}

`m.change` is the only way to report a change: it keeps the diff, sets `changed`, and is True only when the module is
to act (False when nothing differs, and in check mode).
"""

import io
import os
import shutil
import subprocess
import tempfile


class Failed(Exception):
    """The module cannot do what it was asked; `result` is what it says about it."""

    def __init__(self, msg, **result):
        Exception.__init__(self, msg)
        self.result = dict(result, failed=True, msg=msg)


class Ran(object):
    """A command that ended: its rc (negative: killed by that signal), and what it printed as text and bytes."""

    def __init__(self, rc, out, err):
        self.rc = rc
        self.out_bytes = out
        self.err_bytes = err
        self.out = out.decode("utf-8", "surrogateescape")
        self.err = err.decode("utf-8", "surrogateescape")


class Module(object):
    """A module's view of its task. `upload` is a binary file with what the controller sent along, or None."""

    def __init__(self, name, args, check=False, diff=False, upload=None, send=None, no_log=False, verbosity=0):
        self.name = name
        self.args = args
        self.check = check
        self.wants_diff = diff
        self.upload = upload
        self.no_log = no_log
        self.verbosity = verbosity
        self.changed = False
        self.diffs = []
        self.warnings = []
        self._send = send

    def change(self, before, after, before_header=None, after_header=None, show=None):
        """Report a difference between `before` and `after`; True when the module is to make it.

        Texts are kept whole for the diff, other values as they are. `show` = (before, after) replaces what the diff
        shows (for things too large or secret to print); `show=False` keeps it out of the diff.
        """
        if before == after:
            return False
        self.changed = True
        if self.wants_diff and show is not False:
            before, after = show or (before, after)
            entry = {"before": before, "after": after}
            if before_header is not None:
                entry["before_header"] = before_header
            if after_header is not None:
                entry["after_header"] = after_header
            self.diffs.append(entry)
        return not self.check

    def fail(self, msg, **result):
        """End the module as failed."""
        raise Failed(msg, changed=self.changed, **result)

    def warn(self, msg):
        """Something the user should know that does not stop the task."""
        self.warnings.append(msg)

    def send(self, chunk):
        """Send bytes to the controller's Request.download, in order (fetch)."""
        self._send(chunk)

    def run(self, argv, shell=False, cwd=None, env=None, stdin=None, executable=None, umask=None, check_rc=False):
        """Run a command to its end. `env` is added to the environment; `stdin` is bytes or None (/dev/null).

        Raises Failed when it cannot be started, or with check_rc when its rc is not 0.
        """
        full = dict(os.environ)
        full.setdefault("LANG", "C")
        full.update(env or {})
        try:
            process = subprocess.Popen(
                argv, shell=shell, cwd=cwd, env=full, executable=executable, close_fds=True,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                preexec_fn=None if umask is None else (lambda: os.umask(umask)),
            )
        except (OSError, ValueError) as error:
            rc = getattr(error, "errno", None) or 257
            self.fail("Error executing command: %s" % error, rc=rc, cmd=argv, stdout="", stderr="")
        out, err = process.communicate(stdin)
        ran = Ran(process.returncode, out, err)
        if check_rc and ran.rc:
            self.fail(ran.err.strip() or ran.out.strip() or "%s ended with rc %d" % (argv, ran.rc),
                      rc=ran.rc, cmd=argv, stdout=ran.out, stderr=ran.err)
        return ran

    def which(self, name, *more_folders):
        """The path of a command, looked for in PATH and the usual system folders; None when there is none."""
        path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", *more_folders])
        return shutil.which(name, path=path)

    def need(self, name):
        """As `which`, but the module fails when the command is missing."""
        found = self.which(name)
        if found is None:
            self.fail("Failed to find required executable \"%s\" in paths: %s" % (name, os.environ.get("PATH", "")))
        return found

    def read_bytes(self, path, default=None):
        """A file's bytes; `default` when it is given and there is no such file."""
        try:
            with io.open(path, "rb") as source:
                return source.read()
        except FileNotFoundError:
            if default is None:
                raise
            return default

    def read(self, path, default=None):
        """A file's text (UTF-8, other bytes kept by surrogateescape)."""
        raw = self.read_bytes(path, None if default is None else default.encode("utf-8"))
        return raw.decode("utf-8", "surrogateescape")

    def write(self, path, data, mode=None):
        """Replace a file's content at once or not at all. Text or bytes.

        A file that is there keeps its owner and mode; a new one has `mode`, or 0666 less the umask.
        """
        if not isinstance(data, bytes):
            data = data.encode("utf-8", "surrogateescape")
        with self.replacing(path, mode) as target:
            target.write(data)

    def replacing(self, path, mode=None):
        """A context manager: a binary file to write; on leaving it takes the place of `path`, in one step."""
        return _Replacing(path, mode)


class _Replacing(object):
    """Write beside, then rename: readers see the old or the new file, never a part."""

    def __init__(self, path, mode):
        self.path = os.path.realpath(path) if os.path.islink(path) else path
        self.mode = mode

    def __enter__(self):
        folder = os.path.dirname(self.path) or "."
        descriptor, self.temporary = tempfile.mkstemp(prefix=".asyncrun-", dir=folder)
        self.file = os.fdopen(descriptor, "wb")
        return self.file

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self._settle()
        finally:
            self.file.close()
            if os.path.exists(self.temporary):
                os.unlink(self.temporary)

    def _settle(self):
        self.file.flush()
        os.fsync(self.file.fileno())
        try:
            old = os.stat(self.path)
        except OSError:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(self.temporary, self.mode if self.mode is not None else 0o666 & ~umask)
        else:
            os.chmod(self.temporary, old.st_mode & 0o7777 if self.mode is None else self.mode)
            if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                try:
                    os.chown(self.temporary, old.st_uid, old.st_gid)
                except OSError:
                    pass                  # not ours to give away: the owner becomes the writer, as with any editor
        os.rename(self.temporary, self.path)
