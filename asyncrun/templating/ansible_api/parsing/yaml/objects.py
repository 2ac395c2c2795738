"""ansible.parsing.yaml.objects: what values of YAML files are; here the plain types."""

from __future__ import annotations

AnsibleMapping = dict
AnsibleSequence = list
AnsibleUnicode = str


class AnsibleVaultEncryptedUnicode(str):
    """A vaulted text: what plugins are given is opened already, so that nothing is one."""

    __slots__ = ()


__all__ = ["AnsibleMapping", "AnsibleSequence", "AnsibleUnicode", "AnsibleVaultEncryptedUnicode"]
