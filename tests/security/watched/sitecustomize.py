"""Python imports this at its start where this folder is on PYTHONPATH: the command, each worker that it spawns; forked ones take it over.

Writes down, one JSON line each: connections and look-ups of addresses, programs started, files opened for writing, log lines from INFO on.
"""

from __future__ import annotations

import json
import logging
import os
import sys

_LOG = os.open(os.environ["WATCHED_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_LOCAL_FAMILIES = {-1, 1}  # a socket that is there already, and AF_UNIX
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def _note(kind: str, *what: object) -> None:
    os.write(_LOG, (json.dumps([os.getpid(), kind, *map(repr, what)]) + "\n").encode())


def _listen(event: str, given: tuple[object, ...]) -> None:
    if event == "socket.__new__":
        family = int(given[1])  # type: ignore[call-overload]
        if family not in _LOCAL_FAMILIES:
            _note("network", event, family)
    elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.sendto", "urllib.Request"}:
        _note("network", event, *given[:2])
    elif event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}:
        _note("program", event, *given[:2])
    elif event == "open" and isinstance(given[2], int) and given[2] & _WRITING:
        _note("writing", given[0])


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _note("log", record.name, record.levelname, self.format(record))


sys.addaudithook(_listen)
logging.root.addHandler(_Lines(logging.INFO))
logging.root.setLevel(logging.INFO)
logging.getLogger("watched").info("process begins")
