"""A program that gives a command on disks of several sizes, in a mount namespace of its own: `unshare -m small_disks.py '{...}'`.

`{"command": [...], "folder": OUT, "kilobytes": [...]}`. Prints a line of JSON for each size.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from full_disk_sweep import call, content, report, stopped_rows


def main() -> None:
    asked = json.loads(sys.argv[1])
    folder = Path(asked["folder"])
    folder.mkdir()
    for size in asked["kilobytes"]:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(folder)], check=True)
        outcome = call(asked["command"])
        report(outcome, kilobytes=size, left=content(folder), online=stopped_rows(folder))
        subprocess.run(["umount", str(folder)], check=True)


if __name__ == "__main__":
    os.environ["COLUMNS"] = "500"
    main()
