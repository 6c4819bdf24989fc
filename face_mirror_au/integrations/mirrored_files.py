"""The mirrored videos that the application wrote: which file shows which side, whether it is whole, and whether it is still the same."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from face_mirror_au.errors import VideoError
from face_mirror_au.integrations.timestamps import read_frame_times
from face_mirror_au.records import View
from face_mirror_au.wording import counted

SIDES = (View.LEFT_MIRRORED, View.RIGHT_MIRRORED)


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells a file from another one that is written in its place later."""

    inode: int
    size: int
    mtime_ns: int


def file_stamp(path: Path) -> FileStamp | None:
    """None for a file that is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return FileStamp(found.st_ino, found.st_size, found.st_mtime_ns)


def same_path(path: str | os.PathLike[str]) -> str:
    """A path as a key. The whole of it: names with dots, spaces or no ending are as good as any."""
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100  (resolve() would follow links)


def mirrored_files(outputs: object, output_dir: Path, stem: str) -> dict[View, Path]:
    """Which of the files that the application's `process_video` returned shows which side.

    Parameters
    ----------
    outputs : list of str
        Anything else names no file.
    output_dir : Path
        Absolute: the application may have left the working directory since it made the names.
    stem : str
        Name of the video without its ending, as the application cuts it.
    """
    paths = [Path(each) for each in outputs if isinstance(each, str | os.PathLike)] if isinstance(outputs, list | tuple) else []
    found = {}
    for side in SIDES:
        for path in paths:
            if path.stem == f"{stem}_{side.value}" and path.parent.name == output_dir.name:
                found[side] = output_dir / path.name
    return found


def what_is_missing(files: dict[View, Path], rows: int) -> str:
    """Why tables of so many rows must not be delivered for these videos; empty when they may.

    Each video is read to its end, without decoding it: the application does not look whether its encoder failed.
    """
    for side in SIDES:
        path = files.get(side)
        stamp = None if path is None else file_stamp(path)
        if path is None or stamp is None:
            return f"the application wrote no {side.value} video"
        if not stamp.size:
            return f"the application's {side.value} video is empty"
        try:
            frames = count_frames(path)
        except VideoError:
            return f"the application's {side.value} video cannot be read"
        if frames != rows:
            return f"the application's {side.value} video has {counted(frames, 'frame')}, and the table {counted(rows, 'row')}"
    return ""


def count_frames(path: Path) -> int:
    """Number of frames in a video file. Raises VideoError when it cannot be read."""
    times = read_frame_times(path)
    if times.packets is None:
        raise VideoError(times.problem)
    return times.packets
