"""Modules written for Ansible's own library, with asyncrun's stand-ins for it, run by the real agent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from asyncrun.transport import Request, Target
from asyncrun.transport.fleet import Fleet
from asyncrun.transport.moduleutils import ModuleUtils
from tests.asking import ask, module
from tests.website import serving

ROOT = Path(__file__).parents[2]
FIELD = ROOT / "tests" / "compat" / "cases" / "library" / "library"       # shapes of the field; see tests/compat
STAND_INS = ROOT / "asyncrun" / "remote" / "legacy" / "ansible"
HEAD = "from ansible.module_utils.basic import AnsibleModule\n"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    made = Fleet(interval=1.0, count=3)
    yield made
    made.close()


@pytest.fixture
def target(any_python: str) -> Target:
    return Target("local", interpreter=any_python)


class Library:
    """A library folder: `run(text, ...)` writes a module and runs it."""

    def __init__(self, folder: Path, fleet: Fleet, target: Target) -> None:
        self.folder = folder
        self.fleet = fleet
        self.target = target
        (folder / "library").mkdir(parents=True)
        (folder / "module_utils").mkdir()

    def util(self, name: str, text: str) -> None:
        path = self.folder / "module_utils" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def request(self, text: str | bytes, args: dict[str, Any] | None = None, **more: Any) -> Request:
        path = self.folder / "library" / "it.py"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return module("it", args, path=str(path), **more)

    def run(self, text: str | bytes, args: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        return ask(self.fleet, self.target, self.request(text, args, **more))


@pytest.fixture
def library(tmp_path: Path, fleet: Fleet, target: Target) -> Library:
    return Library(tmp_path / "site", fleet, target)


# ---- shapes of the field


@pytest.mark.parametrize(("name", "args", "expected"), [
    ("manager", {"name": "web", "force": "yes"}, {"changed": True, "msg": "success: --level=0 make web --force"}),
    ("shared_code", {"name": "pool"}, {"stdout": "--cluster ours pool", "shout": "--CLUSTER OURS POOL", "rc": 0}),
    ("own_facts", {}, {"ansible_facts": {"ours": {"found": ["oo", "oo"], "sep": "/", "dumped": "[1]"}}}),
    ("marked", {"name": "bob"}, {"msg": "hello bob"}),
    ("by_platform", {}, {"word": "linux", "cls": "LinuxThing", "name": "by_platform", "verbosity": 0}),
    ("words", {"text": "grün"}, {"size": 5, "encoded": "a=gr%C3%BCn", "newer": True,
                                 "camel": {"vpcId": [{"aB": 1}], "X": 1}}),
    ("old_kv", {"name": "it's", "other": "$X"}, {"said": "it's and $X", "changed": True}),
    ("old_json", {"name": "grün", "count": 3}, {"name": "grün", "count": 3, "module": "old_json"}),
    ("written_in", {"name": "x"}, {"name": "x", "check": False}),
    ("runs", {}, {"data": [0, "x\n", ""], "binary": [0, "2\n", ""], "cwd": [0, "/\n", ""],
                  "update": [3, "always\n", ""],
                  "umask": [0, "0027\n", ""], "latin": [0, "ä", ""], "raised": 2, "none": None}),
    ("notes", {"name": "a", "old": "b"}, {"warnings": ["careful, a"]}),
])
def test_shapes(fleet: Fleet, target: Target, name: str, args: dict[str, Any], expected: dict[str, Any]) -> None:
    path = next(path for path in (FIELD / f"{name}.py", FIELD / name) if path.exists())
    data = ask(fleet, target, module(name, args, path=str(path)))
    assert {key: data.get(key) for key in expected} == expected
    assert not data.get("failed")


@pytest.mark.parametrize(("how", "expected"), [
    ("fail", {"failed": True, "msg": "it failed", "extra": [1, 2], "changed": True}),
    ("crash", {"failed": True, "msg": "The module crashed: RuntimeError: boom", "rc": 1}),
    ("silent", {"failed": True, "rc": 0}),
    ("code", {"failed": True, "rc": 3, "module_stdout": ""}),
    ("skipped", {"skipped": True, "msg": "not today"}),
    ("noise", {"changed": True, "msg": "through the noise",
               "warnings": ["The module printed something beside its result: some noise\nnoise of a child"]}),
    ("swallowed", {"msg": "first"}),
])
def test_ends(fleet: Fleet, target: Target, how: str, expected: dict[str, Any]) -> None:
    data = ask(fleet, target, module("ends", {"how": how}, path=str(FIELD / "ends.py")))
    assert {key: data.get(key) for key in expected} == expected
    if how == "crash":
        assert f'File "{FIELD}/ends.py", line ' in data["exception"]
        assert "raise RuntimeError('boom')" in data["exception"]


def test_a_file_in_check_mode_and_for_real(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    file = tmp_path / "file"
    args = {"path": str(file), "line": "one", "mode": "0640"}
    request = {"path": str(FIELD / "ini_line.py")}
    data = ask(fleet, target, module("ini_line", args, check=True, diff=True, **request))
    assert data["changed"] is True
    assert data["diff"][0] == {"before": "", "after": "one\n"}
    assert not file.exists()
    data = ask(fleet, target, module("ini_line", args, diff=True, **request))
    assert (data["changed"], data["mode"], file.read_text()) == (True, "0640", "one\n")
    data = ask(fleet, target, module("ini_line", args, **request))
    assert (data["changed"], data["modes"]) == (False, [])
    assert [each.name for each in tmp_path.iterdir()] == ["file"], "nothing is left beside it"


# ---- what it may import


def stand_ins() -> list[str]:
    names = []
    for path in STAND_INS.rglob("*.py"):
        parts = path.relative_to(STAND_INS.parent).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return sorted(names)


def test_every_stand_in_can_be_imported(library: Library) -> None:
    lines = "".join(f"import {name}\n" for name in stand_ins())
    data = library.run(lines + "import sys\nfrom ansible.module_utils import basic\n" + HEAD
                       + "AnsibleModule({}).exit_json(same=basic is sys.modules['ansible.module_utils.basic'],"
                       " one=basic.AnsibleModule is AnsibleModule, version=ansible.__version__)\n")
    assert (data.get("same"), data.get("one"), data.get("version")) == (True, True, "2.21.0"), data


def test_all_of_basic_brings_what_modules_use_without_importing_it(library: Library) -> None:
    words = """json os re sys time shlex shutil stat subprocess tempfile traceback types platform pwd grp datetime errno
        to_bytes to_native to_text AnsibleModule env_fallback get_exception boolean BOOLEANS_TRUE missing_required_lib
        get_distribution get_platform load_platform_subclass string_types iteritems FILE_COMMON_ARGUMENTS
        get_module_path is_executable jsonify no_such_thing"""
    data = library.run("from ansible.module_utils.basic import *\nhere = dir()\n"
                       f"AnsibleModule({{}}).exit_json(missing=sorted(set({words!r}.split()) - set(here)))\n")
    assert data["missing"] == ["no_such_thing"]


def test_a_missing_part_says_its_name_and_what_to_do(library: Library) -> None:
    data = library.run(HEAD + "from ansible.module_utils.nowhere import thing\n")
    assert data["failed"] is True
    assert "No module named 'ansible.module_utils.nowhere'" in data["msg"]
    assert "module_utils/ beside library/" in data["msg"]
    data = library.run("import nosuchlibrary\n" + HEAD)
    assert data["msg"] == "The module crashed: ModuleNotFoundError: No module named 'nosuchlibrary'"


def test_what_the_host_has_of_ansible_is_not_used(library: Library, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs" / "ansible" / "module_utils"
    theirs.mkdir(parents=True)
    for folder in (theirs, theirs.parent):
        (folder / "__init__.py").write_text("raise RuntimeError('this is the installed one')\n")
    (theirs / "basic.py").write_text("raise RuntimeError('this is the installed one')\n")
    (theirs / "nowhere.py").write_text("")
    insert = f"import sys\nsys.path.insert(0, {str(theirs.parent.parent)!r})\n"
    data = library.run(insert + HEAD + "AnsibleModule({}).exit_json(fine=True)\n")
    assert data["fine"] is True
    assert "No module named" in library.run(insert + "import ansible.module_utils.nowhere\n")["msg"]


def test_files_beside_the_library(library: Library) -> None:
    library.util("first.py", "from ansible.module_utils.pack.deep import WORD\n"
                             "from ansible.module_utils.pack import TOP\n")
    library.util("pack/__init__.py", "from .deep import WORD as TOP  # ü\n")
    library.util("pack/deep.py", "WORD = 'one'\n")
    text = HEAD + "from ansible.module_utils.first import WORD, TOP\nAnsibleModule({}).exit_json(word=WORD, top=TOP)\n"
    data = library.run(text)
    assert (data["word"], data["top"]) == ("one", "one")
    library.util("pack/deep.py", "WORD = 'a new one'\n")
    assert library.run(text)["word"] == "a new one"


def test_a_file_of_ones_own_comes_before_a_stand_in(library: Library) -> None:
    library.util("service.py", "MINE = True\n")
    data = library.run(HEAD + "from ansible.module_utils import service\n"
                              "AnsibleModule({}).exit_json(mine=service.MINE)\n")
    assert data["mine"] is True


def test_further_folders(target: Target, tmp_path: Path) -> None:
    more, roots = tmp_path / "more", tmp_path / "roots"
    utils = roots / "ansible_collections" / "ours" / "own" / "plugins" / "module_utils"
    utils.mkdir(parents=True)
    more.mkdir()
    (more / "elsewhere.py").write_text("from ansible_collections.ours.own.plugins.module_utils.base import N\n")
    (utils / "base.py").write_text("from .other import N\n")
    (utils / "other.py").write_text("N = 7\n")
    fleet = Fleet(utils=ModuleUtils([str(more)], [str(roots)]))
    try:
        library = Library(tmp_path / "site", fleet, target)
        data = library.run(HEAD + "from ansible.module_utils.elsewhere import N\nAnsibleModule({}).exit_json(n=N)\n")
        assert data["n"] == 7
    finally:
        fleet.close()


# ---- how it runs


def test_a_process_of_its_own(library: Library, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.write_text("")
    data = library.run(
        HEAD + "import atexit, os, sys, threading, time\n"
        f"atexit.register(os.unlink, {str(gone)!r})\n"
        "if os.fork() == 0:\n    sys.exit(5)\n"
        "os.wait()\n"
        "module = AnsibleModule({})\n"
        "import __main__\n"
        "thread = threading.Thread(target=lambda: (time.sleep(0.05), sys.stdout.write('late')))\nthread.start()\n"
        "module.exit_json(stdin=sys.stdin.read(), argv=len(sys.argv), same=__main__.module is module,\n"
        "                 package=__package__)\n")
    assert (data["stdin"], data["argv"], data["same"], data["package"]) == ("", 1, True, "ansible.modules")
    assert "late" in str(data["warnings"])
    assert not gone.exists()


def test_a_temporary_folder_is_gone_at_the_end_however_it_ends(library: Library) -> None:
    head = HEAD + "module = AnsibleModule({}, supports_check_mode=True)\n"
    data = library.run(head + "module.fail_json(msg=module.tmpdir)\n")
    assert data["failed"] is True
    assert not Path(data["msg"]).exists()
    data = library.run(head + "raise ValueError(module.tmpdir)\n")
    assert not Path(data["msg"].rpartition(" ")[2]).exists()


@pytest.mark.parametrize("coding", ["utf-8", "latin-1"])
def test_the_coding_of_the_source(library: Library, coding: str) -> None:
    text = f"# -*- coding: {coding} -*-\n" + HEAD + "print('ü')\nAnsibleModule({}).exit_json(word='grün')\n"
    assert library.run(text.encode(coding))["word"] == "grün"


def test_old_python_is_a_syntax_error_that_names_its_line(library: Library) -> None:
    data = library.run(HEAD + "print 'hello'\n")
    assert data["failed"] is True
    assert "SyntaxError" in data["msg"]
    assert "line 2" in data["exception"]


def test_secrets_are_in_no_result(library: Library) -> None:
    head = HEAD + (
        "module = AnsibleModule(dict(word=dict(no_log=True), n=dict(type='int', no_log=True), size=dict(type='int'),\n"
        "    deep=dict(type='dict', options=dict(key=dict(no_log=True, required=True), x=dict(choices=['a'])))))\n")
    given = {"word": "CANARY", "n": 4711, "deep": {"key": "BIRD"}}
    data = library.run(head + "p = module.params\nmodule.warn('w ' + p['word'])\n"
                       "module.exit_json(a=p['word'], b=['x' + p['deep']['key']], c={'d': p['n']}, "
                       "e='no %d' % p['n'])\n", given)
    assert not {word for word in ("CANARY", "BIRD", "4711") if word in json.dumps(data)}
    assert data["a"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert data["b"] == ["x********"]
    for wrong in ({"size": "CANARY"}, {"deep": {"key": "BIRD", "x": "CANARY"}},
                  {"deep": {"key": "BIRD"}, "wrong": "x"}):
        data = library.run(head + "module.exit_json()\n", {**given, **wrong})
        assert data["failed"] is True
        assert not {word for word in ("CANARY", "BIRD") if word in json.dumps(data)}, wrong


@pytest.mark.parametrize("end", ["raise ValueError(word)", "print(word)", "print(word)\nmodule.exit_json()",
                                 "import sys\nsys.stderr.write(word)"])
def test_nor_in_what_a_module_prints_or_crashes_with(library: Library, end: str) -> None:
    head = HEAD + "module = AnsibleModule(dict(word=dict(no_log=True)))\nword = module.params['word']\n"
    data = library.run(f"{head}{end}\n", {"word": "CANARY"})
    assert "CANARY" not in json.dumps(data)
    assert "********" in json.dumps(data) or "NO_LOG" in json.dumps(data)
    assert data["changed"] is False


def test_a_module_without_check_mode(fleet: Fleet, target: Target) -> None:
    data = ask(fleet, target, module("no_check", {}, path=str(FIELD / "no_check.py"), check=True))
    assert data["skipped"] is True
    assert data["msg"] == "remote module (no_check) does not support check mode"
    assert data["changed"] is False


def test_environment_and_folder(library: Library, tmp_path: Path) -> None:
    data = library.run(HEAD + "import os\nAnsibleModule({}).exit_json(env=os.environ['X'], cwd=os.getcwd())\n",
                       environment={"X": "y"}, cwd=str(tmp_path))
    assert (data["env"], data["cwd"]) == ("y", str(tmp_path))


def test_a_deadline(library: Library) -> None:
    request = library.request(HEAD + "import time\ntime.sleep(60)\n")
    request = Request(request.kind, request.body, deadline=1)
    assert ask(library.fleet, library.target, request)["timedout"]["period"] == 1


def test_as_a_job(library: Library, tmp_path: Path) -> None:
    library.util("mine.py", "WORD = 'from the job'\n")
    run = library.request(HEAD + "from ansible.module_utils.mine import WORD\n"
                                 "AnsibleModule({}).exit_json(word=WORD)\n").body
    jid = f"j{secrets.randbelow(10**9)}.{secrets.randbelow(10**6)}"
    where = {"jid": jid, "dir": str(tmp_path / "jobs")}
    ask(library.fleet, library.target, Request("job_start", {**where, "limit": 20, "run": run}))
    told = ask(library.fleet, library.target, Request("job_wait", {"jids": [jid], "dir": where["dir"], "seconds": 20}))
    assert told["jobs"][jid]["word"] == "from the job"
    ask(library.fleet, library.target, Request("job_clean", where))


def test_again_under_another_python(fleet: Fleet, target: Target) -> None:
    data = ask(fleet, target, module("again", {"name": "bob"}, path=str(FIELD / "again.py"), check=True))
    assert (data["again"], data["name"], data["changed"]) == (True, "bob", True)


# ---- single stand-ins


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ok" else 404, "Found" if self.path == "/ok" else "Not here")
        self.send_header("X-Agent", self.headers["User-Agent"])
        self.end_headers()
        self.wfile.write(b"body of " + self.path.encode())

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(b"got " + data + self.headers.get("Authorization", "").encode())


@pytest.fixture
def site() -> Iterator[str]:
    with serving(Answers) as url:
        yield url


def test_the_web(library: Library, site: str) -> None:
    data = library.run(HEAD + f"""
from ansible.module_utils.urls import fetch_url, open_url, url_argument_spec, ConnectionError
from ansible.module_utils.six.moves.urllib.error import HTTPError
module = AnsibleModule(dict(url_argument_spec(), x=dict()))
r = {{}}
response, info = fetch_url(module, '{site}/ok', headers={{'X': 'y'}})
r['ok'] = [info['status'], response.read().decode(), info['x-agent'], response.getcode()]
response, info = fetch_url(module, '{site}/no')
r['no'] = [info['status'], info['msg'], info['body'].decode()]
r['posted'] = open_url('{site}/post', method='POST', data='a=1', url_username='u', url_password='p',
                       force_basic_auth=True).read().decode()
try:
    open_url('{site}/no')
except HTTPError as error:
    r['raised'] = [error.code, error.read().decode()]
response, info = fetch_url(module, 'http://127.0.0.1:1/')
r['closed'] = [response, info['status'], 'refused' in info['msg']]
module.exit_json(**r)
""", {"http_agent": "ours"})
    assert data["ok"] == [200, "body of /ok", "ours", 200], data
    assert data["no"] == [404, "HTTP Error 404: Not here", "body of /no"]
    assert data["posted"] == "got a=1Basic dTpw"
    assert data["raised"] == [404, "body of /no"]
    assert data["closed"] == [None, -1, True]


def test_facts_and_the_system(library: Library) -> None:
    data = library.run(HEAD + """
from ansible.module_utils.facts.compat import ansible_facts
from ansible.module_utils.facts.utils import get_file_content, get_file_lines, get_mount_size
from ansible.module_utils.basic import get_distribution, get_platform
from ansible.module_utils import distro
module = AnsibleModule({})
facts = ansible_facts(module, ['!all', '!min', 'platform'])
module.exit_json(system=facts['system'], platform=get_platform(), distribution=get_distribution(), id=distro.id(),
    lines=len(get_file_lines('/etc/passwd')), content=get_file_content('/nowhere', 'dflt'),
    size=get_mount_size('/')['size_total'] > 0)
""")
    assert (data["system"], data["platform"], data["content"], data["size"]) == ("Linux", "Linux", "dflt", True)
    assert data["distribution"].lower() in (data["id"], "redhat", "amazon", "otherlinux")
    assert data["lines"] > 0


def test_sizes_versions_masks_and_checks(library: Library) -> None:
    data = library.run(HEAD + """
from ansible.module_utils.common.text.formatters import bytes_to_human, human_to_bytes, lenient_lowercase
from ansible.module_utils.compat.version import LooseVersion, StrictVersion
from ansible.module_utils.common.network import is_mac, is_masklen, to_masklen, to_netmask
from ansible.module_utils.common import validation
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.locale import get_best_parsable_locale
def says(function, *args):
    try:
        return function(*args)
    except (TypeError, ValueError) as error:
        return str(error)
module = AnsibleModule({})
checked = ArgumentSpecValidator({'a': {'type': 'int', 'required': True}}).validate({'a': '5'})
odd = ArgumentSpecValidator({'a': {}, 'b': {}}, [['a', 'b']]).validate({'a': '5', 'z': 1})
module.exit_json(
    sizes=[human_to_bytes('10M'), human_to_bytes(7), human_to_bytes('1Kb', isbits=True), says(human_to_bytes, 'x')],
    human=[bytes_to_human(0), bytes_to_human(1536), bytes_to_human(1 << 40)], lower=lenient_lowercase(['A', 1]),
    strange=[says(human_to_bytes, '10mB'), StrictVersion('1.0a1').version, odd.unsupported_parameters],
    versions=[LooseVersion('1.10') > '1.9', StrictVersion('1.0a1') < StrictVersion('1.0'), str(StrictVersion('1.2.0'))],
    net=[is_mac('aa:bb:cc:dd:ee:ff'), is_masklen('33'), to_masklen('255.255.240.0'), to_netmask(20)],
    checks=[says(validation.check_required_together, [['a', 'b']], {'a': 1}),
            says(validation.check_mutually_exclusive, [['a', 'b']], {'a': 1, 'b': 2}),
            says(validation.check_required_one_of, [['a', 'b']], {'c': 1}),
            says(validation.check_required_if, [['s', 'x', ['n']]], {'s': 'x'}),
            says(validation.check_type_int, 'x'), validation.check_type_bool('yes'),
            validation.check_type_list('a,b'), validation.check_type_dict('a=1')],
    checked=[checked.validated_parameters, checked.error_messages],
    wrong=ArgumentSpecValidator({'a': {'required': True}}).validate({}).error_messages,
    locale=get_best_parsable_locale(module) in ('C', 'C.utf8', 'en_US.utf8', 'POSIX'))
""")
    assert not data.get("failed"), data
    assert data["sizes"] == [10485760, 7, 1024, "human_to_bytes() can't interpret following string: x"]
    assert data["strange"] == ["human_to_bytes() failed to convert 10mB. Value is not a valid string (expect MB or M)",
                               [1, 0, 0], ["z"]]
    assert data["human"] == ["0.00 Bytes", "1.50 KB", "1.00 TB"]
    assert data["versions"] == [True, True, "1.2"]
    assert data["net"] == [True, False, 20, "255.255.240.0"]
    assert data["checks"][:4] == ["parameters are required together: a, b", "parameters are mutually exclusive: a|b",
                                  "one of the following is required: a, b",
                                  "s is x but all of the following are missing: n"]
    assert data["checks"][5:] == [True, ["a", "b"], {"a": "1"}]
    assert data["checked"] == [{"a": 5}, []]
    assert data["wrong"] == ["missing required arguments: a"]
    assert data["locale"] is True


def test_metaclasses_and_the_rest_of_six(library: Library) -> None:
    data = library.run(HEAD + """
import abc
from ansible.module_utils import six
from ansible.module_utils.six.moves import configparser, StringIO, range, zip_longest, reduce
from ansible.module_utils.six.moves import http_client, queue, cPickle
from ansible.module_utils.six.moves.urllib.request import Request
import ansible.module_utils.six.moves.urllib.parse as parse
class Meta(type):
    def __new__(cls, name, bases, body):
        body['made'] = name
        return type.__new__(cls, name, bases, body)
class A(six.with_metaclass(Meta, object)):
    pass
@six.add_metaclass(Meta)
class B(object):
    pass
AnsibleModule({}).exit_json(made=[A.made, B.made], items=sorted(six.iteritems({'a': 1})), text=six.ensure_text(b'x'),
    quoted=parse.quote('a b'), b=six.b('x') == b'x', total=reduce(lambda a, b: a + b, range(4)),
    parser=configparser.ConfigParser.__name__, url=Request('http://h/').full_url)
""")
    assert data["made"] == ["A", "B"], data
    assert (data["items"], data["text"], data["quoted"], data["total"]) == ([["a", 1]], "x", "a%20b", 6)


def test_attributes_and_moves(library: Library, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "old").chmod(0o604)
    data = library.run(HEAD + f"""
import os, stat
module = AnsibleModule({{}}, supports_check_mode=True)
base = {str(tmp_path)!r}
def mode(name):
    return '%04o' % stat.S_IMODE(os.stat(base + '/' + name).st_mode)
def put(name, text, bits):
    with open(base + '/' + name, 'w') as target:
        target.write(text)
    os.chmod(base + '/' + name, bits)
os.umask(0o27)
r = {{}}
put('src', 'new', 0o600)
module.atomic_move(base + '/src', base + '/old')
r['kept'] = mode('old')
put('src', 'newer', 0o641)
module.atomic_move(base + '/src', base + '/old', keep_dest_attrs=False)
r['own'] = mode('old')
put('src', 'fresh', 0o600)
module.atomic_move(base + '/src', base + '/fresh')
r['fresh'] = mode('fresh')
backup = os.path.basename(module.backup_local(base + '/fresh'))
r['backup'] = [backup.split('.')[0], module.backup_local(base + '/nowhere')]
diff = {{}}
r['set'] = [module.set_mode_if_different(base + '/fresh', 'u+x', False, diff), diff, mode('fresh')]
module.check_mode = True
r['check'] = [module.set_mode_if_different(base + '/fresh', '0700', False), mode('fresh'),
              module.set_mode_if_different(base + '/no', '0700', False)]
r['nothing'] = module.set_fs_attributes_if_different({{'path': base + '/fresh', 'mode': None}}, False)
r['src'] = os.path.exists(base + '/src')
module.exit_json(**r)
""")
    assert (data["kept"], data["own"], data["fresh"]) == ("0604", "0641", "0640"), data
    assert data["backup"] == ["fresh", ""]
    assert data["set"] == [True, {"before": {"mode": "0640"}, "after": {"mode": "0740"}}, "0740"]
    assert data["check"] == [True, "0740", True]
    assert (data["nothing"], data["src"]) == (False, False)
    assert (tmp_path / "old").read_text() == "newer"


def test_what_the_bundle_sends_is_small_and_sent_once(fleet: Fleet, target: Target) -> None:
    """The stand-ins that a module needs, and no others."""
    request = module("marked", {}, path=str(FIELD / "marked.py"))
    ask(fleet, target, request)
    agent = fleet.agent(target)
    sent = {key for key in agent._shipped if ".legacy." in key}
    assert "asyncrun.remote.legacy.ansible.module_utils.basic" in sent
    assert not {key for key in sent if key.endswith((".urls", ".respawn", ".facts"))}
    before = set(agent._shipped)
    ask(fleet, target, request)
    assert set(agent._shipped) == before
