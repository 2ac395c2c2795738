"""Makes an SSH key for a user (runs on the target)."""

import os
import pty
import select
import socket

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pwd
    from typing import Any, Dict, List, Mapping

    from ..module import Module


def path_of(args: "Mapping[str, Any]", home: str) -> str:
    """Where the key is to be: ssh_key_file from the home folder, or the usual name of its type."""
    name = args["ssh_key_file"] or os.path.join(".ssh", "id_" + args["ssh_key_type"])
    return os.path.join(home, os.path.expanduser(name))


def make(m: "Module", path: str, entry: "pwd.struct_passwd") -> None:
    """Make the key unless it is there; with `force` a new one takes its place."""
    args = m.args
    if os.path.exists(path) and not args["force"]:
        return
    if not m.change({"ssh_key": os.path.exists(path)}, {"ssh_key": path}):
        return
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.mkdir(folder, 0o700)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    for each in (path, path + ".pub"):
        if os.path.lexists(each):
            os.unlink(each)
    comment = args["ssh_key_comment"] or "ansible-generated on %s" % socket.gethostname()
    argv = [m.need("ssh-keygen"), "-q", "-t", args["ssh_key_type"], "-C", comment, "-f", path]
    if args["ssh_key_bits"]:
        argv += ["-b", str(args["ssh_key_bits"])]
    if args["ssh_key_passphrase"]:
        _with_passphrase(m, argv, args["ssh_key_passphrase"])
    else:
        m.run(argv + ["-N", ""], check_rc=True)
    for each in (path, path + ".pub"):
        os.chown(each, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def _with_passphrase(m: "Module", argv: "List[str]", passphrase: str) -> None:
    """By a terminal of its own: on a command line everybody on the host could read the passphrase."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    said = b""
    prompts = 0
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        try:
            chunk = os.read(terminal, 4096) if ready else b""
        except OSError:
            chunk = b""                                       # a terminal whose other end was closed
        if not chunk:
            break
        said += chunk
        if said.lower().count(b"passphrase") > prompts and said.rstrip().endswith(b":"):
            prompts = said.lower().count(b"passphrase")
            os.write(terminal, passphrase.encode("utf-8") + b"\n")
    os.close(terminal)
    status = os.waitpid(pid, 0)[1]
    if status:
        m.fail("ssh-keygen failed: %s" % said.decode("utf-8", "replace").replace(passphrase, "********").strip())


def facts(m: "Module", path: str) -> "Dict[str, Any]":
    """What the result says of the key."""
    if not os.path.exists(path + ".pub"):
        return {"ssh_key_file": path}
    ran = m.run([m.need("ssh-keygen"), "-l", "-f", path + ".pub"], env=process.PLAIN)
    return {"ssh_key_file": path, "ssh_public_key": m.read(path + ".pub").strip(),
            "ssh_fingerprint": ran.out.strip() if ran.rc == 0 else ran.err.strip()}
