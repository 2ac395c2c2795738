"""A bare far side for tests of modules (Python 3.6+): bodies come in, a forked child runs each, its result goes out.

Started as `python driver.py FOLDER_OF_THE_PACKAGE`. Lines are JSON: {"body": {...}, "upload": base64 or null}; the
answer is {"result": {...}, "sent": base64}.
"""

import base64
import io
import json
import os
import sys


def answer(child, line):
    """Run one body in a forked child and give back what it said, as bytes."""
    come, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(come)
        with os.fdopen(go, "wb") as out:
            out.write(_run(child, json.loads(line)))
        os._exit(0)
    os.close(go)
    with os.fdopen(come, "rb") as source:
        said = source.read()
    os.waitpid(pid, 0)
    return said


def _run(child, order):
    sent = []
    upload = order.get("upload")
    file = None if upload is None else io.BytesIO(base64.b64decode(upload))
    result = child.run_module(order["body"], upload=file, send=sent.append)
    result = json.loads(child.encode(result).decode("utf-8"))
    return json.dumps({"result": result, "sent": base64.b64encode(b"".join(sent)).decode("ascii")}).encode("utf-8")


def main():
    sys.path[0] = sys.argv[1]
    from asyncrun.remote import child
    os.umask(0o022)
    out = os.dup(1)
    os.dup2(2, 1)
    for line in sys.stdin:
        os.write(out, answer(child, line) + b"\n")


if __name__ == "__main__":
    main()
