"""`python -m face_mirror_au`, and the command `face-mirror-au`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from face_mirror_au.cli.app import app

    app()


if __name__ == "__main__":
    main()
