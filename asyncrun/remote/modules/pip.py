"""pip: which Python packages are installed, in a virtual environment or beside a Python."""

import importlib.util
import os
import shlex
import sys
import tempfile

from .. import process
from ..packages import pipnames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from ..module import Module

    Ran = process.Ran

SPEC = {
    "summary": "Manage Python packages by pip.",
    "options": {
        "name": {"type": "list", "elements": "str",
                 "doc": "Packages: a name with or without a version (shop>=2,<3), a file, a folder, an address."},
        "requirements": {"type": "str", "doc": "A file on the host that lists them."},
        "version": {"type": "str", "doc": "The version of the only package in `name`; latest counts as not given."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "forcereinstall", "latest", "present"],
                  "doc": "What they are to be. latest: upgraded; forcereinstall: installed again."},
        "virtualenv": {"type": "path", "doc": "The virtual environment to work in; made when it is missing."},
        "virtualenv_command": {"type": "path", "default": "virtualenv",
                               "doc": "What makes it: a command, with its options; `python3 -m venv` for one."},
        "virtualenv_python": {"type": "str", "doc": "The Python of a new one; not with venv."},
        "virtualenv_site_packages": {"type": "bool", "default": False,
                                     "doc": "A new one also sees the packages of its Python."},
        "executable": {"type": "path", "doc": "The pip to use; that of the Python that runs the module if not given."},
        "extra_args": {"type": "str", "doc": "More options for pip, quoted as for a shell."},
        "editable": {"type": "bool", "default": False, "doc": "Install every package as one being worked on (-e)."},
        "chdir": {"type": "path", "doc": "The folder to be in: where relative names begin."},
        "umask": {"type": "str", "doc": "The umask for what is written, in octal."},
        "break_system_packages": {"type": "bool", "default": False,
                                  "doc": "Also where the system says that its Python is its own."},
    },
    "mutually_exclusive": [["name", "requirements"], ["executable", "virtualenv"]],
    "required_one_of": [["name", "requirements"]],
    "check_mode": "full",
    "returns": {"cmd": "The command.", "name": "The packages.", "version": "The `version` option.",
                "requirements": "The file that lists them.", "virtualenv": "The environment.",
                "stdout": "What pip printed.", "stderr": "What it printed as errors."},
    "examples": """
- name: The shop and what it needs
  pip:
    requirements: /srv/shop/requirements.txt
    virtualenv: /srv/shop/venv
    virtualenv_command: python3 -m venv
- name: One package
  pip: {name: "gunicorn>=20,<23", virtualenv: /srv/shop/venv}
""",
}

COMMANDS = {"present": ["install"], "absent": ["uninstall", "-y"], "latest": ["install", "-U"],
            "forcereinstall": ["install", "-U", "--force-reinstall"]}
DONE = {True: "Successfully uninstalled", False: "Successfully installed"}


def run(m: "Module") -> "Dict[str, Any]":
    names = _names(m)
    if names == []:
        m.warn("No valid name or requirements file found.")
        return {}
    place = _Place(m)
    if not place.there and m.change(False, True, show=False):
        place.make()
    argv = COMMANDS[m.args["state"]] + shlex.split(m.args["extra_args"] or "") + _targets(m, names)
    said = {key: m.args[key] for key in ("name", "version", "state", "requirements", "virtualenv")}
    if m.check:
        pip = place.pip() if place.there else ["pip"]
        if place.there and _would(m, place, names):
            m.change(False, True, show=False)
        return dict(said, cmd=pip + argv, stdout="", stderr="")
    ran = _act(m, place, argv, names)
    return dict(said, cmd=place.pip() + argv, stdout=ran.out, stderr=ran.err)


def _act(m: "Module", place: "_Place", argv: "List[str]", names: "Optional[List[pipnames.Name]]") -> "Ran":
    absent = m.args["state"] == "absent"
    # Of a repository the newest is always installed again: only the list of what is there tells whether it is new.
    fetched = not absent and m.args["state"] != "forcereinstall" and any(name.vcs for name in names or ())
    before = place.run(["freeze"]).out if fetched else ""
    ran = place.run(argv, live=True)
    if ran.rc and not (absent and ran.rc == 1 and "not installed" in ran.out + ran.err):
        m.fail(("stdout: " + ran.out if ran.out else "") + "\n:stderr: " + ran.err, cmd=place.pip() + argv)
    changed = place.run(["freeze"]).out != before if fetched else DONE[absent] in ran.out
    m.change(False, changed, show=False)
    return ran


def _would(m: "Module", place: "_Place", names: "Optional[List[pipnames.Name]]") -> bool:
    """Whether pip would change anything, as far as the list of what is there tells."""
    state = m.args["state"]
    if state in ("latest", "forcereinstall") or names is None or m.args["editable"]:
        return True
    ran = place.run(["list", "--format=freeze"])
    if ran.rc:
        m.fail("%s cannot tell what is installed: %s" % (" ".join(place.pip()), ran.err.strip()), rc=ran.rc)
    there = pipnames.listed(ran.out)
    if state == "absent":
        return any(name.project in there for name in names if name.project)
    return not all(name.satisfied(there) for name in names)


# -- what is asked for ---------------------------------------------------------------------------------------------

def _names(m: "Module") -> "Optional[List[pipnames.Name]]":
    """The packages, each with its version; None: a file lists them."""
    if m.args["state"] == "latest" and m.args["version"] is not None:
        m.fail("version is incompatible with state=latest")
    if m.args["name"] is None:
        return None
    names = [pipnames.Name(text) for text in pipnames.joined(m.args["name"])]
    version = m.args["version"]
    if version is None or version == "latest" or not names:
        return names
    if len(names) > 1:
        m.fail("'version' argument is ambiguous when installing multiple package distributions. Please specify version "
               "restrictions next to each package in 'name' argument.")
    if names[0].wanted:
        m.fail("The 'version' argument conflicts with any version specifier provided along with a package name. Please "
               "keep the version specifier, but remove the 'version' argument.")
    if names[0].project is None or names[0].address:
        m.warn("version is not used: %s says itself which version it is" % names[0].text)
        return names
    return [names[0].of_version(version)]


def _targets(m: "Module", names: "Optional[List[pipnames.Name]]") -> "List[str]":
    if names is None:
        return ["-r", m.args["requirements"]]
    if m.args["editable"] and m.args["state"] != "absent":
        return [word for name in names for word in ("-e", name.text)]
    return [name.text for name in names]


# -- where it is done ----------------------------------------------------------------------------------------------

class _Place(object):
    """The virtual environment or Python that packages go to, and its pip."""

    def __init__(self, m: "Module") -> None:
        self.m = m
        self.folder = tempfile.gettempdir()            # not where we happen to be: `name` must mean no folder there
        if m.args["chdir"] is not None:
            self.folder = m.args["chdir"]
            if not os.path.isdir(self.folder):
                m.warn("%s is no folder: pip runs in %s" % (self.folder, tempfile.gettempdir()))
                self.folder = tempfile.gettempdir()
        self.umask = self._umask()
        self.venv = os.path.join(self.folder, m.args["virtualenv"]) if m.args["virtualenv"] else ""
        self.there = not self.venv or os.path.exists(os.path.join(self.venv, "bin", "activate"))
        self._pip: "List[str]" = []

    def _umask(self) -> "Optional[int]":
        if self.m.args["umask"] is None:
            return None
        try:
            return int(self.m.args["umask"], 8)
        except ValueError as error:
            self.m.fail("umask must be an octal integer", details=str(error))

    def make(self) -> None:
        """Make the virtual environment."""
        m = self.m
        argv = shlex.split(m.args["virtualenv_command"])
        if not argv:
            m.fail("virtualenv_command is empty")
        if not os.path.dirname(argv[0]):
            argv[0] = m.need(argv[0])
        if m.args["virtualenv_site_packages"]:
            argv.append("--system-site-packages")
        if "pyvenv" in os.path.basename(argv[0]) or argv[1:3] == ["-m", "venv"]:
            if m.args["virtualenv_python"]:
                m.fail("virtualenv_python should not be used when using the venv module or pyvenv as "
                       "virtualenv_command")
        else:
            argv.append("-p" + (m.args["virtualenv_python"] or sys.executable))
        ran = m.run(argv + [self.venv], cwd=self.folder, umask=self.umask)
        if ran.rc:
            m.fail(("stdout: " + ran.out if ran.out else "") + "\n:stderr: " + ran.err, cmd=argv + [self.venv])
        self.there = True

    def pip(self) -> "List[str]":
        """The words that are its pip."""
        if not self._pip:
            self._pip = self._find()
        return self._pip

    def _find(self) -> "List[str]":
        m, executable = self.m, self.m.args["executable"]
        if self.venv:
            for name in ("pip3", "pip"):
                path = os.path.join(self.venv, "bin", name)
                if os.access(path, os.X_OK):
                    return [path]
            m.fail("Unable to find pip in the virtualenv, %s, under any of these names: pip3, pip. Make sure pip is "
                   "present in the virtualenv." % self.venv)
        if executable is not None and os.path.isabs(executable):
            return [executable]
        if executable is None and sys.executable and importlib.util.find_spec("pip") is not None:
            return [sys.executable, "-m", "pip"]
        found = m.which(executable or "pip3")
        if found is None:
            m.fail("Unable to find any of %s to use.  pip needs to be installed." % (executable or "pip3"))
        return [found]

    def run(self, argv: "List[str]", live: bool = False) -> "Ran":
        """Run its pip."""
        env = dict(process.PLAIN, LC_ALL="C.UTF-8", LANG="C.UTF-8")
        if self.m.args["break_system_packages"]:
            env["PIP_BREAK_SYSTEM_PACKAGES"] = "1"
        if self.venv:
            env["PATH"] = os.path.join(self.venv, "bin") + os.pathsep + os.environ.get("PATH", os.defpath)
        return self.m.run(self.pip() + argv, cwd=self.folder, umask=self.umask, env=env,
                          live=self.m.spool if live else None)
