"""Tiny clips, good and bad, and what a batch has written."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import av

CLIPS = Path(__file__).resolve().parents[1] / "clips"
NAMES = ("smile_both", "smile_left", "blink_left", "sneer_right")
GOOD = 17
HOW = ("--profile", "open", "--device", "cpu")


def trim(source, target, frames):
    """The first frames of a clip, as they are stored."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(source)) as clip, av.open(f"file:{target}", "w", format="mp4") as container:
        stream = clip.streams.video[0]
        copy = container.add_stream_from_template(stream)
        for packet in list(clip.demux(stream))[:frames]:
            if packet.dts is not None:
                packet.stream = copy
                container.mux(packet)
    return target


def with_unreadable_stream(source, target):
    """A video whose container can be read, and whose pictures cannot."""
    data = bytearray(source.read_bytes())
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") if data.index(b"moov") > start else len(data)
    data[start : end - 4] = bytes(end - 4 - start)
    target.write_bytes(data)
    return target


def rows(output):
    with (output / "batch.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def statuses(output):
    return [row["status"] for row in rows(output)]


def results(output):
    """Every result file below a folder, by its way from there; the batch's own files are not among them."""
    own = {output / name for name in ("batch.csv", "batch.state.json", "batch.lock")}
    return {path.relative_to(output).as_posix(): path for path in sorted(output.rglob("*")) if path.is_file() and path not in own}


def contents(output):
    return {name: path.read_bytes() for name, path in results(output).items()}


def n_results(output):
    """How many records of results there are, while folders come and go."""
    return sum(name.endswith(".metadata.json") for _, _, names in os.walk(output) for name in names)
