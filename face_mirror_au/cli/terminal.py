"""What the commands share: consoles, exit codes, errors in one line."""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TextIO, cast

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
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class StoppedError(KeyboardInterrupt):
    """A signal that is to others what Ctrl-C is to a person: SIGTERM to a batch system, SIGHUP to a terminal that is closed.

    Parameters
    ----------
    code : ExitCode
    words : str
    """

    def __init__(self, code: ExitCode, words: str) -> None:
        super().__init__(words)
        self.code = code


STOPPED = (ExitCode.HUNG_UP, ExitCode.TERMINATED, ExitCode.INTERRUPTED)
_SIGNALS = {
    "SIGTERM": (ExitCode.TERMINATED, "stopped by SIGTERM"),
    "SIGHUP": (ExitCode.HUNG_UP, "stopped, for the terminal was closed"),  # Windows has none
}
# `timeout` sends its signal twice, at once.
_SAME_SIGNAL_S = 1.0


def why_stopped(stop: KeyboardInterrupt) -> tuple[ExitCode, str]:
    """Exit code and words for what stopped a command."""
    return (stop.code, str(stop)) if isinstance(stop, StoppedError) else (ExitCode.INTERRUPTED, "interrupted")


_lost_output: list[OSError] = []  # why standard output is not whole: whoever reads it must hear of it, by the exit code


def say(text: str = "", *, err: bool = False) -> None:
    """Print one line, whatever names are in it."""
    say_block(printable(text), err=err)


def say_block(text: str, *, err: bool = False) -> None:
    """Print text of several lines. A reader that has gone away (`| head`) is no failure of ours: the rest is written nowhere."""
    try:
        typer.echo(text, err=err)
    except OSError as error:
        _redirect_to_nowhere(sys.stderr if err else sys.stdout)
        # A terminal that was closed gives EIO.
        if not err and error.errno not in {errno.EPIPE, errno.EIO}:
            _lost_output.append(error)
            print_error(f"the standard output cannot be written: {error.strerror}; what else belongs there is lost")


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


def stop_signals() -> dict[int, tuple[ExitCode, str]]:
    """The signals, beside Ctrl-C, that ask a command to end: exit code, and words for it."""
    return {int(getattr(signal, name)): told for name, told in _SIGNALS.items() if hasattr(signal, name)}


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM, and SIGHUP unless `nohup` has it ignored, end the block as Ctrl-C does: what is open is closed, the workers end.

    A second signal does not wait for that: it ends the process as if nobody had asked for it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = stop_signals()
    stopped_at: list[float] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        _end_at_once_by(signal.SIGINT)
        if stopped_at:
            if time.monotonic() > stopped_at[0] + _SAME_SIGNAL_S:
                _end_at_once_by(number)
                os.kill(os.getpid(), number)
            return
        stopped_at.append(time.monotonic())
        raise StoppedError(*numbers[number])

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        _end_at_once_by(signal.SIGINT)
        raise KeyboardInterrupt

    handlers = dict.fromkeys(numbers, stop) | {signal.SIGINT: interrupt}
    before = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        if before[number] in {signal.SIG_DFL, signal.default_int_handler}:  # else a host sees to it, or it is ignored on purpose
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _end_at_once_by(number: int) -> None:
    """Let a signal end the process in whatever it does, even where Python code is not reached."""
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


class _Lenient:
    """A stream that takes everything: a progress bar on a terminal that was closed must not end the run, nor hide what does."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def error_console() -> Console:
    """The console on stderr."""
    return Console(file=None if sys.stderr is None else cast("TextIO", _Lenient(sys.stderr)), stderr=True)


def output_console() -> Console:
    """The console on stdout; wide in a pipe, where a table that wraps at 80 columns would be of no use."""
    terminal = sys.stdout is not None and sys.stdout.isatty()
    return Console(width=None if terminal or "COLUMNS" in os.environ else 200)


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
        _lost_output.clear()
        try:
            with explaining_import_errors():
                command(*args, **kwargs)
        except typer.Exit as end:
            raise typer.Exit(end.exit_code or _code_of_output()) from end
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
            code, words = why_stopped(stop)
            print_error(words)
            raise typer.Exit(code) from stop
        raise typer.Exit(_code_of_output())

    return wrapped


def _code_of_output() -> ExitCode:
    return ExitCode.FAILED if _lost_output else ExitCode.OK
