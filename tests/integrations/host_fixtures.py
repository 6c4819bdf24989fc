"""Builds the host double, clips for it, and runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from face_mirror_au.media.video import open_source

HERE = Path(__file__).resolve().parent
CLIPS = HERE.parent / "clips"
SIDES = ("left_mirrored", "right_mirrored")


def build_app(folder: Path, form: str) -> Path:
    """The double of one form, in a folder."""
    shutil.copytree(HERE / "host_double" / "common", folder)
    shutil.copytree(HERE / "host_double" / f"form_{form.lower()}", folder, dirs_exist_ok=True)
    return folder


def build_clip(path: Path, points: Path, clip: str, number: int, frames: int, first: int = 0) -> None:
    """A lossless video whose first pixel says which video and frame it is, and its landmarks."""
    with open_source(CLIPS / f"{clip}.mp4") as source:
        pictures = [frame.image.copy() for frame in source][first : first + frames]
    with np.load(CLIPS / f"{clip}.npz") as truth:
        np.savez(points, landmarks=truth["landmarks"][first : first + frames, 0])
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=Fraction(30000, 1001))
        stream.width, stream.height, stream.pix_fmt = pictures[0].shape[1], pictures[0].shape[0], "bgr0"
        for index, picture in enumerate(pictures):
            picture[0, 0] = (index % 256, index // 256, number)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))


@dataclass
class Double:
    """One start of the double.

    Attributes
    ----------
    folder : Path
        All files of it lie here.
    form : str
    clips : tuple of str
        Videos of the session, by clip.
    frames : int
        Of each.
    names : tuple of str
        File names of the videos; each lies in a folder of its own.
    first : int
        Frame of the clips that the videos begin with.
    job : dict
        How badly it behaves.
    """

    folder: Path
    form: str = "C"
    clips: tuple[str, ...] = ("smile_left",)
    frames: int = 24
    names: tuple[str, ...] = ()
    job: dict = field(default_factory=dict)
    first: int = 0

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.app = build_app(self.folder / "app", self.form)
        self.output = self.folder / "output"
        self.recorded = self.folder / "recorded"
        self.recorded.mkdir()
        self.videos, points = [], []
        for number, clip in enumerate(self.clips):
            name = self.names[number] if self.names else f"{clip}_{number}.mkv"
            self.videos.append(self.folder / f"given_{number}" / name)
            self.videos[-1].parent.mkdir()
            points.append(self.folder / f"points_{number}.npz")
            build_clip(self.videos[-1], points[-1], clip, number, self.frames, self.first)
        self.result_file = self.folder / "result.json"
        self.job = {
            "videos": [str(video) for video in self.videos],
            "points": [str(path) for path in points],
            "output": str(self.output),
            "recorded": str(self.recorded),
            "result": str(self.result_file),
            **self.job,
        }
        (self.folder / "job.json").write_text(json.dumps(self.job))
        self.environment = {**os.environ, "HOST_DOUBLE_JOB": str(self.folder / "job.json")}

    def start(self, *options: object, plugin: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the double, with the plugin or as it is."""
        command = ["-m", "face_mirror_au", "host", str(self.app), "--device", "cpu", "--workers", "1"] if plugin else ["main.py"]
        return subprocess.run(
            [sys.executable, *command, *map(str, options)],
            cwd=self.app,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    @property
    def result(self) -> dict:
        return json.loads(self.result_file.read_text())

    @property
    def combined(self) -> Path:
        return self.output / "Combined Data"

    def own(self, video: int = 0) -> Path:
        """Our folder of a video."""
        return self.output / "Face Mirror AU" / self.videos[video].stem

    def table(self, side: str, video: int = 0) -> str:
        return (self.combined / f"{self.videos[video].stem}_{side}.csv").read_text()

    def metadata(self, video: int = 0) -> dict:
        return json.loads((self.own(video) / f"{self.videos[video].stem}.metadata.json").read_text())

    def own_table(self, side: str, video: int = 0) -> str:
        """As `table`, but ours, whether it was delivered or not."""
        return (self.own(video) / f"{self.videos[video].stem}.{side.removesuffix('_mirrored')}.csv").read_text()

    def pictures(self) -> dict[str, bytes]:
        """What the application mirrored, byte for byte."""
        return {path.name: path.read_bytes() for path in sorted((self.output / "Face Mirror 1.0 Output").iterdir())}


def leftovers(double: Double) -> list[str]:
    """Processes of the double's session that live on, and half-made files of ours."""
    marker = f"HOST_DOUBLE_JOB={double.folder / 'job.json'}".encode()
    found = [f"process {path.parent.name}" for path in Path("/proc").glob("[0-9]*/environ") if marker in _content(path)]
    return found + [str(path) for path in double.output.rglob("*") if path.suffix in {".unfinished", ".tmp", ".lock"}]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
