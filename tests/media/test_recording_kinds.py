"""Every kind of recording in docs/recordings.md gives what the plain one gives: frames, times, landmarks, action units.

FACE_MIRROR_AU_ALL_KINDS=1 measures whole clips of all kinds with both profiles, which takes minutes; else a few are measured.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from recording_files import VIDEOS, write_animation

from face_mirror_au.api import AUPipeline
from face_mirror_au.media.video import open_source

ALL = os.environ.get("FACE_MIRROR_AU_ALL_KINDS") == "1"
FRAMES = 60 if ALL else 12
MEASURED = set(VIDEOS) if ALL else {"full range", "HDR, HLG", "HDV, 4:3 pixels", "lying, long pixels", "interlaced"}
# H.264 alone moves AU25 of OpenFace's model by 0.05 (crf 1) to 0.13.
MOST = {"AU12_r": 0.1, "AU25_r": 0.16, "AU45_r": 0.1}
# Of a decoder and a container, s: Matroska, ASF and FLV count milliseconds.
TICK_S = 0.001


@pytest.fixture(scope="module")
def pictures(shared_file):
    with open_source(shared_file("cases/anamorphic/square.mp4")) as source:
        return [frame.image for frame in source][:FRAMES]


@pytest.fixture(scope="module")
def pipeline(shared_file):
    return AUPipeline("hybrid", weights_dir=shared_file("weights"))


def landmarks(pipeline, image):
    pipeline.reset()
    return pipeline.process_frame(image, detect=True).views[0].face.landmarks


@pytest.fixture(scope="module")
def plain(pipeline, pictures):
    """Landmarks of the first and the last picture."""
    return [landmarks(pipeline, pictures[i]) for i in (0, -1)]


def check(path: Path, times, pipeline, plain, *, shift=(0.0, 0.0), tolerance_px=0.7):
    with open_source(path) as source:
        frames = list(source)
        assert source.problems == []
    assert [frame.index for frame in frames] == list(range(len(times)))
    assert [frame.time_s for frame in frames] == pytest.approx(times, abs=TICK_S)
    for frame, expected in zip((frames[0], frames[-1]), plain, strict=True):
        off = landmarks(pipeline, frame.image) - expected - np.float32(shift)
        assert np.hypot(*off.T).mean() < tolerance_px


def measured(profile, weights, path, times):
    """With the first eleven frames as rest, whatever the rate."""
    return AUPipeline(profile, weights_dir=weights, baseline=f"neutral:0-{times[10] + 0.002:.4f}").process_video(path)


@pytest.mark.parametrize("name", list(VIDEOS))
def test_a_kind_of_video_is_as_the_plain_one(tmp_path, pictures, pipeline, plain, name):
    kind = VIDEOS[name]
    path = tmp_path / f"clip.{kind.suffix}"
    times = kind.write(path, pictures)
    check(path, times, pipeline, plain, shift=kind.shift, tolerance_px=kind.tolerance_px)


@pytest.mark.parametrize("suffix", ["webp", "png", "gif", "avif"])
def test_an_animation_is_a_video(tmp_path, pictures, pipeline, plain, suffix):
    shown = pictures[:6]
    path = tmp_path / f"clip.{suffix}"
    times = write_animation(path, shown, 40)
    check(path, times, pipeline, [plain[0], landmarks(pipeline, shown[-1])])


@pytest.mark.parametrize("profile", ["hybrid", "open"] if ALL else ["hybrid"])
@pytest.mark.parametrize("name", sorted(MEASURED))
def test_action_units_of_a_kind_are_those_of_the_plain_one(tmp_path, pictures, shared_file, name, profile):
    weights, kind = shared_file("weights"), VIDEOS[name]
    found = measured(profile, weights, tmp_path / f"clip.{kind.suffix}", kind.write(tmp_path / f"clip.{kind.suffix}", pictures))
    expected = measured(profile, weights, tmp_path / "plain.avi", VIDEOS["uncompressed"].write(tmp_path / "plain.avi", pictures))
    assert found["success"].eq(1).all()
    for unit, most in MOST.items():
        assert (found[unit] - expected[unit]).abs().mean() <= most


def test_every_kind_is_in_the_documentation():
    page = (Path(__file__).resolve().parents[2] / "docs" / "recordings.md").read_text()
    rows = re.findall(r"^\| `\.(\w+)`", page, re.MULTILINE)
    assert {kind.suffix for kind in VIDEOS.values()} | {"webp", "png", "gif", "avif"} <= set(rows)
