"""`python -m face_mirror_au`, and the command `face-mirror-au`."""

from __future__ import annotations

import os


def main() -> None:
    """Run the command line."""
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
