"""The parts that one run is made of, put together from options and configuration: knows all concrete classes."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections import ChainMap, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from asyncrun import config as configuration
from asyncrun.actions.builtin import ACTIONS
from asyncrun.actions.follow import Following
from asyncrun.catalog import Catalog
from asyncrun.config import Config
from asyncrun.engine.view import Defaults, Tools
from asyncrun.errors import InventoryError, ParseError, TemplateError, UsageError, suggest
from asyncrun.events import Event, Warned
from asyncrun.installed import Installed, collection_roots
from asyncrun.inventory import load as inventory_file
from asyncrun.inventory import patterns
from asyncrun.inventory.model import Inventory, is_host_list
from asyncrun.inventory.rules import Rules, Templates
from asyncrun.journal import Journal
from asyncrun.options import Options
from asyncrun.origin import Origin
from asyncrun.output import Sink, Ticking
from asyncrun.passwords import passwords, vault_secrets
from asyncrun.playbook.load import LoadContext
from asyncrun.playbook.model import Play
from asyncrun.playbook.shelf import Shelf
from asyncrun.plugins import KINDS, Plugins
from asyncrun.questions import Person, prompted
from asyncrun.source import Overlaid, Repeated, files, yaml
from asyncrun.source.arguments import split_args
from asyncrun.source.vault import Vault, is_vault
from asyncrun.templating.templar import Templar
from asyncrun.templating.values import OMIT, plain
from asyncrun.transport.fleet import Fleet
from asyncrun.transport.moduleutils import ModuleUtils
from asyncrun.vars import factcache
from asyncrun.vars.factcache import JsonFiles
from asyncrun.vars.folders import VarsFolders
from asyncrun.vars.sources import Scene, play_vars
from asyncrun.vars.stack import Layer, LazyVars, VarStack

FACT_CACHES = ("memory", "jsonfile")
VERSION = (2, 21, 0)              # the ansible-core whose playbooks run here: `ansible_version`


class Ears(logging.Handler):
    """Brings events to the sinks, in the main thread; warnings that any thread logged come with the next one.

    `repeated`: what a key that is twice in a mapping is: warn, error, ignore.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.sinks: list[Sink] = []
        self.repeated = "warn"
        logging.getLogger("asyncrun").addHandler(self)
        self._pending: deque[Warned] = deque()

    def emit(self, record: logging.LogRecord) -> None:
        """A logged warning becomes an event."""
        self._pending.append(Warned(record.getMessage()))

    def warn(self, message: str) -> None:
        """Something to know. ParseError where it is to be an error."""
        if isinstance(message, Repeated) and self.repeated == "error":
            raise ParseError("YAML parsing failed: a key is there twice.", origin=message.origin,
                             hint="duplicate_dict_key says what that is: warn, error, ignore.")
        if not isinstance(message, Repeated) or self.repeated == "warn":
            self._pending.append(Warned(message))

    def hear(self, event: Event) -> None:
        """Tell every sink."""
        self.flush_warnings()
        for sink in self.sinks:
            sink.handle(event)

    def tick(self) -> None:
        """Time has passed."""
        for sink in self.sinks:
            if isinstance(sink, Ticking):
                sink.tick()

    def close(self) -> None:
        """Tell what is pending, and listen no more."""
        self.flush_warnings()
        logging.getLogger("asyncrun").removeHandler(self)
        super().close()

    def flush_warnings(self) -> None:
        """Tell what is pending."""
        while self._pending:
            warned = self._pending.popleft()
            for sink in self.sinks:
                sink.handle(warned)


@dataclass(frozen=True)
class Session:
    """One run's parts. Made by `opened`."""

    options: Options
    config: Config
    ears: Ears
    vault: Vault
    inventory: Inventory
    catalog: Catalog
    templar: Templar
    defaults: Defaults
    extra: Mapping[str, Any]
    person: Person
    context: LoadContext                  # for reading playbooks; one, so that task ids stay unique
    services: dict[str, Any]              # what lookups may ask; the run adds "hosts"
    read_inventory: Callable[[], Inventory]       # as it is now; raises what its sources are wrong for
    module_utils: ModuleUtils

    def load_vars(self, path: str) -> Any:
        """A file of variables. Raises SourceError, ParseError, VaultError."""
        return yaml.load_file(path, vault=self.vault, warn=self.ears.warn)

    def read_file(self, path: str) -> bytes:
        """A file of this machine, decrypted when it is vaulted."""
        content = files.read_bytes(path)
        return self.vault.decrypt(content, Origin(path)) if is_vault(content) else content

    def select(self, inventory: Inventory, pattern: Any) -> Sequence[str]:
        """The hosts that a pattern and --limit name. Raises InventoryError where `host_pattern_mismatch` says so."""
        chosen = patterns.select(inventory, pattern, warn=self._mismatch)
        return patterns.limit(inventory, chosen, self.options.limit, warn=self.ears.warn)

    def _mismatch(self, message: str) -> None:
        kind = self.config["host_pattern_mismatch"]
        if kind == "error":
            raise InventoryError(message, hint="The setting host_pattern_mismatch makes this an error.")
        if kind == "warning":
            self.ears.warn(message)

    @property
    def state_folder(self) -> Path:
        """What outlives a run lies there."""
        return Path(self.config["state_dir"]).expanduser()

    @property
    def merges(self) -> bool:
        """Whether mappings of several layers of variables become one (hash_behaviour)."""
        return bool(self.config["hash_behaviour"] == "merge")

    def play_variables(
        self, play: Play, shared: Mapping[str, Any], prompted: Mapping[str, Any] = MappingProxyType({})
    ) -> Mapping[str, Any]:
        """What a play's own keywords may use before it runs. Raises SourceError, ParseError, TemplateError."""
        groups = {name: list(self.inventory.members(name)) for name in self.inventory.groups}
        return play_vars(Scene(
            inventory=self.inventory, memories={}, folders=VarsFolders(self.load_vars), play=play, extra=self.extra,
            prompted=prompted, shared={**shared, "groups": groups}, roles=play.roles, merge=self.merges,
        ), self.templar)

    def ask_vars(self, play: Play, shared: Mapping[str, Any]) -> dict[str, Any]:
        """The answers to a play's vars_prompt. Raises ParseError, TemplateError."""
        known = self.play_variables(play, shared)

        def render(value: Any) -> Any:
            return plain(self.templar.render(value, known))

        def warn_now(message: str) -> None:
            self.ears.warn(message)
            self.ears.flush_warnings()

        return prompted(play, self.person, self.extra, render, warn_now)

    @contextlib.contextmanager
    def hands(self) -> Iterator[tuple[Tools, Fleet]]:
        """What reaches out: the journal and the fleet; both closed at the end."""
        journal = Journal(self.state_folder / "journal.sqlite")
        fleet = Fleet(interval=self.config["heartbeat_interval"], count=self.config["heartbeat_count"],
                      utils=self.module_utils)
        tools = Tools(
            templar=self.templar, catalog=self.catalog, actions=ACTIONS, journal=journal,
            read_file=self.read_file, load_vars=self.load_vars,
            following=Following() if self.options.follow else None, discovered=fleet.discovered,
        )
        try:
            yield tools, fleet
        finally:
            fleet.close()
            journal.close()

    def fact_cache(self) -> JsonFiles | None:
        """Where facts outlive the run, if anywhere; emptied of this inventory's hosts by --flush-cache."""
        name = self.config["fact_caching"].removeprefix("ansible.builtin.")
        if name not in FACT_CACHES:
            hint = suggest(name, FACT_CACHES) or f"It is one of: {', '.join(FACT_CACHES)}."
            self.ears.warn(f"No facts are kept: there is no fact cache '{name}' (fact_caching). {hint}")
        if name != "jsonfile":
            return None
        cache = factcache.opened(self.config["fact_caching_connection"], self.config["fact_caching_prefix"],
                                 self.config["fact_caching_timeout"])
        if cache and self.options.flush_cache:
            for host in {"localhost", *self.inventory.hosts}:
                cache.forget(host)
        return cache

    def shared_variables(self, base: str) -> dict[str, Any]:
        """The magic variables that are the same for every host of the run."""
        options, config = self.options, self.config
        major, minor, revision = VERSION
        full = f"{major}.{minor}.{revision}"
        return {
            "playbook_dir": base,
            "ansible_playbook_python": sys.executable,
            "ansible_config_file": config.file,
            "ansible_version": {"full": full, "string": full, "major": major, "minor": minor, "revision": revision},
            "ansible_check_mode": options.check,
            "ansible_diff_mode": self.defaults.diff,
            "ansible_forks": config["forks"],
            "ansible_inventory_sources": [
                source if is_host_list(source) else str(Path(source).absolute()) for source in self.inventory.sources],
            **({"ansible_limit": options.limit} if options.limit else {}),
            "ansible_run_tags": list(options.tags) or ["all"],
            "ansible_skip_tags": list(options.skip_tags),
            "ansible_verbosity": self.defaults.verbosity,
            "ansible_search_path": [base],
            "ansible_play_role_names": [],
            "ansible_role_names": [],
            "role_names": [],
            "environment": [],
        }


def opened(options: Options, person: Person, config: Config, ears: Ears, base: str) -> Session:
    """The session of a run whose playbooks lie in `base`. Raises what files and settings are wrong for."""
    vault = Vault(vault_secrets(options, config, person.require), only_matching=config["vault_id_match"])
    extra = extra_variables(options.extra_vars, vault, ears)
    folders = [*options.module_path, *config["library"], str(Path(base, "library")), *config["action_plugins"]]
    roots = collection_roots(base, config["collections_path"], config["ansible_inventory"])
    installed = Installed(roots)
    module_utils = ModuleUtils([str(Path(base, "module_utils")), *config["module_utils"]], roots)
    catalog = Catalog({name: action.spec for name, action in ACTIONS.items()}, folders, installed)
    services = {"config": config, "vault": vault}
    plugins = Plugins({kind: config[f"{kind}_plugins"] for kind in KINDS}, roots, installed)
    plugins.add_beside(base)
    templar = Templar(managed=config["ansible_managed"], services=services, plugins=plugins)
    read_inventory = partial(hosts_and_groups, options, config, vault, extra, templar, ears)
    inventory = read_inventory()
    patterns.check_limit(inventory, options.limit, warn=ears.warn)

    def on_role(folder: str) -> None:
        plugins.add_beside(folder)
        catalog.add_folder(str(Path(folder, "library")))
        catalog.add_folder(str(Path(folder, "action_plugins")))
        module_utils.add_folder(str(Path(folder, "module_utils")))

    context = LoadContext(
        catalog=catalog, vault=vault, warn=ears.warn, variables=extra, render=partial(_loading, templar),
        lookups=templar.lookup_names,
        shelf=Shelf(partial(yaml.load_file, vault=vault, warn=ears.warn), config["roles_path"], installed),
        on_role=on_role,
    )
    return Session(
        options=options, config=config, ears=ears, vault=vault, inventory=inventory, catalog=catalog, templar=templar,
        defaults=defaults(options, config, person), extra=extra, person=person, context=context,
        services=services, module_utils=module_utils, read_inventory=read_inventory,
    )


def hosts_and_groups(
    options: Options, config: Config, vault: Vault, extra: Mapping[str, Any], templar: Templar, ears: Ears
) -> Inventory:
    """The inventory as its sources are now. Raises InventoryError and what files are wrong for."""
    folders = VarsFolders(partial(yaml.load_file, vault=vault, warn=ears.warn))

    def lazily(known: Mapping[str, Any]) -> LazyVars:
        return LazyVars(VarStack(Layer("inventory", known)), templar)

    rules = Rules(
        ignore_extensions=config["inventory_ignore_extensions"], ignore_patterns=config["inventory_ignore_patterns"],
        unparsed_is_failed=config["inventory_unparsed_is_failed"],
        any_unparsed_is_failed=config["inventory_any_unparsed_is_failed"],
        unparsed_warning=config["inventory_unparsed_warning"], script_timeout=config["inventory_script_timeout"],
        plugins=config["inventory_enable_plugins"], group_names=config["force_valid_group_names"],
        templates=Templates(
            evaluate=lambda text, known: _present(templar.evaluate(text, lazily(known))),
            test=lambda condition, known: templar.test(condition, lazily(known)),
            render=lambda value, known: templar.render(value, lazily(known)),
        ),
        extra=extra, extra_everywhere=config["inventory_use_extra_vars"],
        vars_files=lambda *place: ChainMap(*(dict(data) for _, data in reversed(folders.of(*place)))),
        ansible_inventory=config["ansible_inventory"],
    )
    return inventory_file.load(options.inventory or config["inventory"], vault=vault, warn=ears.warn, rules=rules)


def _loading(templar: Templar, value: Any, known: Mapping[str, Any]) -> Any:
    """What a keyword says that is needed while a playbook is read: None for `omit`, as if it were not there."""
    rendered = templar.render(value, known)
    return None if rendered is OMIT else rendered


def _present(value: Any) -> Any:
    if value is OMIT:
        raise TemplateError("its value is omitted")
    return value


def configured(options: Options, ears: Ears) -> Config:
    """The configuration with the flags over it. Raises ConfigError."""
    config = configuration.load(os.environ, str(Path.cwd()), ears.warn)
    ears.repeated = config["duplicate_dict_key"]
    return config.over({
        "forks": options.forks,
        "timeout": options.timeout,
        "remote_user": options.user,
        "transport": options.connection,
        "private_key_file": options.private_key,
        "become": options.become or None,
        "become_method": options.become_method,
        "become_user": options.become_user,
        "ssh_common_args": options.ssh_common_args,
        "ssh_extra_args": options.ssh_extra_args,
        "task_timeout": options.task_timeout,
        "force_handlers": options.force_handlers or None,
        "verbosity": options.verbosity or None,
    }, "command line")


def defaults(options: Options, config: Config, person: Person) -> Defaults:
    """What flags and configuration say where neither variables nor keywords do."""
    password, become_password = passwords(options, config, person.require)
    return Defaults(
        connection=config["transport"], user=config["remote_user"], password=password,
        private_key_file=config["private_key_file"], port=config["remote_port"], timeout=float(config["timeout"]),
        retries=config["ssh_retries"], ssh_args=config["ssh_args"], ssh_common_args=config["ssh_common_args"],
        ssh_extra_args=config["ssh_extra_args"], host_key_checking=config["host_key_checking"],
        interpreter=config["interpreter_python"], shell=config["executable"],
        become=config["become"], become_method=config["become_method"], become_user=config["become_user"],
        become_exe=config["become_exe"], become_flags=config["become_flags"], become_password=become_password,
        check=options.check, diff=options.diff or config["diff_always"], verbosity=config["verbosity"],
        task_timeout=float(config["task_timeout"]), any_errors_fatal=config["any_errors_fatal"],
        no_log=config["no_log"], async_dir=config["async_dir"], poll_interval=float(config["poll_interval"]),
        strategy=config["strategy"], gathering=config["gathering"], retry_words=config["retry_words"] == "retrying",
    )


def extra_variables(given: Sequence[str], vault: Vault, ears: Ears) -> dict[str, Any]:
    """-e in each of its forms: @file, JSON or YAML, and k=v. Raises ParseError, UsageError."""
    extra = Overlaid()
    for each in given:
        text = each.strip()
        if text.startswith("@"):
            said = yaml.load_file(str(files.expanded(text[1:])), vault=vault, warn=ears.warn)
        elif text.startswith(("{", "[")):
            said = yaml.load(text, "-e", vault=vault, warn=ears.warn)
        else:
            said, rest = split_args(text)
            if rest:
                raise UsageError(f"-e {json.dumps(rest)} is not k=v.",
                                 hint="Write -e 'name=value', -e '{\"name\": value}' or -e @file.yml")
        if said is None:
            continue
        if not isinstance(said, Mapping):
            raise ParseError(f"Extra variables have to be a mapping, {each!r} is not.")
        extra.lay(said)
    return extra
