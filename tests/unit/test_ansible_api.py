"""The stand-ins that people's plugins import as `ansible`: they are there, and do what they are documented to do."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from asyncrun.importing import Importer
from asyncrun.plugins import STAND_INS
from asyncrun.remote import legacy
from asyncrun.templating import ansible_api
from tests.website import serving

# What the plugins of well-known repositories and collections import, most often first.
IMPORTED = """
ansible.errors AnsibleError AnsibleFilterError AnsibleLookupError AnsibleOptionsError AnsibleParserError
    AnsibleUndefinedVariable AnsibleFilterTypeError AnsibleAssertionError AnsiblePluginRemovedError AnsibleTypeError
ansible errors constants utils __version__
ansible.module_utils.common.text.converters to_text to_native to_bytes jsonify
ansible.module_utils._text to_text to_native to_bytes
ansible.plugins.lookup LookupBase
ansible.plugins.lookup.file LookupModule
ansible.plugins.loader lookup_loader
ansible.plugins.filter.core combine to_nice_yaml flatten dict_to_list_of_dict_key_value_elements FilterModule
ansible.plugins.filter.mathstuff unique union
ansible.plugins.test.core TestModule version_compare
ansible.utils.display Display
ansible.utils.vars merge_hash combine_vars isidentifier
ansible.utils.listify listify_lookup_plugin_terms
ansible.utils.unsafe_proxy wrap_var AnsibleUnsafe AnsibleUnsafeText
ansible.utils.path unfrackpath makedirs_safe
ansible.utils.encrypt random_password do_encrypt passlib_or_crypt
ansible.utils.hashing checksum_s md5s
ansible.utils.helpers deduplicate_list
ansible.utils.unicode to_unicode
ansible.template Templar trust_as_template
ansible.parsing.dataloader DataLoader
ansible.parsing.splitter parse_kv split_args
ansible.parsing.ajson AnsibleJSONEncoder AnsibleJSONDecoder
ansible.parsing.yaml.objects AnsibleUnicode AnsibleMapping AnsibleVaultEncryptedUnicode
ansible.release __version__
ansible.module_utils.basic missing_required_lib AnsibleModule env_fallback
ansible.module_utils.six string_types integer_types iteritems text_type PY3 with_metaclass
ansible.module_utils.six.moves configparser reduce zip_longest urllib
ansible.module_utils.six.moves.urllib.parse quote urlparse
ansible.module_utils.six.moves.urllib.error HTTPError
ansible.module_utils.common.collections is_sequence is_string is_iterable Mapping ImmutableDict
ansible.module_utils.common._collections_compat Mapping KeysView MutableMapping
ansible.module_utils.common.validation check_type_bool check_type_int check_type_list
ansible.module_utils.common.process get_bin_path
ansible.module_utils.common.arg_spec ArgumentSpecValidator
ansible.module_utils.common.dict_transformations dict_merge camel_dict_to_snake_dict snake_dict_to_camel_dict
ansible.module_utils.common.text.formatters human_to_bytes bytes_to_human
ansible.module_utils.parsing.convert_bool boolean BOOLEANS_TRUE
ansible.module_utils.compat.version LooseVersion StrictVersion
ansible.module_utils.urls open_url ConnectionError SSLValidationError basic_auth_header Request
ansible.module_utils.errors UnsupportedError RequiredIfError
ansible.module_utils.common.json AnsibleJSONEncoder
ansible.module_utils.common.yaml yaml_load yaml_dump HAS_LIBYAML
ansible.module_utils.common.network is_mac to_netmask
ansible.module_utils.common.warnings warn deprecate
ansible.module_utils.compat.importlib import_module
ansible.module_utils.facts.utils get_file_content
ansible.module_utils.ansible_release __version__
"""


def rows() -> list[tuple[str, str]]:
    """(module, name) of each line, with the lines that go on."""
    found, module = [], ""
    for line in IMPORTED.strip().splitlines():
        words = line.split()
        if not line.startswith(" "):
            module = words.pop(0)
        found += [(module, name) for name in words]
    return found


@pytest.fixture(autouse=True)
def importer() -> Iterator[None]:
    made = Importer(STAND_INS, [])
    made.install()
    yield
    made.remove()


def there(name: str) -> Any:
    return importlib.import_module(name)


@pytest.mark.parametrize(("module", "name"), rows())
def test_what_plugins_import_is_there(module: str, name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"from {module} import {name}", scope)
    assert name in scope


def test_a_class_is_the_same_by_both_of_its_names() -> None:
    assert there("ansible.errors").AnsibleError is importlib.import_module(f"{STAND_INS[0]}.errors").AnsibleError
    assert there("ansible.errors").__spec__.name == f"{STAND_INS[0]}.errors"
    shipped = importlib.import_module(f"{STAND_INS[1]}.module_utils.urls")
    assert there("ansible.module_utils.urls").ConnectionError is shipped.ConnectionError
    errors = [there(f"ansible.module_utils.{name}").AnsibleFallbackNotFound for name in (
        "errors", "basic", "common.parameters")]
    assert len(set(errors)) == 1
    assert errors[0].__name__ == "AnsibleFallbackNotFound"


def files() -> list[tuple[Path, Path]]:
    """Every stand-in, with the folder that is `ansible` to it."""
    folders = [Path(ansible_api.__file__).parent, Path(legacy.__file__).parent / "ansible"]
    return [(path, folder) for folder in folders for path in sorted(folder.rglob("*.py"))]


def test_no_stand_in_is_there_twice() -> None:
    inner = [path.relative_to(folder) for path, folder in files() if path.name != "__init__.py"]
    assert len(set(inner)) == len(inner)


@pytest.mark.parametrize(("path", "folder"), files())
def test_every_file_says_what_it_is_and_can_be_imported(path: Path, folder: Path) -> None:
    inner = path.relative_to(folder).with_suffix("")
    parts = [part for part in inner.parts if part != "__init__"]
    assert there(".".join(("ansible", *parts))).__doc__


def test_what_is_not_there_is_a_missing_module() -> None:
    for name in ("ansible.nothing", "ansible.plugins.filter.nothing", "ansible.errors.deeper"):
        with pytest.raises(ModuleNotFoundError):
            there(name)


def test_errors_are_their_messages() -> None:
    errors = there("ansible.errors")
    assert str(errors.AnsibleError("told")) == "told"
    assert str(errors.AnsibleError("told", orig_exc=ValueError("why"))) == "told: why"
    assert isinstance(errors.AnsibleFilterTypeError("x"), errors.AnsibleFilterError)
    assert str(errors.AnsibleFileNotFound(file_name="a", paths=["/b"])) == \
        "Could not find or access 'a'\nSearched in: /b"
    assert errors.AnsibleActionFail("no", result={"rc": 1}).result == {"rc": 1, "failed": True, "msg": "no"}


@pytest.mark.parametrize(("given", "text"), [("é", "é"), ("é".encode(), "é"), (5, "5"), (b"\xff", "\udcff")])
def test_converters(given: Any, text: str) -> None:
    converters = there("ansible.module_utils.common.text.converters")
    assert converters.to_text(given) == converters.to_native(given) == text
    assert converters.to_text(converters.to_bytes(given)) == text


def test_converters_of_what_is_no_text() -> None:
    converters = there("ansible.module_utils.common.text.converters")
    assert converters.to_text(5, nonstring="passthru") == 5
    assert converters.to_bytes(None, nonstring="empty") == b""
    with pytest.raises(TypeError):
        converters.to_text(5, nonstring="strict")
    with pytest.raises(UnicodeDecodeError):
        converters.to_text(b"\xff", errors="strict")
    assert converters.container_to_text({b"a": [b"b", (b"c",)], (b"k",): 1}) == {"a": ["b", ("c",)], ("k",): 1}
    assert converters.to_bytes("é", "ascii") == converters.to_bytes("é", "ascii", "surrogate_then_replace") == b"?"
    with pytest.raises(UnicodeEncodeError):
        converters.to_bytes("é", "ascii", "surrogate_or_replace")
    assert converters.jsonify({"a": {1}, "b": b"c"}) == '{"a": [1], "b": "c"}'


@pytest.mark.parametrize(("word", "value"), [("yes", True), (" ON ", True), (1, True), ("f", False), (0.0, False)])
def test_boolean(word: Any, value: bool) -> None:
    boolean = there("ansible.module_utils.parsing.convert_bool").boolean
    assert boolean(word) is value
    assert boolean("maybe", strict=False) is boolean([], strict=False) is False
    with pytest.raises(TypeError, match="not a valid boolean"):
        boolean("maybe")


def test_collections_and_mappings() -> None:
    collections, changes = (there(f"ansible.module_utils.common.{name}") for name in (
        "collections", "dict_transformations"))
    assert [collections.is_sequence(each) for each in ([], (), "a", {}, 1)] == [True, True, False, False, False]
    assert collections.count(["a", "b", "a"]) == {"a": 2, "b": 1}
    frozen = collections.ImmutableDict(a=1)
    assert {frozen: 1}[collections.ImmutableDict(a=1)] == 1
    assert dict(frozen.union({"b": 2}).difference(["a"])) == {"b": 2}
    assert frozen != {"a": 1}
    with pytest.raises(TypeError):
        frozen["a"] = 2
    assert changes.camel_dict_to_snake_dict({"HostName": [{"innerKey": 1}], "TargetARNs": 2}) == {
        "host_name": [{"inner_key": 1}], "target_arns": 2}
    assert changes.snake_dict_to_camel_dict({"host_name": {"a_b": 1}}) == {"hostName": {"aB": 1}}
    assert changes.dict_merge({"a": {"x": 1}, "b": 1}, {"a": {"y": 2}}) == {"a": {"x": 1, "y": 2}, "b": 1}
    one, other = {"a": 1, "b": {"c": 1}}, {"a": 1, "b": {"c": 2}}
    assert changes.recursive_diff(one, other) == ({"b": {"c": 1}}, {"b": {"c": 2}})


def test_mappings_are_merged_as_by_combine() -> None:
    merging = there("ansible.utils.vars")
    assert merging.merge_hash({"a": {"x": 1}, "l": [1]}, {"a": {"y": 2}, "l": [2]}, list_merge="append") == {
        "a": {"x": 1, "y": 2}, "l": [1, 2]}
    assert merging.combine_vars({"a": {"x": 1}}, {"a": {"y": 2}}) == {"a": {"y": 2}}
    assert [merging.isidentifier(each) for each in ("a1", "1a", "class", "é", 1)] == [True] + [False] * 4


def test_versions_compare() -> None:
    loose = there("ansible.module_utils.compat.version").LooseVersion
    assert loose("1.10") > loose("1.9")
    assert loose("1.10") == "1.10"
    strict = there("ansible.module_utils.compat.version").StrictVersion
    assert strict("1.0b2") < strict("1.0") < "1.0.1"
    assert (strict("1.0b2").version, strict("1.0b2").prerelease) == ((1, 0, 0), ("b", 2))
    assert min(loose("2.0"), loose("1.2.3")).vstring == "1.2.3"


def test_arguments_are_checked_by_a_specification() -> None:
    spec = {"name": {"type": "str", "required": True}, "count": {"type": "int", "default": 1},
            "inner": {"type": "dict", "options": {"on": {"type": "bool"}}}}
    validator = there("ansible.module_utils.common.arg_spec").ArgumentSpecValidator
    good = validator(spec).validate({"name": 5, "inner": {"on": "yes"}})
    assert good.validated_parameters == {"name": "5", "count": 1, "inner": {"on": True}}
    assert not good.error_messages
    assert "missing required arguments: name" in validator(spec).validate({}).error_messages[0]
    two: dict[str, Any] = {"a": {}, "b": {}}
    for either in (validator(two, mutually_exclusive=[["a", "b"]]), validator(two, [["a", "b"]])):
        assert either.validate({"a": "1", "b": "2"}).errors.msg == "parameters are mutually exclusive: a|b"
    odd = validator(spec).validate({"name": "x", "zz": 1, "bad": 2})
    assert odd.unsupported_parameters == {"bad", "zz"}
    assert odd.error_messages == ["bad, zz. Supported parameters include: count, inner, name."]
    basic = there("ansible.module_utils.basic")

    class Checked(basic.AnsibleModule):      # type: ignore[misc,name-defined]
        """As plugins do it: the arguments are set before the spec is given."""

        def __init__(self, params: dict[str, Any]) -> None:
            self.params = params
            super().__init__(spec)

    assert Checked({"name": "x"}).params["count"] == 1
    with pytest.raises(ValueError, match="missing required"):
        Checked({})
    assert f"{sys.executable} -m pip install netaddr" in basic.missing_required_lib("netaddr")


@pytest.mark.parametrize(("size", "bits", "expected"), [
    ("10M", False, 10485760), ("1.5 KB", False, 1536), ("7", False, 7), ("5 Byte", False, 5), ("10Mb", True, 10485760),
    ("10Mb", False, "10Mb. Value is not a valid string (expect MB or M)"),
    ("10mB", False, "10mB. Value is not a valid string (expect MB or M)"),
    ("10MB", True, "10MB. Value is not a valid string (expect Mb or M)"),
    ("5bits", True, "5bits. Value is not a valid string (expect b or bit)"),
    ("2Q", False, "2Q (unit = Q). The suffix must be one of Y, Z, E, P, T, G, M, K, B"),
    ("1.", False, "can't interpret following string: 1."),
])
def test_sizes(size: str, bits: bool, expected: Any) -> None:
    formatters = there("ansible.module_utils.common.text.formatters")
    try:
        assert formatters.human_to_bytes(size, isbits=bits) == expected
    except ValueError as error:
        assert str(error).endswith(str(expected))


def test_values_as_the_types_of_arguments() -> None:
    validation = there("ansible.module_utils.common.validation")
    assert validation.check_type_list("a, b") == ["a", " b"]
    assert [validation.check_type_str(each) for each in ("x", 5, None)] == ["x", "5", ""]
    assert validation.check_type_dict("a=1 b=2") == {"a": "1", "b": "2"}
    with pytest.raises(TypeError, match="not a valid boolean"):
        validation.check_type_bool("x")


class Answers(BaseHTTPRequestHandler):
    """Says what it was asked; the first page gives a cookie."""

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/no" else 200)
        if self.path == "/first":
            self.send_header("Set-Cookie", "seen=yes")
        self.end_headers()
        said = [self.command, self.path, *(str(self.headers[name]) for name in ("X", "Cookie", "Authorization"))]
        self.wfile.write(" ".join(said).encode())

    def do_PUT(self) -> None:
        self.do_GET()


@pytest.fixture
def site() -> Iterator[str]:
    with serving(Answers) as url:
        yield url


def test_the_web(site: str) -> None:
    urls, error = there("ansible.module_utils.urls"), there("ansible.module_utils.six.moves.urllib.error")
    jar = there("ansible.module_utils.six.moves.http_cookiejar").CookieJar()
    asker = urls.Request({"X": "mine"}, cookies=jar, url_username="u", url_password="p", force_basic_auth=True)
    assert asker.get(f"{site}/first").read() == b"GET /first mine None Basic dTpw"
    assert asker.put(f"{site}/second", data=b"", headers={"X": "y"}).read() == b"PUT /second y seen=yes Basic dTpw"
    assert urls.open_url(f"{site}/third").read() == b"GET /third None None None"
    with pytest.raises(error.HTTPError, match="404"):
        urls.open_url(f"{site}/no")
    with pytest.raises(error.URLError, match="refused"):
        urls.open_url("http://127.0.0.1:1/")


def test_words_of_arguments() -> None:
    splitter = there("ansible.parsing.splitter")
    assert splitter.parse_kv("a=1 b='x y' free") == {"a": "1", "b": "x y"}
    assert splitter.parse_kv("free a=1", check_raw=True)["_raw_params"] == "free"
    assert splitter.split_args("a='b c' {{ d e }} f") == ["a='b c'", "{{ d e }}", "f"]


def test_passwords_and_checksums(tmp_path: Path) -> None:
    encrypt, hashing = there("ansible.utils.encrypt"), there("ansible.utils.hashing")
    assert len(encrypt.random_password(30, "ab")) == 30
    assert encrypt.random_password(seed="x") == encrypt.random_password(seed="x") != encrypt.random_password()
    assert encrypt.do_encrypt("secret", "sha512", salt="abcdefgh").startswith("$6$")
    (tmp_path / "a").write_text("x")
    assert hashing.checksum(str(tmp_path / "a")) == hashing.checksum_s("x")
    assert hashing.checksum_s("x") == "11f6ad8ec52a2984abaafd7c3b516503785c2072"
    assert hashing.md5(str(tmp_path / "none")) is None


def test_yaml_where_there_is_no_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [each for each in sys.path if not Path(each, "yaml").exists()])
    monkeypatch.delitem(sys.modules, "yaml", raising=False)
    yaml = there("yaml")
    assert yaml.safe_load("a: [1, yes]") == {"a": [1, True]}
    assert yaml.load(b"x: 1", Loader=yaml.SafeLoader) == {"x": 1}
    assert [*yaml.safe_load_all("1\n---\n2\n")] == [1, 2]
    assert yaml.dump({"b": [1], "a": None}, default_flow_style=False) == "a: null\nb:\n- 1\n"
    assert yaml.safe_dump_all([{"a": 1}, [2]]) == "---\na: 1\n---\n- 2\n"
    dumper = there("ansible.parsing.yaml.dumper").AnsibleDumper
    assert yaml.dump({"a": 1}, Dumper=dumper) == "a: 1\n"
    assert there("ansible.parsing.yaml.loader").AnsibleLoader.__name__ == "AnsibleLoader"
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load("a: [")
    with pytest.raises(ImportError):
        exec("from yaml import CSafeLoader")
    with pytest.raises(AttributeError, match="PyYAML, which is not installed"):
        yaml.add_representer(str, None)


def test_old_names_of_python() -> None:
    six = there("ansible.module_utils.six")
    assert dict(six.iteritems({"a": 1})) == {"a": 1}
    assert isinstance("x", six.string_types)
    assert six.ensure_text(b"a") == "a"
    assert six.moves.urllib.parse.quote("a b") == "a%20b"
    assert there("ansible.module_utils.six.moves.urllib.parse") is importlib.import_module("urllib.parse")
    assert importlib.import_module("urllib.parse").__spec__.name == "urllib.parse"
    with pytest.raises(ModuleNotFoundError):
        there("ansible.module_utils.six.moves.nothing")

    class Meta(type):
        pass

    assert type(six.add_metaclass(Meta)(type("Plain", (), {"x": 1}))) is Meta
