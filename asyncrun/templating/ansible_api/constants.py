"""ansible.constants: the few settings that plugins ask there."""

from __future__ import annotations

from typing import Final

from asyncrun.remote.legacy.ansible.module_utils.parsing import convert_bool

BOOLEANS_TRUE: Final = convert_bool.BOOLEANS_TRUE
BOOLEANS_FALSE: Final = convert_bool.BOOLEANS_FALSE
DEFAULT_DEBUG: Final = False
DEFAULT_VERBOSITY: Final = 0
DEFAULT_HASH_BEHAVIOUR: Final = "replace"
DEFAULT_JINJA2_NATIVE: Final = True
DEFAULT_LOCAL_TMP: Final = "/tmp"
DEFAULT_PASSWORD_CHARS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:-_"
DEFAULT_VAULT_ID_MATCH: Final = False
LOCALHOST: Final = ("127.0.0.1", "localhost", "::1")
MODULE_REQUIRE_ARGS: Final = ("command", "win_command", "shell", "win_shell", "raw", "script")
YAML_FILENAME_EXTENSIONS: Final = (".yml", ".yaml", ".json")
