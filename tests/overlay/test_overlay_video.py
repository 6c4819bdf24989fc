"""`run --overlay`, `mirror --overlay` and `--preview`: the video, for every kind of source, whole or not at all."""

from __future__ import annotations

import json
import os
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from face_mirror_au.cli import options
from face_mirror_au.cli.app import app
from face_mirror_au.cli.terminal import ExitCode
from face_mirror_au.errors import NoDisplayError, OutputError
from face_mirror_au.media.source import SourceInfo
from face_mirror_au.media.video import open_source
from face_mirror_au.overlay import window
from face_mirror_au.overlay.marks import LEFT_COLOUR, RIGHT_COLOUR
from face_mirror_au.overlay.picture import ALERT
from face_mirror_au.overlay.plugin import OverlayVideo
from face_mirror_hooks.records import FrameResult

CLIPS = Path(__file__).resolve().parents[1] / "clips"


@pytest.fixture(autouse=True)
def weights(shared_file, monkeypatch):
    monkeypatch.setenv("FACE_MIRROR_AU_WEIGHTS", str(shared_file("weights")))
    monkeypatch.setattr(options, "MAX_DEFAULT_WORKERS", 0)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def read(path):
    with open_source(path) as source:
        return source.info, list(source)


def coloured(image, colour, tolerance=40):
    return np.abs(image.astype(int) - np.array(colour)).max(axis=2) <= tolerance


def test_the_overlay_of_a_left_smile_shows_the_bar_on_the_right_of_the_picture(tmp_path):
    done = call("mirror", CLIPS / "smile_left.mp4", "-o", tmp_path, "--profile", "hybrid", "--max-frames", 34, "--overlay", "--no-report")
    assert done.exit_code == ExitCode.OK, done.output
    folder = tmp_path / "smile_left"
    path = folder / "smile_left.overlay.mp4"
    assert path.name in done.stdout
    assert ".overlay.mp4" in json.loads((folder / "smile_left.metadata.json").read_text())["files"]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    _, frames = read(path)
    with open_source(CLIPS / "smile_left.mp4") as source:
        times = [frame.time_s for frame in source][:34]
    assert [frame.time_s for frame in frames] == pytest.approx(times)

    def bars(image):
        return int(coloured(image[70:, 370:], LEFT_COLOUR).sum()), int(coloured(image[70:, :110], RIGHT_COLOUR).sum())

    (left, right), (left_at_rest, _) = bars(frames[31].image), bars(frames[12].image)
    assert left > 1.5 * right
    assert left > 1.5 * left_at_rest


def test_a_failed_frame_of_the_overlay_says_so_and_an_odd_size_grows_by_a_pixel(tmp_path):
    with open_source(CLIPS / "smile_both.mp4") as source:
        pictures = [frame.image[:359, :479].copy() for frame in source][:8]
    pictures[4][:] = 60
    folder = tmp_path / "in"
    folder.mkdir()
    import cv2

    for index, image in enumerate(pictures):
        cv2.imwrite(str(folder / f"{index}.png"), image)
    done = call("run", folder, "-o", tmp_path / "out", "--profile", "open", "--overlay")
    assert done.exit_code == ExitCode.OK, done.output
    info, frames = read(tmp_path / "out" / "in" / "in.overlay.mp4")
    assert (info.width, info.height) == (480, 360)
    red = [int(coloured(frame.image, ALERT).sum()) for frame in frames]
    assert [count > 4000 for count in red] == [False] * 4 + [True] + [False] * 3
    dots = [int(coloured(frame.image[75:], LEFT_COLOUR).sum()) for frame in frames]
    assert dots[4] == 0
    assert min(dots[:4] + dots[5:]) > 30


def stored_clip(path, turns=0, aspect=None):
    """Four pictures of the same face, stored turned to the left by so many quarters, or with pixels that are not square."""
    with open_source(CLIPS / "smile_both.mp4") as source:
        pictures = [np.ascontiguousarray(np.rot90(frame.image, turns)) for frame in source][:4]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "10"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for image in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path


def test_a_phone_video_that_is_stored_lying_is_drawn_upright(tmp_path):
    clip = stored_clip(tmp_path / "lying.mp4", turns=1)
    data = bytearray(clip.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # the display matrix of an mp4: a quarter turn clockwise
    data[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    clip.write_bytes(data)
    assert read(clip)[0].rotation == 90
    done = call("run", clip, "-o", tmp_path, "--profile", "open", "--overlay")
    assert done.exit_code == ExitCode.OK, done.output
    info, frames = read(tmp_path / "lying" / "lying.overlay.mp4")
    assert (info.width, info.height, info.rotation) == (480, 360, 0), "turned once, and not a second time by the player"
    blue, orange = (np.flatnonzero(coloured(frames[3].image[75:, 130:350], colour).any(axis=0)) for colour in (LEFT_COLOUR, RIGHT_COLOUR))
    assert np.median(blue) > np.median(orange) + 40, "the subject's left is on the right of an upright picture"


def test_pixels_that_are_not_square_become_so(tmp_path):
    clip = stored_clip(tmp_path / "wide.mp4", aspect=Fraction(4, 3))
    done = call("run", clip, "-o", tmp_path, "--profile", "open", "--overlay")
    assert done.exit_code == ExitCode.OK, done.output
    info, frames = read(tmp_path / "wide" / "wide.overlay.mp4")
    assert (info.width, info.height, info.pixel_aspect) == (640, 360, None)
    assert len(frames) == 4


def test_a_video_that_cannot_be_written_costs_the_overlay_and_not_the_tables(tmp_path, monkeypatch):
    from face_mirror_au.media.encoder import VideoWriter

    def full(self, image, time_s):
        raise OutputError("'x.overlay.mp4' cannot be written: the disk is full")

    monkeypatch.setattr(VideoWriter, "append", full)
    done = call("run", CLIPS / "smile_both.mp4", "-o", tmp_path, "--profile", "open", "--max-frames", 12, "--overlay")
    assert done.exit_code == ExitCode.PARTIAL
    assert "no overlay video: 'x.overlay.mp4' cannot be written: the disk is full" in " ".join(done.stderr.split())
    names = {path.name for path in (tmp_path / "smile_both").iterdir()}
    assert "smile_both.csv" in names
    assert not {name for name in names if "overlay" in name or name.startswith(".writing")}


def test_an_interrupted_run_leaves_no_overlay(tmp_path, monkeypatch):
    from face_mirror_au.run.measuring import Measurement

    before = Measurement.append

    def interrupt(self, result):
        if result.index == 5:
            raise KeyboardInterrupt
        return before(self, result)

    monkeypatch.setattr(Measurement, "append", interrupt)
    done = call("run", CLIPS / "smile_both.mp4", "-o", tmp_path, "--profile", "open", "--overlay")
    assert done.exit_code == ExitCode.INTERRUPTED
    assert {path.name for path in tmp_path.iterdir()} == {"smile_both.unfinished"}
    assert {path.name for path in (tmp_path / "smile_both.unfinished").iterdir()} == {".lock", "smile_both.online.csv"}


def test_a_new_run_without_overlay_removes_the_old_one(tmp_path):
    arguments = ("run", CLIPS / "smile_both.mp4", "-o", tmp_path, "--profile", "open", "--max-frames", 12)
    assert call(*arguments, "--overlay").exit_code == ExitCode.OK
    assert call(*arguments).exit_code == ExitCode.OK
    assert not (tmp_path / "smile_both" / "smile_both.overlay.mp4").exists()


def test_without_a_display_the_run_goes_on_without_a_window(tmp_path, monkeypatch):
    def none():
        raise NoDisplayError("there is no display for the preview window")

    monkeypatch.setattr(window, "check_display", none)
    done = call("run", CLIPS / "smile_both.mp4", "-o", tmp_path, "--profile", "open", "--max-frames", 12, "--preview")
    assert done.exit_code == ExitCode.OK
    assert done.stderr.count("there is no display for the preview window; going on without it") == 1


def test_the_preview_shows_every_drawn_frame(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(window, "check_display", lambda: None)
    monkeypatch.setattr(window.PreviewWindow, "show", lambda self, picture: shown.append(picture))
    done = call("run", CLIPS / "smile_both.mp4", "-o", tmp_path, "--profile", "open", "--max-frames", 12, "--preview")
    assert done.exit_code == ExitCode.OK, done.output
    assert len(shown) == 12
    assert all(coloured(picture, LEFT_COLOUR).sum() > 30 for picture in shown), "it comes after the overlay was drawn"
    assert not list((tmp_path / "smile_both").glob("*.mp4"))


def test_pictures_of_another_size_are_fitted_in(tmp_path):
    video = OverlayVideo()
    video.start(tmp_path / "x.overlay.mp4", SourceInfo("image folder", 32, 24))
    video.draw_overlay(canvas=np.zeros((24, 32, 3), np.uint8), result=FrameResult(0, 0.0, ()))
    video.draw_overlay(canvas=np.full((48, 16, 3), 200, np.uint8), result=FrameResult(1, 1.0, ()))
    assert video.finish() == tmp_path / "x.overlay.mp4"
    assert video.problem == ""
    image = read(tmp_path / "x.overlay.mp4")[1][1].image
    assert image.shape == (24, 32, 3)
    assert image[:, 14:18].min() > 150
    assert image[:, [*range(8), *range(24, 32)]].max() < 60, "black beside it, not stretched"
