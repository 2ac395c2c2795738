"""Fetches a key from a web server, for the modules that manage keys and repositories (on the target)."""

from .. import web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..module import Module

AT_MOST = 16 * 1024 * 1024
USUAL = {"timeout": 10, "use_proxy": True, "http_agent": "ansible-httpget", "validate_certs": True}


def fetch(m: "Module", url: str, failed: str = "Failed to download key at %(url)s: %(msg)s") -> bytes:
    """What is at a URL; the module fails when nothing is, with the words of `failed`."""
    args = m.args
    m.args = dict(USUAL, **args)
    try:
        answer = web.ask(m, url)
        if answer.status == -1 or answer.status >= 300:
            m.fail(failed % {"url": url, "msg": answer.msg})
        data: bytes = answer.body.read(AT_MOST + 1)
    except OSError as error:
        m.fail(failed % {"url": url, "msg": error})
    finally:
        m.args = args
    if len(data) > AT_MOST:
        m.fail(failed % {"url": url, "msg": "it is larger than %d bytes" % AT_MOST})
    return data
