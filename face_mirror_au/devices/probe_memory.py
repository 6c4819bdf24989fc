"""The file in which probe results are remembered."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

FORMAT = 1


class Memory:
    """Results by what they hold for (any JSON), in a file.

    It never fails a run: what cannot be read is tried again, what cannot be written is tried again next time.

    Parameters
    ----------
    path : Path
        The JSON file; its folder is made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """What was remembered for `key`, None when nothing was."""
        entry = self._read().get(_digest(key))
        return entry if isinstance(entry, dict) else None

    def remember(self, key: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Write a result down. Of two runs that write at once the later one wins; a file is never half written."""
        entries = {**self._read(), _digest(key): {**result, "for": key}}
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps({"format": FORMAT, "entries": entries}, indent=1), encoding="utf-8")
            partial.replace(self._path)
        except OSError as error:
            logger.warning("%s: cannot be written, devices are tried again next time: %s", self._path.name, error.strerror)
            with suppress(OSError):
                partial.unlink()

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        entries = content.get("entries") if isinstance(content, dict) and content.get("format") == FORMAT else None
        return entries if isinstance(entries, dict) else {}


def _digest(key: Mapping[str, Any]) -> str:
    return sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
