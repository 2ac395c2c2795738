"""Every filter, test and lookup of ansible-core 2.21 is there, by its short and its full name."""

from __future__ import annotations

import pytest

from asyncrun.templating import Templar

FILTERS = """
abs attr b64decode b64encode basename batch bool capitalize center checksum combinations combine comment
commonpath count d default dict2items dictsort difference dirname e escape expanduser expandvars extract
fileglob filesizeformat first flatten float forceescape format from_json from_yaml_all from_yaml groupby hash
human_readable human_to_bytes indent int intersect items2dict items join last length list log lower mandatory
map max md5 min normpath password_hash path_join permutations pow pprint product quote random realpath
regex_escape regex_findall regex_replace regex_search reject rejectattr rekey_on_member relpath replace
reverse root round safe select selectattr sha1 shuffle slice sort split splitext strftime string striptags
subelements sum symmetric_difference ternary title to_datetime to_json to_nice_json to_nice_yaml to_uuid
to_yaml tojson trim truncate type_debug union unique unvault upper urldecode urlencode urlize urlsplit vault
win_basename win_dirname win_splitdrive wordcount wordwrap xmlattr zip_longest zip
"""
TESTS = """
abs all any boolean callable change changed contains defined directory divisibleby eq equalto escaped even
exists failed failure false falsy file filter finished float ge greaterthan gt in integer is_abs is_dir
is_file is_link is_mount is_same_file isnan issubset issuperset iterable le lessthan link_exists link lower lt
mapping match mount nan ne none number odd reachable regex same_file sameas search sequence skip skipped
started string subset succeeded success successful superset test timedout true truthy undefined unreachable
upper uri url urn vault_encrypted vaulted_file version_compare version
"""
LOOKUPS = """
config csvfile dict env file fileglob first_found indexed_items ini inventory_hostnames items lines list
nested password pipe random_choice sequence subelements template together unvault url varnames vars
"""
TEMPLAR = Templar()


@pytest.mark.parametrize("name", FILTERS.split())
def test_filter_is_there(name: str) -> None:
    assert callable(TEMPLAR.environment.filters[name])
    assert f"ansible.builtin.{name}" in TEMPLAR.environment.filters


@pytest.mark.parametrize("name", TESTS.split())
def test_test_is_there(name: str) -> None:
    assert callable(TEMPLAR.environment.tests[name])
    assert f"ansible.builtin.{name}" in TEMPLAR.environment.tests


@pytest.mark.parametrize("name", LOOKUPS.split())
def test_lookup_is_there(name: str) -> None:
    assert callable(TEMPLAR.lookups.known[name])


@pytest.mark.parametrize(
    "name", ["lookup", "query", "q", "now", "undef", "omit", "range", "dict", "namespace", "cycler", "joiner", "lipsum"]
)
def test_global_is_there(name: str) -> None:
    assert name in TEMPLAR.environment.globals
