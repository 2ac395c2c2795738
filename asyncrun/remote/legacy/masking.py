"""Hides secrets in what a module says: whole values, and parts of texts (on the target)."""

import datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, List

WHOLE = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
PART = "********"


def ordered(secrets: "Iterable[Any]") -> "List[str]":
    """Secrets as texts, the longest first: one may be a part of another."""
    texts = {secret.decode("utf-8", "replace") if isinstance(secret, bytes) else str(secret) for secret in secrets}
    return sorted(texts - {""}, key=lambda text: (-len(text), text))


def masked(value: "Any", secrets: "List[str]") -> "Any":
    """`value` as JSON can take it, without the secrets; keys stay as they are."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if isinstance(value, str):
        return _text(value, secrets)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return WHOLE if any(secret in str(value) for secret in secrets) else value
    if hasattr(value, "items"):
        return {_key(key): masked(each, secrets) for key, each in value.items()}
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if hasattr(value, "__iter__"):
        return [masked(each, secrets) for each in value]
    return _text(str(value), secrets)


def _key(key: "Any") -> "Any":
    return key.decode("utf-8", "surrogateescape") if isinstance(key, bytes) else key


def _text(text: str, secrets: "List[str]") -> str:
    if text in secrets:
        return WHOLE
    for secret in secrets:
        text = text.replace(secret, PART)
    return text
