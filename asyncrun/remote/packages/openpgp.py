"""OpenPGP keys as files hold them: armored or not, one or many; their fingerprints and ids (on the target).

    for key in openpgp.keys(data):
        key.fingerprint, key.key_id, key.subkeys
"""

import base64
import binascii
import hashlib
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Tuple

ARMOR = re.compile(
    br"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n(?:[^\r\n]*\S: [^\r\n]*\r?\n)*[ \t]*\r?\n"
    br"(?P<body>.*?)(?:\r?\n=(?P<sum>[A-Za-z0-9+/]{4})[ \t]*)?\r?\n-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL)
PUBLIC, SUBKEY = 6, 14


class NoKey(ValueError):
    """The data is not what OpenPGP keys are written as; the message says why."""


class Key(object):
    """A public key: its fingerprint and ids as hex digits in capitals, those of its subkeys, and all its bytes."""

    def __init__(self, fingerprint: str, key_id: str) -> None:
        self.fingerprint = fingerprint
        self.key_id = key_id
        self.subkeys: "List[Key]" = []
        self.raw = b""

    def ids(self) -> "List[str]":
        """All that it may be called by, its subkeys' too."""
        own = [self.fingerprint, self.key_id]
        return own + [name for subkey in self.subkeys for name in subkey.ids()]

    def fits(self, name: str) -> bool:
        """Whether a fingerprint or an id, or the end of one, is its own or that of a subkey."""
        return any(own.endswith(plain(name)) for own in self.ids())


def plain(name: str) -> str:
    """An id or fingerprint as its bare hex digits in capitals."""
    name = "".join(name.split()).upper()
    return name[2:] if name.startswith("0X") else name


def armored(data: bytes) -> bool:
    """Whether the data is text between two lines of dashes."""
    return b"-----BEGIN PGP PUBLIC KEY BLOCK-----" in data


def binary(data: bytes) -> bytes:
    """The data without armor. Raises NoKey."""
    if not armored(data):
        return data
    blocks = [_unwrapped(match.group("body"), match.group("sum")) for match in ARMOR.finditer(data)]
    if not blocks:
        raise NoKey("the armor of the key is broken")
    return b"".join(blocks)


def _unwrapped(body: bytes, checksum: bytes) -> bytes:
    try:
        raw = base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error as error:
        raise NoKey("the armor of the key is broken: %s" % error)
    if checksum and base64.b64decode(checksum) != _crc24(raw).to_bytes(3, "big"):
        raise NoKey("the armor of the key is broken: its checksum is wrong")
    return raw


def armor(raw: bytes) -> bytes:
    """Keys between two lines of dashes."""
    text = base64.b64encode(raw)
    lines = [text[at:at + 64] for at in range(0, len(text), 64)]
    total = b"=" + base64.b64encode(_crc24(raw).to_bytes(3, "big"))
    return b"\n".join([b"-----BEGIN PGP PUBLIC KEY BLOCK-----", b""] + lines + [
        total, b"-----END PGP PUBLIC KEY BLOCK-----", b""])


def _crc24(data: bytes) -> int:
    total = 0xB704CE
    for byte in data:
        total ^= byte << 16
        for _ in range(8):
            total <<= 1
            if total & 0x1000000:
                total ^= 0x1864CFB
    return total & 0xFFFFFF


def keys(data: bytes) -> "List[Key]":
    """The keys in a file's data. Raises NoKey when there is none."""
    found: "List[Key]" = []
    for tag, body, whole in _packets(binary(data)):
        if tag == PUBLIC:
            found.append(_key(body))
        elif tag == SUBKEY and found:
            found[-1].subkeys.append(_key(body))
        if found:
            found[-1].raw += whole
    if not found:
        raise NoKey("there is no OpenPGP public key in it")
    return found


def _packets(raw: bytes) -> "Iterator[Tuple[int, bytes, bytes]]":
    """Tag, body and all bytes of each packet."""
    at = 0
    while at < len(raw):
        start, head = at, raw[at]
        if not head & 0x80:
            raise NoKey("it is not made of OpenPGP packets")
        tag, size, at = _new(raw, at + 1, head) if head & 0x40 else _old(raw, at + 1, head)
        if size < 0 or at + size > len(raw):
            raise NoKey("it is cut off")
        at += size
        yield tag, raw[at - size:at], raw[start:at]


def _new(raw: bytes, at: int, head: int) -> "Tuple[int, int, int]":
    """Tag, length and beginning of a packet of the new format."""
    tag, first = head & 0x3F, raw[at] if at < len(raw) else 255
    if first < 192:
        return tag, first, at + 1
    if first < 224:
        second = raw[at + 1] if at + 1 < len(raw) else 255
        return tag, ((first - 192) << 8) + second + 192, at + 2
    if first < 255:
        raise NoKey("its packets have no length")             # in parts: never so for keys
    return tag, int.from_bytes(raw[at + 1:at + 5], "big"), at + 5


def _old(raw: bytes, at: int, head: int) -> "Tuple[int, int, int]":
    width = (1, 2, 4, 0)[head & 3]
    size = int.from_bytes(raw[at:at + width], "big") if width else len(raw) - at
    return (head >> 2) & 0xF, size, at + width


def _key(body: bytes) -> Key:
    version = body[0] if body else 0
    if version == 4:
        digest = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()
        return Key(digest, digest[-16:])
    if version in (5, 6):
        digest = hashlib.sha256(bytes([0x95 + version]) + len(body).to_bytes(4, "big") + body).hexdigest().upper()
        return Key(digest, digest[:16])
    raise NoKey("it is an OpenPGP key of version %d, which nobody trusts any more" % version)
