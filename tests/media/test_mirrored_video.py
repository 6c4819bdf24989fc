"""Mirrored videos: the kept half is what the file holds, the other its reflection, whatever kind of file it is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from io_clips import QUARTERS
from recording_files import HLG, MIRROR, Kind

from face_mirror_au.media.mirrored_video import MirroredVideos
from face_mirror_au.media.planes import DecodedFrame
from face_mirror_au.media.video import open_source
from face_mirror_au.numerics.reflection import midline_of_landmarks, mirror_views
from face_mirror_au.records import Face, View
from face_mirror_hooks.records import FrameResult, ViewResult

LEFT, RIGHT = View.LEFT_MIRRORED, View.RIGHT_MIRRORED
SHARP = {"crf": "4"}
KINDS = {
    "upright": (Kind("libx264", "mp4", options=SHARP), True),
    "turned": (Kind("libx264", "mp4", options=SHARP, matrix=QUARTERS[90]), True),
    "upside down and flipped": (Kind("libx264", "mp4", options=SHARP, matrix=MIRROR), True),
    "BT.709": (Kind("libx264", "mp4", options=SHARP, colours=Colorspace.ITU709), True),
    "full range": (Kind("libx264", "mp4", options=SHARP, full_range=True), False),
    "4:4:4": (Kind("libx264", "mp4", "yuv444p", options=SHARP), False),
    "ten bits": (Kind("libx264", "mp4", "yuv420p10le", options=SHARP), False),
    "pixels that are not square": (Kind("libx264", "mp4", options=SHARP, aspect=Fraction(4, 3)), False),
    "odd": (Kind("libx264", "mp4", "yuv444p", options=SHARP, stored=lambda picture: picture[:159, :213]), False),
    "HDR": (Kind("libx265", "mp4", options={"crf": "4", "x265-params": "log-level=error"}, transfer=HLG), False),
}


def pictures(count: int):
    """Colours everywhere, and a disc that moves."""
    y, x = np.mgrid[:160, :214]
    made = []
    for i in range(count):
        picture = np.stack([x, 255 - y, 128 + 100 * np.sin(x / 30) * np.cos(y / 20)], axis=-1).astype(np.uint8)
        cv2.circle(picture, (60 + 3 * i, 80), 25, (60, 90, 200), -1, cv2.LINE_AA)
        made.append(picture)
    return made


def result_of(index: int, time_s: float, width: int, height: int, lean: float) -> FrameResult:
    """A face in the middle of the picture; of each fifth frame none was found."""
    landmarks = np.zeros((68, 2), np.float32)
    landmarks[[21, 22]], landmarks[8] = (width / 2, height / 4), (width / 2 + lean, height / 4 + 70)
    face = None if index == 4 else Face(np.zeros(4, np.float32), 1.0, landmarks, "test", None)
    return FrameResult(index, time_s, (ViewResult(View.ORIGINAL, face, success=face is not None, confidence=1.0),), crowd=False)


def images_of(path: Path):
    with open_source(path) as source:
        return [frame.image.astype(int) for frame in source]


@pytest.mark.parametrize("kind", KINDS)
def test_a_mirrored_video_shows_what_the_file_holds(tmp_path, kind):
    source, (made, has_planes) = tmp_path / f"source.{KINDS[kind][0].suffix}", KINDS[kind]
    made.write(source, pictures(6))
    paths = {LEFT: tmp_path / "left.mp4", RIGHT: tmp_path / "right.mp4"}
    wanted = {LEFT: [], RIGHT: []}
    with open_source(source) as opened, MirroredVideos(paths, opened.info) as videos:
        for frame in opened:
            assert isinstance(frame, DecodedFrame)
            assert (frame.planes is not None) == has_planes
            height, width = frame.image.shape[:2]
            result = result_of(frame.index, frame.time_s, width, height, 9.0)
            face = result.views[0].face
            shown = dict.fromkeys(wanted, frame.image) if face is None else {}
            shown = shown or mirror_views(frame.image, midline_of_landmarks(face.landmarks), (LEFT, RIGHT))
            for view, image in shown.items():
                wanted[view].append(image.astype(int))
            videos.append(frame, result)
    for view, path in paths.items():
        found = images_of(path)
        assert len(found) == 6
        for now, then in zip(found, wanted[view], strict=True):
            difference = now[: then.shape[0], : then.shape[1]] - then
            assert np.abs(difference).mean() < 2.5
            assert np.abs(difference.mean(axis=(0, 1))).max() < 2.0
            # Planes that are reflected as they are keep their brightness; through BGR they lose a grey level.
            kept = difference[:, int(0.7 * then.shape[1]) :] if view is LEFT else difference[:, : int(0.3 * then.shape[1])]
            assert abs(kept.mean(axis=(0, 1)) @ (0.114, 0.587, 0.299)) < (0.25 if has_planes else 2.0)
    with av.open(str(paths[LEFT])) as container:
        stream = container.streams.video[0].codec_context
        assert (stream.pix_fmt, int(stream.colorspace)) == ("yuv420p", 1 if kind == "BT.709" else 5)


def test_the_colours_of_a_video_change_midway(tmp_path):
    """Pictures of another size have no planes: they are fitted in, in the colour matrix that the video began with."""
    from face_mirror_au.media.encoder import VideoWriter

    source = tmp_path / "source.mp4"
    Kind("libx264", "mp4", options=SHARP, colours=Colorspace.ITU709).write(source, pictures(4))
    with open_source(source) as opened:
        frames = list(opened)
    with VideoWriter(tmp_path / "out.mp4", 214, 160, rate=Fraction(25)) as writer:
        for frame in frames:
            assert frame.planes is not None
            writer.append(frame.planes if frame.index % 2 else frame.image, frame.index / 25)
    with VideoWriter(tmp_path / "other.mp4", 214, 160, rate=Fraction(25)) as writer:
        for frame in frames:
            writer.append(frame.image if frame.index % 2 else frame.planes, frame.index / 25)
    for now, then in zip(images_of(tmp_path / "other.mp4"), frames, strict=True):
        assert np.abs((now - then.image).mean(axis=(0, 1))).max() < 2.0
