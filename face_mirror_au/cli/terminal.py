"""What the commands share: consoles, exit codes, errors in one line."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import ParamSpec

import typer
from rich.console import Console
from rich.markup import escape

from face_mirror_au.errors import FaceMirrorAUError, UsageError
from face_mirror_au.opencv import explaining_import_errors

_Parameters = ParamSpec("_Parameters")


class ExitCode(IntEnum):
    """What the process says when it ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    INTERRUPTED = 130


def error_console() -> Console:
    """The console on stderr."""
    return Console(stderr=True)


def output_console() -> Console:
    """The console on stdout; wide in a pipe, where a table that wraps at 80 columns would be of no use."""
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200)


def print_error(text: str, label: str = "error", style: str = "bold red") -> None:
    """Print one line on stderr: a coloured label, then the text as it is."""
    error_console().print(f"[{style}]{label}:[/] {escape(text)}", soft_wrap=True, highlight=False)


def one_line_errors(command: Callable[_Parameters, None]) -> Callable[_Parameters, None]:
    """Print this project's errors as one line on stderr; exit code 2 for wrong usage, 1 for all others."""

    @functools.wraps(command)
    def wrapped(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        try:
            with explaining_import_errors():
                command(*args, **kwargs)
        except FaceMirrorAUError as error:
            print_error(str(error))
            raise typer.Exit(ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.FAILED) from error

    return wrapped
