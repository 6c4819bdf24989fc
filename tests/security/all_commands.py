"""Every command that measures or writes, one after the other in one process; how each ended goes to stdout. Run by the tests."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from pathlib import Path

from face_mirror_au.cli.app import app


def main(root: Path) -> None:
    """`root` holds the inputs; outputs go to `root`/out."""
    os.umask(0)
    out, folder = root / "out", root / "Jane-Roe-1962"
    video, longer = folder / "Jane Roe smile.mp4", folder / "Jane Roe longer.mp4"
    how = ("--profile", "open", "--device", "cpu")
    photos = folder / "Jane Roe photos"
    one, two = out / "mirror" / video.stem, out / "subject" / "P07"
    commands = {
        "run in a forked worker": ("run", video, "-o", out / "run", *how, "--workers", 1),
        "run in a spawned worker": ("run", video, "-o", out / "spawn", *how, "--workers", 1, "--start-method", "spawn", "--quiet"),
        "mirror": ("mirror", video, "-o", out / "mirror", *how, "--workers", 0, "--overlay"),
        "mirror with subject": ("mirror", video, "-o", out / "subject", *how, "--workers", 0, "--overlay", "--subject", "P07"),
        "photos with subject": (
            "run",
            photos,
            "-o",
            out / "subject",
            *how,
            "--workers",
            0,
            "--subject",
            "P08",
            "--quiet",
        ),
        "live with subject": ("live", "--input", video, "--every-frame", "--no-preview", "-o", out / "subject", *how, "--subject", "P09"),
        "a damaged video": ("run", folder / "Jane Roe damaged.mp4", "-o", out / "damaged", *how, "--workers", 0, "--quiet"),
        "photos": ("run", photos, "-o", out / "run", *how, "--workers", 0, "--quiet"),
        "batch": ("batch", folder, "-o", out / "batch", *how, "--workers", 0, "--views", "original,left,right", "--mirrored-videos"),
        "report": ("report", one),
        "movements": ("movements", one),
        "movements with subject": ("movements", two),
        "compare": ("compare", one, out / "batch" / video.stem, "-o", out / "compare"),
        "convert": ("convert", one / f"{video.stem}.csv", "-o", out / "table.parquet"),
        "convert back": ("convert", out / "table.parquet", "-o", out / "table.csv"),
        "convert a run with subject": ("convert", two, "-o", two / "P07.parquet"),
        "live": ("live", "--input", video, "--every-frame", "--no-preview", "-o", out / "live", *how),
        "demo": ("demo", "--clip", longer, "-o", out / "demo"),
        "au-from-landmarks": ("au-from-landmarks", video, one / f"{video.stem}.csv", "-o", out / "landmarks" / "au.csv"),
        "info": ("info", "--json"),
        "plugins": ("plugins",),
        "weights list": ("weights", "list"),
    }
    ended = {name: _call([str(argument) for argument in arguments]) for name, arguments in commands.items()}
    print(json.dumps({"ended": ended, "interfaces": [name for _, name in socket.if_nameindex()]}), file=sys.__stdout__)


def _call(arguments: list[str]) -> int:
    """The command's exit code. What it says on stdout is left out; stderr stays."""
    before = sys.stdout
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stdout = nowhere
        print(f"== {arguments[0]} {'--quiet' if '--quiet' in arguments else ''}", file=sys.stderr, flush=True)
        try:
            app(arguments)
        except SystemExit as end:
            return int(end.code or 0)
        finally:
            sys.stdout = before
    return 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    shutil.rmtree(Path(sys.argv[1]) / "cache", ignore_errors=True)
