"""What the commands share: consoles, exit codes, errors in one line."""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TextIO

import typer
from rich.console import Console
from rich.markup import escape

from face_mirror_au.errors import FaceMirrorAUError, UsageError
from face_mirror_au.opencv import explaining_import_errors
from face_mirror_au.wording import printable

if TYPE_CHECKING:
    from types import FrameType

    from rich.console import RenderableType

_Parameters = ParamSpec("_Parameters")


class ExitCode(IntEnum):
    """What the process says when it ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    INTERRUPTED = 130
    TERMINATED = 143


class TerminatedError(KeyboardInterrupt):
    """SIGTERM: what Ctrl-C is to a person, it is to a batch system."""


def say(text: str = "", *, err: bool = False) -> None:
    """Print one line, whatever names are in it."""
    say_block(printable(text), err=err)


def say_block(text: str, *, err: bool = False) -> None:
    """Print text of several lines. A reader that has gone away (`| head`) is no failure of ours: the rest is written nowhere."""
    try:
        typer.echo(text, err=err)
    except BrokenPipeError:
        _redirect_to_nowhere(sys.stderr if err else sys.stdout)


def say_table(table: RenderableType) -> None:
    """Print what rich can draw, on stdout."""
    console = output_console()
    with console.capture() as drawn:
        console.print(table)
    say_block(drawn.get().rstrip("\n"))


def _redirect_to_nowhere(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def sigterm_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does: what is open is closed, the workers end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # `timeout` sends it twice; the first one is enough
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def error_console() -> Console:
    """The console on stderr."""
    return Console(stderr=True)


def output_console() -> Console:
    """The console on stdout; wide in a pipe, where a table that wraps at 80 columns would be of no use."""
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200)


def print_error(text: str, label: str = "error", style: str = "bold red") -> None:
    """Print one line on stderr: a coloured label, then the text as it is."""
    console = error_console()
    with console.capture() as drawn:
        console.print(f"[{style}]{label}:[/] {escape(printable(text))}", soft_wrap=True, highlight=False)
    say_block(drawn.get().rstrip("\n"), err=True)


def one_line_errors(command: Callable[_Parameters, None]) -> Callable[_Parameters, None]:
    """Print this project's errors as one line on stderr; exit code 2 for wrong usage, 1 for all others; likewise for signals."""

    @functools.wraps(command)
    def wrapped(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        try:
            with explaining_import_errors():
                command(*args, **kwargs)
        except FaceMirrorAUError as error:
            print_error(error.for_command_line() if isinstance(error, UsageError) else str(error))
            raise typer.Exit(ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.FAILED) from error
        except OSError as error:
            # Whether a file is there cannot even be asked then, wherever that is first done.
            if error.errno != errno.ENAMETOOLONG:
                raise
            print_error(f"the name '{Path(os.fsdecode(error.filename or '')).name}' is too long; choose a shorter one")
            raise typer.Exit(ExitCode.FAILED) from error
        except KeyboardInterrupt as stop:
            terminated = isinstance(stop, TerminatedError)
            print_error("stopped by SIGTERM" if terminated else "interrupted")
            raise typer.Exit(ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED) from stop

    return wrapped
