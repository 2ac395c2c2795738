"""Settings: read from files and the environment by one table, each value with its source."""

from __future__ import annotations

import configparser
import logging
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncrun.errors import ConfigError, suggest
from asyncrun.origin import Origin
from asyncrun.settings import ANSIBLE_ONLY, RENAMED, SETTINGS, Setting

_log = logging.getLogger(__name__)
Warn = Callable[[str], None]

TRUE = ("true", "yes", "on", "1", "y", "t")
FALSE = ("false", "no", "off", "0", "n", "f")
_KEY_LINE = re.compile(r"([^\s#;\[=:][^=:]*?)\s*(?:[=:]|$)")
_SECTION_LINE = re.compile(r"\[([^\]]+)\]")


class Config(Mapping[str, Any]):
    """Every setting's value, and where it comes from. Frozen; `over` gives another one."""

    def __init__(self, values: Mapping[str, Any], sources: Mapping[str, str], file: str | None = None) -> None:
        self._values = dict(values)
        self._sources = dict(sources)
        self.file = file                                   # the configuration file that was read, if any

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def source(self, name: str) -> str:
        """Where a value comes from: "default", "asyncrun.cfg:12", "ASYNCRUN_FORKS", "command line"."""
        return self._sources[name]

    def chosen(self, *names: str) -> dict[str, Any]:
        """Those of these settings that somebody has set, with their values."""
        return {name: self[name] for name in names if self._sources[name] != "default"}

    def idle(self) -> list[str]:
        """The settings that somebody changed, and that change nothing."""
        return [name for name, setting in SETTINGS.items()
                if not setting.effect and self._sources[name] != "default" and self[name] != setting.default]

    def over(self, values: Mapping[str, Any], source: str) -> Config:
        """The same with other values from `source`; None leaves a setting as it is. ConfigError: a value cannot be."""
        said = {
            name: _checked(SETTINGS[name], value, source, None)
            for name, value in values.items() if value is not None
        }
        return Config({**self._values, **said}, {**self._sources, **dict.fromkeys(said, source)}, self.file)


def defaults(environ: Mapping[str, str] | None = None) -> Config:
    """Every setting at its default."""
    values = {name: _default(setting, os.environ if environ is None else environ) for name, setting in SETTINGS.items()}
    return Config(values, dict.fromkeys(SETTINGS, "default"))


def load(environ: Mapping[str, str] | None = None, cwd: str | None = None, warn: Warn = _log.warning) -> Config:
    """The settings of this place: environment over configuration file over defaults.

    The file is the first of $ASYNCRUN_CONFIG, $ANSIBLE_CONFIG, ./asyncrun.cfg, ./ansible.cfg, ~/.asyncrun.cfg,
    ~/.ansible.cfg, /etc/ansible/ansible.cfg. ConfigError: a broken file, or a value that a setting cannot have.
    """
    environ = os.environ if environ is None else environ
    folder = Path(cwd or os.getcwd())                      # noqa: PTH109 - keeps the path as the shell sees it
    config = defaults(environ)
    path = find_file(environ, folder, warn)
    if path is not None:
        config = _with_file(config, path, environ, warn)
    return _with_environment(config, environ, folder)


def find_file(environ: Mapping[str, str], cwd: Path, warn: Warn) -> Path | None:
    """The configuration file that counts here."""
    for name in ("ASYNCRUN_CONFIG", "ANSIBLE_CONFIG"):
        if environ.get(name):
            named = Path(_expand(environ[name], environ, cwd))
            path = named / "ansible.cfg" if _there(named, Path.is_dir) else named
            if _there(path, Path.exists):
                return path
            warn(f"{name} names {path}, which is not there")
    home = Path(environ.get("HOME") or Path.home())
    for path in (cwd / "asyncrun.cfg", cwd / "ansible.cfg", home / ".asyncrun.cfg", home / ".ansible.cfg",
                 Path("/etc/ansible/ansible.cfg")):
        if not _there(path, Path.is_file):
            continue
        if path.parent == cwd and cwd.stat().st_mode & stat.S_IWOTH:
            warn(f"{path} is not read: anybody may write to this folder. Name it in ANSIBLE_CONFIG if you trust it.")
            continue
        return path
    return None


def _there(path: Path, question: Callable[[Path], bool]) -> bool:
    """What Path says of a place; False where one may not look."""
    try:
        return question(path)
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class _Written:
    """A value as it stands in a file."""

    section: str
    key: str
    text: str
    line: int


def _read(path: Path) -> list[_Written]:
    parser = configparser.RawConfigParser(
        strict=False, allow_no_value=True, inline_comment_prefixes=(";",), default_section="\0none"
    )
    try:
        text = path.read_text(encoding="utf-8-sig")
        parser.read_string(text, str(path))
    except configparser.MissingSectionHeaderError as error:
        raise ConfigError("a setting before any [section]", origin=Origin(str(path), error.lineno),
                          hint="Most settings belong in [defaults].") from None
    except configparser.ParsingError as error:
        line = error.errors[0][0] if error.errors else 1
        raise ConfigError("neither a setting, a section nor a comment", origin=Origin(str(path), line)) from None
    except UnicodeDecodeError:
        raise ConfigError("the configuration file is not UTF-8 text", origin=Origin(str(path))) from None
    except OSError as error:
        raise ConfigError(f"the configuration file {path} cannot be read: {error.strerror}") from None
    lines = _lines(text)
    return [
        _Written(section, key, value, lines.get((section, key), 1))
        for section in parser.sections() for key, value in parser.items(section) if value is not None
    ]


def _lines(text: str) -> dict[tuple[str, str], int]:
    """The line on which each (section, key) is written last."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _SECTION_LINE.match(line):
            section = header[1]
        elif key := _KEY_LINE.match(line):
            found[section, key[1].lower()] = number
    return found


def _with_file(config: Config, path: Path, environ: Mapping[str, str], warn: Warn) -> Config:
    known = {place: setting for setting in SETTINGS.values() for place in reversed(setting.places)}
    values, sources = dict(config), {name: config.source(name) for name in config}
    best: dict[str, int] = {}
    for written in _read(path):
        setting = known.get((written.section, written.key))
        where = f"{path}:{written.line}"
        if setting is None:
            _complain(written, where, warn)
            continue
        rank = setting.places.index((written.section, written.key))
        if rank > best.get(setting.name, rank):
            continue                                       # a setting's first place wins over its other ones
        best[setting.name] = rank
        origin = Origin(str(path), written.line)
        value = _convert(setting, _unquoted(written.text), where, origin)
        values[setting.name] = _placed(setting, value, environ, path.parent)
        sources[setting.name] = where
    return Config(values, sources, str(path))


def _complain(written: _Written, where: str, warn: Warn) -> None:
    """Warn of a key that is likely meant to be another one; keys of sections nobody knows are somebody else's."""
    section, key = written.section, written.key
    if section not in ANSIBLE_ONLY:
        hint = suggest(section, ANSIBLE_ONLY)
        if hint:
            warn(f"{where}: the section [{section}] is not known, so '{key}' has no effect. {hint}")
        return
    if key in ANSIBLE_ONLY[section]:
        return
    places = [place for setting in SETTINGS.values() for place in setting.places]
    meant = RENAMED.get(key, key)
    homes = [home for home, name in places if name == meant]
    if homes and meant != key:
        hint = f"Did you mean '{meant}' in [{homes[0]}]?"
    elif homes:
        hint = f"It belongs in [{homes[0]}]."
    else:
        hint = suggest(key, [name for home, name in places if home == section]) or ""
    if hint or section == "asyncrun":
        warn(f"{where}: '{key}' in [{section}] is not a setting and has no effect. {hint}".rstrip())


def _with_environment(config: Config, environ: Mapping[str, str], cwd: Path) -> Config:
    values, sources = dict(config), {name: config.source(name) for name in config}
    for setting in SETTINGS.values():
        for name in variables(setting):
            text = environ.get(name)
            if text is None or (text == "" and setting.kind != "str"):
                continue
            # By its convention NO_COLOR counts with any value.
            value = True if name == "NO_COLOR" else _convert(setting, text, name, None)
            values[setting.name] = _placed(setting, value, environ, cwd)
            sources[setting.name] = name
            break
    return Config(values, sources, config.file)


def variables(setting: Setting) -> tuple[str, ...]:
    """The environment variables of a setting, the one that wins first."""
    twins = [name.replace("ANSIBLE_", "ASYNCRUN_", 1) for name in setting.env if name.startswith("ANSIBLE_")]
    return tuple(dict.fromkeys((*twins, *setting.env)))


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _convert(setting: Setting, text: str, source: str, origin: Origin | None) -> Any:
    """The typed value of a text. ConfigError."""
    text = text.strip()
    value: Any = text
    try:
        if setting.kind == "bool":
            value = to_bool(text)
        elif setting.kind == "int":
            value = int(text)
        elif setting.kind == "float":
            value = float(text)
    except ValueError:
        wanted = {"bool": "true or false", "int": "a whole number", "float": "a number"}[setting.kind]
        raise _wrong(setting, f"has to be {wanted}", text, source, origin) from None
    if setting.kind == "list":
        value = _words(text)
    elif setting.kind == "paths":
        value = _words(text, os.pathsep)
    elif setting.kind == "sources":
        value = _sources(text)
    elif setting.kind == "tokens":
        value = text.replace("%%", "%")
    return _checked(setting, value, source, origin)


def _sources(text: str) -> list[str]:
    """Inventories: paths parted by commas, or a list of hosts, which ends in a comma."""
    return [text] if text.endswith(",") else _words(text)


def _words(text: str, between: str = ",") -> list[str]:
    return [word for word in (part.strip() for part in re.split(rf"[{between}\n]", text)) if word]


def to_bool(text: str) -> bool:
    """A truth value as people write it. ValueError."""
    word = text.lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ValueError(text)


def _checked(setting: Setting, value: Any, source: str, origin: Origin | None) -> Any:
    if setting.choices and value not in setting.choices:
        raise _wrong(setting, "has to be one of " + ", ".join(setting.choices), value, source, origin)
    if setting.least is not None and not value >= setting.least:
        raise _wrong(setting, f"has to be at least {setting.least}", value, source, origin)
    return value


def _wrong(setting: Setting, wanted: str, value: Any, source: str, origin: Origin | None) -> ConfigError:
    said = "" if origin else f" ({source})"
    hint = suggest(str(value), setting.choices) if setting.choices else None
    return ConfigError(f"the setting '{setting.name}' {wanted}, and is '{value}'{said}", origin=origin, hint=hint)


def _placed(setting: Setting, value: Any, environ: Mapping[str, str], folder: Path) -> Any:
    """Paths made whole: relative ones start at the file's folder (or the current one, for variables)."""
    if setting.kind == "path" and value:
        return _expand(value, environ, folder)
    if setting.kind in ("paths", "sources"):
        return [part if part.endswith(",") else _expand(part, environ, folder) for part in value]
    return value


def _expand(text: str, environ: Mapping[str, str], folder: Path) -> str:
    """A path with ~, $NAME, ${NAME} and {{CWD}} filled in, made absolute from `folder`."""
    text = re.sub(r"\{\{\s*CWD\s*\}\}", lambda _: os.getcwd(), text)      # noqa: PTH109
    text = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda name: environ.get(name[1] or name[2], name[0]), text)
    if text == "~" or text.startswith("~/"):
        text = (environ.get("HOME") or str(Path.home())) + text[1:]
    elif text.startswith("~"):
        text = os.path.expanduser(text)                    # noqa: PTH111 - ~user
    return os.path.normpath(folder / text)


def _default(setting: Setting, environ: Mapping[str, str]) -> Any:
    if setting.default is None:
        return None
    return _placed(setting, setting.default, environ, Path("/"))


__all__ = ["Config", "defaults", "find_file", "load", "to_bool", "variables"]
