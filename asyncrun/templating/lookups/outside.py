"""Lookups that ask this machine or the network: environment, commands, URLs."""

from __future__ import annotations

import importlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from asyncrun.templating.lookups.context import Lookup, LookupContext
from asyncrun.templating.plugins import PluginError


def env(terms: list[Any], context: LookupContext, default: Any = "") -> list[Any]:
    """The values of environment variables of this process."""
    del context
    found: list[Any] = []
    for term in terms:
        name = str(term).split()[0] if str(term).split() else ""
        found.append(os.environ.get(name, default))
    return found


def _output(command: str, context: LookupContext, name: str) -> str:
    folder = context.variables.get("playbook_dir")
    done = subprocess.run(      # this is what the lookup is for; the command is the author's
        str(command), shell=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False,
        cwd=folder if isinstance(folder, str) and Path(folder).is_dir() else None,
    )
    if done.returncode:
        raise PluginError(f"lookup_plugin.{name}({command}) returned {done.returncode}")
    return done.stdout.decode("utf-8", "surrogateescape")


def pipe(terms: list[Any], context: LookupContext) -> list[str]:
    """What commands of this machine print."""
    return [_output(term, context, "pipe").rstrip() for term in terms]


def lines(terms: list[Any], context: LookupContext) -> list[str]:
    """What commands of this machine print, line by line."""
    return [line for term in terms for line in _output(term, context, "lines").splitlines()]


def url(
    terms: list[Any], context: LookupContext, split_lines: bool = True, validate_certs: bool = True,
    username: str | None = None, password: str | None = None, headers: Mapping[str, str] | None = None,
    timeout: float = 10, use_proxy: bool = True, ca_path: str | None = None, http_agent: str = "ansible-httpget",
    force: bool = False, force_basic_auth: bool = False,
) -> list[str]:
    """What URLs give. Seconds until a silent server is given up: `timeout`."""
    del context, force_basic_auth      # a password is sent at once in any case
    request, ssl = importlib.import_module("urllib.request"), importlib.import_module("ssl")
    trust = ssl.create_default_context(cafile=ca_path) if validate_certs else ssl._create_unverified_context()      # noqa: SLF001 - its public way is to set two flags, in order
    handlers = [request.HTTPSHandler(context=trust), *([] if use_proxy else [request.ProxyHandler({})])]
    opener = request.build_opener(*handlers)
    said = {"User-Agent": http_agent, **(headers or {}), **({"Cache-Control": "no-cache"} if force else {})}
    if username is not None:
        pair = importlib.import_module("base64").b64encode(f"{username}:{password or ''}".encode()).decode()
        said["Authorization"] = f"Basic {pair}"
    found: list[str] = []
    for term in terms:
        text = _fetched(opener, request.Request(str(term), headers=said), float(timeout))
        found += text.splitlines() if split_lines else [text]
    return found


def _fetched(opener: Any, request: Any, timeout: float) -> str:
    try:
        with opener.open(request, timeout=timeout) as reply:
            body: bytes = reply.read()
    except OSError as error:      # URLError and HTTPError are OSErrors; the latter holds a connection
        getattr(error, "close", lambda: None)()
        raise PluginError(f"Failed lookup url for {request.full_url} : {error}") from error
    return body.decode("utf-8", "surrogateescape")


LOOKUPS: Final[Mapping[str, Lookup]] = {"env": env, "lines": lines, "pipe": pipe, "url": url}
