"""What a terminal shows during a live session, and how signals end one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from face_mirror_au.cli.terminal import ExitCode, error_console, stop_signals

if TYPE_CHECKING:
    from types import FrameType

    from rich.text import Text

    from face_mirror_au.live.session import LiveCounts, LiveSession
    from face_mirror_au.records import OnlineValues, View
    from face_mirror_hooks.records import FrameResult

_TOP = 4  # action units in the line
_PER_SECOND = 8


class Stop:
    """Whether a signal asks for the end. The frame at hand is finished first; a second Ctrl-C does not wait for it."""

    def __init__(self) -> None:
        self._number: int | None = None

    def reason(self) -> str:
        """Why to stop; empty as long as there is no reason."""
        return "" if self._number is None else signal.Signals(self._number).name.replace("SIGINT", "Ctrl-C")

    @property
    def exit_code(self) -> ExitCode:
        """What the process says of it when it ends."""
        told = stop_signals().get(self._number or 0)
        return ExitCode.OK if told is None else told[0]

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Note a signal."""
        if number == signal.SIGINT and self._number is not None:
            raise KeyboardInterrupt
        self._number = number


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Have Ctrl-C and its like noted inside the block, in place of an interruption anywhere."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    heard = (number for number in (signal.SIGINT, *stop_signals()) if signal.getsignal(number) is not signal.SIG_IGN)
    before = {number: signal.signal(number, stop.on_signal) for number in heard}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def live_line(session: LiveSession, *, shown: bool) -> Iterator[None]:
    """A line that changes with each frame, on a terminal; nothing in a pipe. It is a plugin of the session, like any that looks on."""
    from rich.live import Live

    from face_mirror_au.live.session import FrameRate
    from face_mirror_hooks import hookimpl

    console = error_console()
    if not (shown and console.is_terminal):
        yield
        return
    rate = FrameRate()
    with Live(console=console, refresh_per_second=_PER_SECOND, transient=True) as line:

        class Line:
            @hookimpl
            def after_values(self, frame: FrameResult, values: Mapping[View, OnlineValues]) -> None:
                line.update(line_text(frame, values, session.counts, rate.tick()))

        session.manager.register(Line(), "live-line")
        yield


def line_text(result: FrameResult, values: Mapping[View, OnlineValues], counts: LiveCounts, rate: float) -> Text:
    """The line: that the values are provisional, frames per second, what was dropped, the largest action units."""
    from rich.text import Text

    from face_mirror_au.pipeline.own_descriptor import failure_reason

    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("PROVISIONAL", style="bold yellow")
    text.append(f"  {rate:4.1f} frames/s  frame {result.index + 1}  dropped {counts.dropped}  ")
    reason = failure_reason(result.views[0])
    if reason:
        text.append(f"not measured: {reason}", style="bold red")
        return text
    for name, told in largest(values):
        text.append(f" {name} ", style="bold")
        text.append(told)
    return text


def largest(values: Mapping[View, OnlineValues], count: int = _TOP) -> list[tuple[str, str]]:
    """The action units with the largest values of either side: name, and the values as text."""
    import numpy as np

    from face_mirror_au.overlay.scene import Part, bars_of

    parts, _ = bars_of(values)
    rows = zip(*(bars.values for bars in parts), strict=True)
    found = []
    for row in rows:
        numbers = [value for _, value in row]
        if np.isfinite(numbers).any():
            told = " ".join(
                f"{'' if bars.part is Part.WHOLE else bars.part.value[0].upper() + ' '}{value:.1f}"
                for bars, value in zip(parts, numbers, strict=True)
                if np.isfinite(value)
            )
            found.append((float(np.nanmax(numbers)), row[0][0], told))
    found.sort(key=lambda entry: -entry[0])
    return [(name, told) for _, name, told in found[:count]]
