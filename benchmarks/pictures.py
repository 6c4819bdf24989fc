"""What the size of the picture costs, whole processes: `python -m benchmarks.pictures [OLD_PYTHON]`. Needs ../shared; Linux only.

With OLD_PYTHON, the interpreter of another version's environment, both take turns.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av

from benchmarks import ROOT
from benchmarks.processes import family, pss

SHARED = ROOT.parent / "shared"
CLIP = SHARED / "media" / "default.wmv"
FRAMES = 300
ROUNDS = 3
SIZES = ((640, 480), (1440, 1080), (2880, 2160))
COMMON = ("--weights", str(SHARED / "weights"), "--device", "cpu", "--quiet")
COMMANDS = {
    "one view": ("run", "--profile", "open"),
    "three views": ("run", "--profile", "open", "--views", "original,left,right", "--no-report"),
    "mirror, no page": ("mirror", "--profile", "open", "--no-report"),
    "mirror": ("mirror", "--profile", "open"),
}


def main() -> None:
    """Print the table."""
    pythons = [*sys.argv[1:], sys.executable]
    print(f"{CLIP.name}, {FRAMES} frames as H.264; medians of {ROUNDS} whole processes: frames/s (peak PSS, MB)")
    print(f"{'size':<12}{'command':<18}" + "".join(f"{name:>16}" for name in ("before", "now")[-len(pythons) :]))
    with tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES:
            video = Path(folder) / f"{width}.mp4"
            scaled(video, width, height)
            print(f"{width}x{height:<7}{'decoding, BGR':<18}{FRAMES / decoding(video):>16.0f}", flush=True)
            for name, command in COMMANDS.items():
                seen: list[list[tuple[float, float]]] = [[] for _ in pythons]
                for turn in range(ROUNDS * len(pythons)):
                    which = turn % len(pythons)
                    with tempfile.TemporaryDirectory() as output:
                        seen[which].append(timed([pythons[which], "-m", "face_mirror_au", *command, str(video), "-o", output, *COMMON]))
                medians = [[statistics.median(values) for values in zip(*each, strict=True)] for each in seen]
                cells = "".join(f"{f'{FRAMES / seconds:.1f} ({peak:.0f})':>16}" for seconds, peak in medians)
                print(f"{'':<12}{name:<18}{cells}", flush=True)


def scaled(path: Path, width: int, height: int) -> None:
    """Write the clip's frames, and again from its start, in another size."""
    with av.open(str(CLIP)) as source, av.open(str(path), "w") as target:
        frames = list(source.decode(video=0))
        stream = target.add_stream("libx264", rate=Fraction(15), options={"crf": "20", "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, frame in enumerate(islice(cycle(frames), FRAMES)):
            picture = frame.reformat(width=width, height=height, format="yuv420p", interpolation="LANCZOS")
            picture.pts, picture.time_base = number, Fraction(1, 15)
            target.mux(stream.encode(picture))
        target.mux(stream.encode())


def decoding(video: Path) -> float:
    """Seconds that decoding and the conversion to BGR take alone."""
    from face_mirror_au.media.video import open_source

    start = time.perf_counter()
    with open_source(video) as source:
        for _ in source:
            pass
    return time.perf_counter() - start


def timed(command: Sequence[str]) -> tuple[float, float]:
    """Seconds of a process, and the largest proportional set size of it and its children, MB."""
    start, peak = time.perf_counter(), 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(pss, family(process.pid))))
            time.sleep(0.1)
    if process.returncode != 0:
        raise SystemExit(f"the run ended with exit code {process.returncode}")
    return time.perf_counter() - start, peak


if __name__ == "__main__":
    main()
