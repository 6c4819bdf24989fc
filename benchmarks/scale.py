"""How time, memory and disk grow with the video and the workers: `python -m benchmarks.scale [FRAMES ...]`. Needs ../shared; Linux only.

A clip is looped to 1,000, 10,000 and 100,000 frames; the last takes some minutes with each number of workers.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import av

from benchmarks import ROOT
from benchmarks.processes import watch

SHARED = ROOT.parent / "shared"
CLIP = SHARED / "media" / "2015-10-15-15-14.avi"
LENGTHS = (1_000, 10_000, 100_000)
WORKERS = (1, 2, 4)
EARLY = 4_000  # from there on memory should not grow: all kept descriptors have come


def looped(clip: Path, frames: int, path: Path) -> None:
    """Write a video that repeats the clip's packets until there are so many frames; nothing is encoded."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        step = packets[0].duration or 1
        for number in range(frames):
            packet = packets[number % len(packets)]
            packet.pts = packet.dts = number * step
            packet.stream = copy
            target.mux(packet)
            packet.stream = stream


def main() -> None:
    """Print the table."""
    lengths = [int(each) for each in sys.argv[1:]] or list(LENGTHS)
    print("profile openface-pfld, one view; PSS of parent and workers together, whole processes")
    print(
        f"{'frames':>8}{'workers':>8}{'ms/frame':>10}{'final pass s':>13}{'MB at 4,000':>12}{'peak MB':>9}{'spool MB':>9}{'output MB':>10}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for frames in lengths:
            video = Path(folder) / f"looped{frames}.avi"
            looped(CLIP, frames, video)
            for workers in WORKERS:
                output = Path(folder) / f"out{frames}-{workers}"
                arguments = [
                    "--weights",
                    str(SHARED / "weights"),
                    "--device",
                    "cpu",
                    "--profile",
                    "openface-pfld",
                    "--workers",
                    str(workers),
                ]
                seen = watch(video, output, arguments)
                written = sum(path.stat().st_size for path in output.rglob("*") if path.is_file()) / 2**20
                final = seen.seconds - seen.rows[-1][0]
                print(
                    f"{seen.frames:>8}{workers:>8}{1e3 / seen.rate:>10.2f}{final:>13.1f}{seen.memory_at(EARLY):>12.0f}{seen.peak:>9.0f}"
                    f"{seen.spool:>9.0f}{written:>10.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
