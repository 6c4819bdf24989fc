"""Left against right: mirrored views on faces whose one-sided expressions are known. Left and right are the subject's."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from face_mirror_au.errors import PluginProblemError, UsageError
from face_mirror_au.media.video import open_source
from face_mirror_au.pipeline.baseline import Baseline
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.pipeline.views import MirrorSettings
from face_mirror_au.records import INTENSITY_AUS, View
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_hooks import hookimpl
from face_mirror_hooks.records import VideoInfo
from face_mirror_weights import Store

CLIPS = Path(__file__).resolve().parents[1] / "clips"
ALL_VIEWS = (View.ORIGINAL, View.LEFT_MIRRORED, View.RIGHT_MIRRORED)
# The clips: 12 frames rest, 12 rising, 8 held, 12 falling, 12 rest.
REST, HELD = slice(0, 10), slice(25, 32)


@pytest.fixture(scope="module")
def store(shared_file):
    return Store([shared_file("weights")])


@pytest.fixture
def measure(store, tmp_path):
    """Run a clip; returns, for each view, intensities (N, 17) and success."""

    def _measure(clip, profile="hybrid", **settings):
        settings.setdefault("views", ALL_VIEWS)
        runner = VideoRunner(plan_models(store, profile), RunSettings(**settings))
        with runner, runner.run(CLIPS / f"{clip}.mp4", tmp_path) as result:
            return {view: np.array(table.intensity) for view, table in result.tables.items()}

    return _measure


def rise(intensities, action_unit):
    """How much an AU rises from rest to the held expression."""
    values = intensities[:, INTENSITY_AUS.index(action_unit)]
    return values[HELD].mean() - values[REST].mean()


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["hybrid", "openface-pfld"])
@pytest.mark.parametrize(
    ("clip", "action_unit", "moving", "still"),
    [
        ("smile_left", "AU12", View.LEFT_MIRRORED, View.RIGHT_MIRRORED),
        ("smile_right", "AU12", View.RIGHT_MIRRORED, View.LEFT_MIRRORED),
        ("blink_left", "AU45", View.LEFT_MIRRORED, View.RIGHT_MIRRORED),
        ("sneer_right", "AU10", View.RIGHT_MIRRORED, View.LEFT_MIRRORED),
    ],
)
def test_a_one_sided_expression_is_in_that_sides_view(measure, profile, clip, action_unit, moving, still):
    found = measure(clip, profile)
    assert rise(found[moving], action_unit) >= rise(found[still], action_unit) + 1.0
    assert rise(found[still], action_unit) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["hybrid", "openface-pfld"])
def test_a_smile_of_both_sides_is_alike_in_both_views(measure, profile):
    found = measure("smile_both", profile)
    left, right = rise(found[View.LEFT_MIRRORED], "AU12"), rise(found[View.RIGHT_MIRRORED], "AU12")
    assert min(left, right) > 1.5
    assert abs(left - right) <= 0.3


def test_a_flipped_recording_swaps_the_views(measure):
    straight, flipped = measure("smile_left"), measure("smile_left", flipped_input=True)
    for one, other in ((View.LEFT_MIRRORED, View.RIGHT_MIRRORED), (View.RIGHT_MIRRORED, View.LEFT_MIRRORED)):
        assert rise(flipped[one], "AU12") == pytest.approx(rise(straight[other], "AU12"), abs=0.4)


def test_reflected_landmarks_keep_a_one_sided_smile_with_the_mesh_and_are_refused_for_pfld(measure):
    found = measure("smile_left", mirror=MirrorSettings("reflect"))
    assert rise(found[View.LEFT_MIRRORED], "AU12") >= rise(found[View.RIGHT_MIRRORED], "AU12") + 1.0
    with pytest.raises(UsageError, match="not for PFLD"):
        measure("smile_left", "openface-pfld", mirror=MirrorSettings("reflect"))


def test_redetection_changes_little(measure):
    located, redetected = measure("smile_left"), measure("smile_left", mirror=MirrorSettings(redetect=True))
    for view in ALL_VIEWS[1:]:
        assert rise(redetected[view], "AU12") == pytest.approx(rise(located[view], "AU12"), abs=0.3)
    assert not np.array_equal(located[View.LEFT_MIRRORED], redetected[View.LEFT_MIRRORED]), "it must really look anew"


def test_baselines(measure):
    """AU25 is dynamic: its level depends on what is taken for rest."""
    own, shared, marked = (measure("smile_left", baseline=Baseline.parse(text)) for text in ("own", "shared", "neutral:0-0.35"))
    np.testing.assert_array_equal(own[View.ORIGINAL], shared[View.ORIGINAL])
    assert not np.array_equal(own[View.LEFT_MIRRORED], shared[View.LEFT_MIRRORED])
    # With a marked rest, every dynamic AU lies at its lowest there, but for noise.
    dynamic = [INTENSITY_AUS.index(name) for name in ("AU01", "AU02", "AU17", "AU25", "AU26", "AU45")]
    assert np.nanmax(marked[View.LEFT_MIRRORED][REST][:, dynamic]) < 0.6
    with pytest.raises(UsageError, match="no frame was measured in the baseline segment neutral:60-70"):
        measure("smile_left", baseline=Baseline.parse("neutral:60-70"))


@pytest.mark.parametrize("text", ["mine", "neutral", "neutral:3-1", "neutral:a-b", "neutral:1"])
def test_a_baseline_that_is_none(text):
    with pytest.raises(UsageError, match="baseline must be own, shared, neutral:START-END"):
        Baseline.parse(text)


@pytest.mark.parametrize("views", [(), (View.LEFT_MIRRORED,), (View.ORIGINAL, View.ORIGINAL)])
def test_views_begin_with_the_original_and_come_once(views):
    with pytest.raises(UsageError, match="views must begin with original"):
        RunSettings(views=views)


def test_unknown_plugins_are_told(store):
    plan = plan_models(store, "hybrid")
    with pytest.raises(PluginProblemError, match="no plugin 'action-unit' to block"):
        VideoRunner(plan, RunSettings(blocked=("action-unit",)))
    with pytest.raises(PluginProblemError, match=r"no_such_module_of_ours"):
        VideoRunner(plan, RunSettings(plugins=("no_such_module_of_ours",)))


def test_a_frame_without_a_face_has_no_mirrored_views(store, tmp_path):
    import av

    clip = tmp_path / "gap.mp4"
    with av.open(str(CLIPS / "smile_both.mp4")) as source, av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for index, frame in zip(range(8), source.decode(video=0), strict=False):
            image = frame.to_ndarray(format="bgr24")
            if index == 4:
                image[:] = 60
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    with VideoRunner(plan_models(store, "hybrid"), RunSettings(views=ALL_VIEWS)) as runner, runner.run(clip, tmp_path) as result:
        for view, table in result.tables.items():
            assert np.asarray(table.success).tolist() == [True] * 4 + [False] + [True] * 3, view
            assert result.failures[view] == {"no face found": 1}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_same_bytes_from_any_number_of_workers_and_either_start_method(tmp_path, shared_file, store):
    video, weights = shared_file("media/default.wmv"), shared_file("weights")
    variants = [("0", None), ("1", "fork"), ("2", "fork"), ("3", "fork"), ("2", "spawn")]
    for workers, method in variants:
        command = [sys.executable, "-m", "face_mirror_au", "run", str(video), "-o", str(tmp_path / f"{workers}{method}"),
                   "--profile", "openface-pfld", "--views", "original,left,right", "--workers", workers, "--weights", str(weights),
                   "--device", "cpu", "--quiet", "--max-frames", "130", *(["--start-method", method] if method else [])]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    names = ("default.csv", "default_left_mirrored.csv", "default_right_mirrored.csv", "default.raw.csv", "default.online.csv")
    for name in names:
        contents = {(tmp_path / f"{workers}{method}" / "default" / name).read_bytes() for workers, method in variants}
        assert len(contents) == 1, name
    table = pd.read_csv(tmp_path / "0None" / "default" / "default_left_mirrored.csv")
    assert len(table) == 130
    assert table["success"].eq(1).all()


class _Corner:
    """Tells how many pixels of a picture's first rows are not black."""

    @hookimpl
    def describe_face(self, frame, face, view):
        return int(frame.image[:40].any(axis=-1).sum())


def test_a_plugin_sees_whole_mirrored_pictures_and_changes_nothing(store, tmp_path):
    """For our own models only a part of them is made; they measure the same in the whole picture, but for noise."""
    settings = RunSettings(views=ALL_VIEWS, max_frames=6)
    tables, seen = [], []
    for plugins in ((), (_Corner(),)):
        with VideoRunner(plan_models(store, "hybrid"), settings, plugins=plugins) as runner:
            described = [result for _, result in runner.loop.process(_frames(CLIPS / "smile_both.mp4", 6), VIDEO, 30)]
            seen.append([view.descriptions.get("_Corner", 0) for result in described for view in result.views])
            tables.append(np.array([view.face.landmarks for result in described for view in result.views]))
    assert np.abs(tables[0] - tables[1]).max() < 0.2
    assert min(seen[1]) > 0.6 * max(seen[1]) > 0


VIDEO = VideoInfo(0, None, "clip", 480, 360, None, None)


def _frames(path, count):
    with open_source(path) as source:
        yield from itertools.islice(source, count)
