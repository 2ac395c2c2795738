"""The table of settings, as data: name, where it is written, type, default, and what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["bool", "int", "float", "str", "path", "paths", "sources", "list", "tokens"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    `kind`: path = a file or folder; paths = several, parted by colons; sources = inventories, parted by commas;
    list = words parted by commas; tokens = an ssh path in which %% means %. `places` are (section, key) pairs,
    `env` the variables; each ANSIBLE_X has a twin ASYNCRUN_X, which wins. `effect` False: it is read, so that files
    written for Ansible raise no complaint, and changes nothing here.
    """

    name: str
    kind: Kind
    default: Any
    doc: str
    places: tuple[tuple[str, str], ...]
    env: tuple[str, ...]
    choices: tuple[str, ...] = ()
    least: float | None = None
    effect: bool = True


def _in(section: str) -> Any:
    """A maker of settings of one section; key and variable follow from the name unless they are given."""

    def make(
        name: str, kind: Kind, default: Any, doc: str, *, key: str | None = None, env: tuple[str, ...] | None = None,
        also: tuple[tuple[str, str], ...] = (), choices: tuple[str, ...] = (), least: float | None = None,
        effect: bool = True,
    ) -> Setting:
        names = (f"ANSIBLE_{name.upper()}",) if env is None else env
        return Setting(name, kind, default, doc, ((section, key or name), *also), names, choices, least, effect)

    return make


_defaults, _become, _ssh = _in("defaults"), _in("privilege_escalation"), _in("ssh_connection")
_inventory, _diff, _tags, _own = _in("inventory"), _in("diff"), _in("tags"), _in("asyncrun")
_inventory_plugins = _in("inventory_plugins")

_RUN = (
    _defaults("forks", "int", 5, "How many hosts are worked on at the same time.", least=1),
    _defaults("timeout", "int", 10, "Seconds that each phase of connecting may take.", least=1,
              also=(("ssh_connection", "timeout"),), env=("ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT")),
    _defaults("poll_interval", "float", 15, "Seconds between two looks at an async job whose task names no poll.",
              least=0),
    _defaults("task_timeout", "int", 0, "Seconds that a task may take; 0 is no limit.", least=0),
    _defaults("strategy", "str", "linear", "How hosts walk through a play: linear, free, host_pinned or debug."),
    _defaults("any_errors_fatal", "bool", False, "One failed host ends the play for all."),
    _defaults("force_handlers", "bool", False, "Run notified handlers on failed hosts, too."),
    _defaults("error_on_missing_handler", "bool", True, "Notifying a handler that is not there fails the task.",
              effect=False),
    _defaults("error_on_undefined_vars", "bool", True, "A template with a name that has no value fails the task.",
              effect=False),
    _defaults("hash_behaviour", "str", "replace", "What a variable that is a mapping does to the one below it.",
              choices=("replace", "merge")),
    _defaults("gathering", "str", "implicit", "When facts are gathered at the start of a play.",
              choices=("implicit", "explicit", "smart")),
    _defaults("gather_subset", "list", ["all"], "Which facts a play gathers that does not say it."),
    _defaults("gather_timeout", "int", 10, "Seconds that one kind of those facts may take.", least=1),
    _defaults("inject_facts_as_vars", "bool", True, "Facts are variables named ansible_*, too.",
              env=("ANSIBLE_INJECT_FACT_VARS",)),
    _defaults("fact_caching", "str", "memory", "Where facts are kept between runs: memory (not at all) or jsonfile.",
              env=("ANSIBLE_CACHE_PLUGIN",)),
    _defaults("fact_caching_connection", "path", None, "The folder of the fact cache.",
              env=("ANSIBLE_CACHE_PLUGIN_CONNECTION",)),
    _defaults("fact_caching_prefix", "str", "", "What the names of fact cache files begin with.",
              env=("ANSIBLE_CACHE_PLUGIN_PREFIX",)),
    _defaults("fact_caching_timeout", "int", 86400, "Seconds that cached facts are believed; 0 is for ever.", least=0,
              env=("ANSIBLE_CACHE_PLUGIN_TIMEOUT",)),
    _defaults("enable_task_debugger", "bool", False, "Stop and ask at each task that failed or was unreachable."),
    _defaults("task_debugger_ignore_errors", "bool", True, "Not at a failure that ignore_errors covers."),
    _defaults("interpreter_python", "str", "auto", "The Python on the hosts: a path, or auto to look for one.",
              env=("ANSIBLE_PYTHON_INTERPRETER",)),
    _defaults("executable", "str", "/bin/sh", "The shell on the hosts."),
    _defaults("async_dir", "str", "~/.ansible_async", "The folder on the hosts where jobs keep their files."),
    _defaults("remote_tmp", "str", "~/.ansible/tmp", "The folder on the hosts for temporary files.",
              env=("ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"), effect=False),
    _defaults("no_log", "bool", False, "Hide the arguments and results of every task."),
    _defaults("module_name", "str", "command", "The module of an ad-hoc command that names none.", env=()),
    _defaults("module_args", "str", "", "The arguments of an ad-hoc command that has none."),
    _defaults("ansible_managed", "str", "Ansible managed", "The value of `ansible_managed` in templates.", env=()),
    _defaults("jinja2_extensions", "list", [], "Jinja extensions that templates may use.", effect=False),
    _tags("tags_run", "list", [], "Tags to run when none are named.", key="run", env=("ANSIBLE_RUN_TAGS",)),
    _tags("tags_skip", "list", [], "Tags to skip when none are named.", key="skip", env=("ANSIBLE_SKIP_TAGS",)),
)

_CONNECTION = (
    _defaults("transport", "str", "ssh", "How hosts are reached: ssh, paramiko or local."),
    _defaults("remote_user", "str", None, "Whom to log in as; the current user when empty."),
    _defaults("remote_port", "int", None, "The port to connect to.", least=1),
    _defaults("private_key_file", "path", None, "The private key to log in with."),
    _defaults("host_key_checking", "bool", True, "Refuse hosts whose key is not in known_hosts.",
              also=(("ssh_connection", "host_key_checking"),),
              env=("ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING")),
    _defaults("ask_pass", "bool", False, "Ask for the login password."),
    _defaults("connection_password_file", "path", None, "A file with the login password, or a program that prints it."),
    _become("become", "bool", False, "Become another user on the hosts."),
    _become("become_method", "str", "sudo", "How to become it: sudo or su."),
    _become("become_user", "str", "root", "Whom to become."),
    _become("become_ask_pass", "bool", False, "Ask for the password of becoming."),
    _become("become_exe", "str", None, "The program to become with, when it is not found by its name.",
            env=("ANSIBLE_BECOME_EXE", "ANSIBLE_SUDO_EXE")),
    _become("become_flags", "str", None, "Options of that program.",
            env=("ANSIBLE_BECOME_FLAGS", "ANSIBLE_SUDO_FLAGS")),
    _become("become_allow_same_user", "bool", False, "Become even a user that one is already.", effect=False),
    _defaults("become_password_file", "path", None,
              "A file with the password of becoming, or a program that prints it."),
    _ssh("ssh_args", "str", "-C -o ControlMaster=auto -o ControlPersist=60s",
         "ssh options; those about the connection itself (-o User=, ProxyJump= ...) are heeded."),
    _ssh("ssh_common_args", "str", "", "More ssh options."),
    _ssh("ssh_extra_args", "str", "", "Still more ssh options."),
    _ssh("ssh_retries", "int", 0, "How often a failed connection is tried again.", key="retries", least=0,
         also=(("connection", "retries"),)),
    _ssh("pipelining", "bool", False, "Modules always travel without temporary files.", effect=False,
         also=(("connection", "pipelining"), ("defaults", "pipelining")),
         env=("ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING")),
    _ssh("control_path", "tokens", None, "One connection a host is kept without it.", effect=False,
         env=("ANSIBLE_SSH_CONTROL_PATH",)),
    _ssh("control_path_dir", "path", "~/.ansible/cp", "One connection a host is kept without it.", effect=False,
         env=("ANSIBLE_SSH_CONTROL_PATH_DIR",)),
    _ssh("scp_if_ssh", "str", "smart", "Files travel over the one connection.", effect=False),
    _ssh("transfer_method", "str", "smart", "Files travel over the one connection.", effect=False,
         env=("ANSIBLE_SSH_TRANSFER_METHOD",)),
    _ssh("sftp_batch_mode", "bool", True, "Files travel over the one connection.", effect=False),
    _ssh("scp_extra_args", "str", "", "Files travel over the one connection.", effect=False),
    _ssh("sftp_extra_args", "str", "", "Files travel over the one connection.", effect=False),
    _ssh("usetty", "bool", True, "No terminal is used on the hosts.", effect=False, env=("ANSIBLE_SSH_USETTY",)),
)

_FILES = (
    _defaults("inventory", "sources", ["/etc/ansible/hosts"], "Who the hosts are: files, folders, or `a,b,`."),
    _inventory("inventory_unparsed_is_failed", "bool", False, "End the run when no inventory source can be read.",
               key="unparsed_is_failed", env=("ANSIBLE_INVENTORY_UNPARSED_FAILED",)),
    _inventory("inventory_any_unparsed_is_failed", "bool", False,
               "End the run when any inventory source cannot be read.",
               key="any_unparsed_is_failed"),
    _inventory("inventory_unparsed_warning", "bool", True, "Warn when no inventory was read."),
    _inventory("inventory_enable_plugins", "list", ["host_list", "script", "auto", "yaml", "ini", "toml"],
               "The kinds of inventory that are read: of those that can read a file, the first one does.",
               key="enable_plugins", env=("ANSIBLE_INVENTORY_ENABLED",)),
    _inventory("inventory_ignore_extensions", "list",
               [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"],
               "Ends of file names that are passed over in an inventory folder.", key="ignore_extensions",
               also=(("defaults", "inventory_ignore_extensions"),), env=("ANSIBLE_INVENTORY_IGNORE",)),
    _inventory("inventory_ignore_patterns", "list", [], "Regular expressions of names to pass over there.",
               key="ignore_patterns", also=(("defaults", "inventory_ignore_patterns"),),
               env=("ANSIBLE_INVENTORY_IGNORE_REGEX",)),
    _inventory("host_pattern_mismatch", "str", "warning", "What a pattern that matches no host is.",
               choices=("warning", "error", "ignore")),
    _inventory_plugins("inventory_use_extra_vars", "bool", False,
                       "Whether the expressions of constructed inventories may use -e.", key="use_extra_vars"),
    _defaults("force_valid_group_names", "str", "never",
              "Group names that are no identifiers: never or ignore leave them, always or silently put underscores in.",
              choices=("never", "always", "ignore", "silently"), env=("ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS",)),
    _defaults("roles_path", "paths", ["~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles"],
              "Folders of roles."),
    _defaults("collections_path", "paths", ["~/.ansible/collections", "/usr/share/ansible/collections"],
              "Folders of collections."),
    _defaults("playbook_vars_root", "str", "top", "Which playbook's group_vars and host_vars count.",
              choices=("top", "bottom", "all"), effect=False),
    *(_defaults(name, "paths", [f"~/.ansible/plugins/{folder}", f"/usr/share/ansible/plugins/{folder}"],
                f"Folders of {what}.", env=(env,),
                effect=name in ("library", "filter_plugins", "test_plugins", "lookup_plugins"))
      for name, folder, what, env in (
          ("library", "modules", "modules", "ANSIBLE_LIBRARY"),
          ("action_plugins", "action", "action plugins", "ANSIBLE_ACTION_PLUGINS"),
          ("filter_plugins", "filter", "filters", "ANSIBLE_FILTER_PLUGINS"),
          ("test_plugins", "test", "tests", "ANSIBLE_TEST_PLUGINS"),
          ("lookup_plugins", "lookup", "lookups", "ANSIBLE_LOOKUP_PLUGINS"),
          ("callback_plugins", "callback", "callbacks", "ANSIBLE_CALLBACK_PLUGINS"),
      )),
    _defaults("module_utils", "paths", ["~/.ansible/plugins/module_utils", "/usr/share/ansible/plugins/module_utils"],
              "Folders of what modules import as ansible.module_utils.", env=("ANSIBLE_MODULE_UTILS",)),
    _defaults("vault_password_file", "path", None, "A file with the vault password, or a program that prints it."),
    _defaults("vault_identity_list", "list", [], "Vault ids with their password files: `dev@~/.vault_dev, ...`."),
    _defaults("vault_identity", "str", "default", "The vault id of a password that names none."),
    _defaults("vault_encrypt_identity", "str", None, "The vault id whose password encrypts, where there are several."),
    _defaults("vault_id_match", "bool", False, "Try only the password whose vault id the text names."),
    _defaults("editor", "str", "vi", "The editor of asyncrun-vault.", env=("ANSIBLE_EDITOR", "EDITOR")),
    _defaults("pager", "str", "less", "What shows a text page by page on a terminal.",
              env=("ANSIBLE_PAGER", "PAGER")),
    _defaults("ask_vault_pass", "bool", False, "Ask for the vault password."),
    _defaults("duplicate_dict_key", "str", "warn", "What a key that occurs twice in YAML is.",
              choices=("warn", "error", "ignore"), env=("ANSIBLE_DUPLICATE_YAML_DICT_KEY",)),
    _defaults("log_path", "path", None, "A file that gets what the screen gets."),
)

_SCREEN = (
    _defaults("stdout_callback", "str", "default", "What the screen looks like.", effect=False),
    _defaults("callbacks_enabled", "list", [], "More listeners: timer, profile_tasks, junit ...", effect=False),
    _defaults("callback_result_format", "str", "json", "How results are written out.", choices=("json", "yaml")),
    _defaults("callback_result_indentation", "int", 4, "Columns that results are indented by.", least=0, effect=False),
    _defaults("display_ok_hosts", "bool", True, "Show hosts where nothing changed."),
    _defaults("display_skipped_hosts", "bool", True, "Show skipped hosts."),
    _defaults("display_failed_stderr", "bool", False, "Failures go to standard error."),
    _defaults("display_args_to_stdout", "bool", False, "Show a task's arguments in its banner."),
    _defaults("display_included_hosts", "bool", True, "Show which file is included for whom."),
    _defaults("show_custom_stats", "bool", False, "Show what set_stats collected, at the end."),
    _defaults("show_per_host_start", "bool", False, "Say when a host begins a task.", effect=False),
    _defaults("show_task_path_on_failure", "bool", False, "Say where a failed task was written."),
    _defaults("check_mode_markers", "bool", False, "Mark plays and tasks that run in check mode."),
    _defaults("force_color", "bool", False, "Colours even where there is no terminal."),
    _defaults("nocolor", "bool", False, "No colours.", env=("ANSIBLE_NOCOLOR", "NO_COLOR")),
    _defaults("verbosity", "int", 0, "How much is said: as many as there would be -v.", least=0),
    _defaults("verbose_to_stderr", "bool", False, "What -v says goes to standard error.", effect=False),
    _defaults("deprecation_warnings", "bool", True, "Warn of what will go away."),
    _defaults("system_warnings", "bool", True, "Warn about this machine.", effect=False),
    _defaults("action_warnings", "bool", True, "Show the warnings of tasks."),
    _defaults("localhost_warning", "bool", True, "Warn when there is nobody but the implicit localhost."),
    _defaults("max_diff_size", "int", 104448, "Bytes from which on a file is not compared.", least=0, effect=False),
    _diff("diff_always", "bool", False, "Show differences without being asked.", key="always"),
    _diff("diff_context", "int", 3, "Lines around a difference.", key="context", least=0, effect=False),
    *(_defaults(name, kind, default, why, effect=False) for name, kind, default, why in (
        ("nocows", "bool", True, "There are no cows."),
        ("cowpath", "str", None, "There are no cows."),
        ("cow_selection", "str", "default", "There are no cows."),
        ("retry_files_enabled", "bool", False, "There are no retry files."),
        ("retry_files_save_path", "path", None, "There are no retry files."),
        ("bin_ansible_callbacks", "bool", False, "Callbacks are loaded for ad-hoc commands anyway."),
        ("no_target_syslog", "bool", False, "Modules write nothing to the hosts' syslog."),
        ("local_tmp", "path", "~/.ansible/tmp", "No files are staged on this machine."),
        ("keep_remote_files", "bool", False, "No files are left on the hosts."),
    )),
)

_OURS = (
    _own("state_dir", "path", "~/.asyncrun", "The folder where runs and jobs are remembered.",
         env=("ASYNCRUN_STATE_DIR",)),
    _own("resume_record", "bool", True, "Write down how far a run comes, for --resume.",
         env=("ASYNCRUN_RESUME_RECORD",)),
    _own("async_release_fork", "bool", False, "A host that waits for a job does not count toward forks.",
         env=("ASYNCRUN_ASYNC_RELEASE_FORK",)),
    _own("heartbeat_interval", "float", 15, "Seconds between two signs of life of a connection.", least=0.1,
         env=("ASYNCRUN_HEARTBEAT_INTERVAL",)),
    _own("heartbeat_count", "int", 3, "Signs of life that may be missed before a host counts as gone.", least=1,
         env=("ASYNCRUN_HEARTBEAT_COUNT",)),
    _own("retry_words", "str", "waiting",
         "What a wait for a healthy job is called: waiting, or retrying as Ansible does.",
         choices=("waiting", "retrying"), env=("ASYNCRUN_RETRY_WORDS",)),
    _own("poll_lines", "int", 5,
         "How many hosts that wait for jobs have a line each, every poll; more of them share one line. 0: a line each.",
         least=0, env=("ASYNCRUN_POLL_LINES",)),
    _own("progress_interval", "float", 60,
         "Seconds without any output after which a line says what still runs, where no terminal shows it; 0: never.",
         least=0, env=("ASYNCRUN_PROGRESS_INTERVAL",)),
    _own("inventory_script_timeout", "float", 60, "Seconds that an inventory script may take.", least=0.1,
         env=("ASYNCRUN_INVENTORY_SCRIPT_TIMEOUT",)),
    _own("ansible_inventory", "str", "ansible-inventory",
         "The program that reads inventories of plugins that are not built in.", env=("ASYNCRUN_ANSIBLE_INVENTORY",)),
)

SETTINGS: Mapping[str, Setting] = {
    setting.name: setting for setting in (*_RUN, *_CONNECTION, *_FILES, *_SCREEN, *_OURS)
}

# Keys that Ansible knows and asyncrun has no use for: no reason for a warning.
ANSIBLE_ONLY: Mapping[str, frozenset[str]] = {section: frozenset(keys.split()) for section, keys in {
    "defaults": """
        allow_broken_conditionals allow_embedded_templates cowsay_enabled_stencils home become_plugins cache_plugins
        collections_on_ansible_version_mismatch collections_scan_sys_path cliconf_plugins connection_plugins debug
        httpapi_plugins internal_poll_interval inventory_plugins jinja2_native log_filter log_verbosity
        module_compression netconf_plugins null_representation private_role_vars strategy_plugins su
        syslog_facility terminal_plugins vars_plugins vault_encrypt_salt devel_warning
        display_traceback doc_fragment_plugins facts_modules
        invalid_task_attribute_failed module_ignore_exts module_strict_utf8_response network_group_modules
        old_plugin_cache_clear playbook_dir plugin_filters_cfg precedence python_module_rlimit_nofile
        run_vars_plugins target_log_info use_persistent_connections
        validate_action_group_metadata vars_plugins_enabled win_async_startup_timeout worker_session_isolation
        yaml_valid_extensions callback_format_pretty callback_result_yaml_line_width admin_users common_remote_group
        system_tmpdirs allow_world_readable_tmpfiles inject_invocation allow_unsafe_lookups docsite_root_url
    """,
    "privilege_escalation": "agnostic_become_prompt",
    "ssh_connection": """
        password_mechanism pkcs11_provider scp_executable sftp_executable ssh_executable sshpass_prompt verbosity
        ssh_agent ssh_agent_executable ssh_agent_key_lifetime
    """,
    "connection": "ssh_agent ssh_agent_executable ssh_agent_key_lifetime",
    "inventory": "export cache cache_plugin cache_timeout cache_connection cache_prefix",
    "inventory_plugins": "", "diff": "", "tags": "", "asyncrun": "",
}.items()}

# Names that were something once, or that people write: what is meant.
RENAMED: Mapping[str, str] = {
    "callback_whitelist": "callbacks_enabled", "callback_enabled": "callbacks_enabled", "hostfile": "inventory",
    "result_format": "callback_result_format", "ansible_python_interpreter": "interpreter_python",
    "collections_paths": "collections_path", "sudo_user": "become_user", "sudo": "become",
    "ask_sudo_pass": "become_ask_pass", "sudo_flags": "become_flags", "sudo_exe": "become_exe",
    "ansible_ssh_args": "ssh_args", "root_user": "become_user",
}
