"""`python -m face_mirror_au`, and the command `face-mirror-au`."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys

# BLAS as one thread, here and in all workers, which are the parallelism: its own threads wait for each other by spinning, on a busy machine
# for minutes. It must be said before NumPy is loaded; who sets it, has it as they like.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# What we start by `sys.executable -m`. Frozen, that is this program, which then does as the interpreter would: for these and no others.
CHILDREN = ("face_mirror_au.devices.probe_child", "face_mirror_au.overlay.window_probe", "pip")


def main() -> None:
    """Run the command line."""
    multiprocessing.freeze_support()  # a spawned worker of the frozen program goes no further
    if getattr(sys, "frozen", False) and sys.argv[1:2] == ["-m"] and sys.argv[2:3] and sys.argv[2] in CHILDREN:
        del sys.argv[1]
        runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
        return
    _occupy_standard_streams()
    try:
        from face_mirror_au.cli.app import app

        app()
    except KeyboardInterrupt:  # before a command has begun
        raise SystemExit(130) from None


def _occupy_standard_streams() -> None:
    """Put nothing where a standard stream is closed: the next file to be opened would get its number, and what libraries print."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


if __name__ == "__main__":
    main()
