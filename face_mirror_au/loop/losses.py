"""What follows when a worker is lost: on which device the next one runs, and when a frame is given up."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from face_mirror_hooks.records import WorkerLoss

# A device other than the CPU is given up at this loss: the first may have been bad luck, or somebody's kill.
MAX_DEVICE_LOSSES = 2
# A frame is given up when so many workers on the CPU were lost on it.
MAX_LOSSES_ON_FRAME = 3
# Workers that end before they are ready, one after the other: more of them would not help.
MAX_FAILED_STARTS = 3

NextStep = Literal["replaced", "replaced on CPU", "frame failed"]


class LossRules:
    """Counts losses and decides.

    Parameters
    ----------
    device : str
        Where workers run at first.

    Attributes
    ----------
    device : str
        Where the next worker runs.
    given_up : dict of int to str
        Frames of the open video that are not to be tried again, and why.
    losses : list of WorkerLoss
        All so far.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self.given_up: dict[int, str] = {}
        self.losses: list[WorkerLoss] = []
        self._device_losses = 0
        self._failed_starts = 0
        self._on_frame: Counter[int] = Counter()

    @property
    def hopeless(self) -> bool:
        """Whether workers cannot even start."""
        return self._failed_starts >= MAX_FAILED_STARTS

    def new_video(self) -> None:
        """Frames are counted anew; what was learnt of the device stays."""
        self.given_up.clear()
        self._on_frame.clear()

    def worker_ready(self) -> None:
        """A worker has started."""
        self._failed_starts = 0

    def worker_lost(self, device: str, *, ready: bool, frame: int | None, reason: str) -> NextStep:
        """Decide what follows.

        Parameters
        ----------
        device : str
            Where the lost worker ran.
        ready : bool
            Whether it had started.
        frame : int or None
            What it worked on.
        reason : str
            Why it was lost, for the frame's record.
        """
        if device != "cpu":
            self._device_losses += 1
            if self._device_losses >= MAX_DEVICE_LOSSES:
                self.device = "cpu"
            return "replaced on CPU" if self.device == "cpu" else "replaced"
        if not ready:
            self._failed_starts += 1
        elif frame is not None:
            self._on_frame[frame] += 1
            if self._on_frame[frame] >= MAX_LOSSES_ON_FRAME:
                self.given_up[frame] = reason
                return "frame failed"
        return "replaced"


def loss_reason(reason: Literal["died", "hung"], exit_code: int | None, hang_after_s: float) -> str:
    """Say why a frame failed on which workers were lost."""
    if reason == "hung":
        return f"the worker hung on this frame (more than {hang_after_s:g} s)"
    if exit_code is None:
        return "the worker died on this frame"
    cause = f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
    return f"the worker died on this frame ({cause})"
