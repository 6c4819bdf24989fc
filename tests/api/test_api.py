"""The Python API, and that every entry point gives the same numbers."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import face_mirror_au
from face_mirror_au import AUPipeline, FullPythonAUPipeline
from face_mirror_au.errors import FrameError, UsageError, VideoError, WeightsError
from face_mirror_au.media.video import open_source
from face_mirror_au.models.open_bank import write_open_bank
from face_mirror_au.pipeline.own_descriptor import descriptor_of
from face_mirror_au.pipeline.sequence import AUSequence
from face_mirror_au.records import INTENSITY_AUS
from face_mirror_weights import open_models

CLIP = Path(__file__).resolve().parents[1] / "clips" / "smile_both.mp4"
INTENSITIES = [f"{name}_r" for name in INTENSITY_AUS]
FRAMES = 56


@pytest.fixture(scope="module")
def weights(shared_file):
    return shared_file("weights")


@pytest.fixture(scope="module")
def pipeline(weights):
    return AUPipeline("openface-pfld", weights_dir=weights)


@pytest.fixture(scope="module")
def table(pipeline):
    return pipeline.process_video(CLIP)


def test_a_smile_is_seen(table):
    assert len(table) == FRAMES
    assert table["success"].eq(1).all()
    assert table["frame"].tolist() == list(range(1, FRAMES + 1))
    np.testing.assert_allclose(table["timestamp"], np.arange(FRAMES) / 30, atol=1e-3)
    rest, held = table.iloc[:8], table.iloc[26:30]
    for name, rise in (("AU12_r", 1.5), ("AU06_r", 0.3)):
        assert held[name].mean() > rest[name].mean() + rise
    assert held["AU45_r"].mean() < 0.5


def test_a_second_video_gives_the_same_numbers_as_alone(pipeline, table):
    other = CLIP.with_name("blink_left.mp4")
    pipeline.process_video(other)
    pd.testing.assert_frame_equal(pipeline.process_video(CLIP), table)


def test_csv_holds_the_table(pipeline, table, tmp_path):
    target = tmp_path / "out.csv"
    seen = []
    pipeline.process_video(CLIP, target, progress=lambda done, total: seen.append((done, total)))
    written = pd.read_csv(target)
    assert list(written.columns) == list(table.columns)
    np.testing.assert_allclose(written[INTENSITIES], table[INTENSITIES], atol=0.005 + 1e-9)
    assert seen[-1] == (FRAMES, FRAMES)
    assert len(seen) == FRAMES


def test_max_frames(pipeline):
    assert len(pipeline.process_video(CLIP, max_frames=5)) == 5


def test_the_designs_own_call(weights, table, tmp_path):
    predictors = weights / "openface-2.2.0" / "AU_predictors"
    full = FullPythonAUPipeline(
        retinaface_model=weights / "retinaface-pfld" / "retinaface_mobilenet025.onnx",
        pfld_model=weights / "retinaface-pfld" / "pfld_cunjian.onnx",
        pdm_file=predictors / "In-the-wild_aligned_PDM_68.txt",
        au_models_dir=predictors,
        triangulation_file=predictors / "tris_68_full.txt",
        use_calc_params=True,
        verbose=False,
    )
    found = full.process_video(video_path=CLIP, output_csv=tmp_path / "minimal.csv", max_frames=None)
    assert list(found.columns) == ["frame", "success", *INTENSITIES]
    assert found["frame"].tolist() == list(range(FRAMES))
    assert found["success"].dtype == bool
    np.testing.assert_array_equal(found[INTENSITIES], table[INTENSITIES])
    lines = (tmp_path / "minimal.csv").read_text().splitlines()
    assert lines[0] == ",".join(["frame", "success", *INTENSITIES])
    assert lines[1].startswith("0,True,")
    assert len(lines) == FRAMES + 1


def test_without_calc_params_there_is_nothing(weights):
    with pytest.raises(UsageError, match="CalcParams"):
        FullPythonAUPipeline("a", "b", "c", "d", "e", use_calc_params=False)


def test_frame_by_frame_is_the_same_method(pipeline, table):
    pipeline.reset()
    with open_source(CLIP) as source:
        records = [pipeline.process_frame(frame.image, detect=frame.index % 30 == 0) for frame in source]
    sequence = AUSequence(pipeline.plan.load_bank())
    for record in records:
        sequence.append(descriptor_of(record.views[0]).hog, descriptor_of(record.views[0]).geometry)
    np.testing.assert_array_equal(sequence.finish().intensity, table[INTENSITIES].to_numpy())


def test_a_frame_must_be_a_frame(pipeline):
    with pytest.raises(FrameError, match="uint8"):
        pipeline.process_frame(np.zeros((20, 20, 3)))


def test_a_flipped_recording_has_its_sides_swapped_back(weights, tmp_path):
    import av

    flipped = tmp_path / "selfie.mp4"
    with open_source(CLIP.with_name("smile_left.mp4")) as source, av.open(str(flipped), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = source.info.width, source.info.height, "yuv420p"
        for frame in source:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.image[:, ::-1]), format="bgr24")))
        container.mux(stream.encode())

    def corner_heights(path, *, flipped_input):
        found = AUPipeline("hybrid", weights_dir=weights, flipped_input=flipped_input).process_video(path)
        held, rest = found.iloc[26:30].mean(), found.iloc[:8].mean()
        return rest["y_48"] - held["y_48"], rest["y_54"] - held["y_54"]  # how far the subject's right and left corner rise, px

    right, left = corner_heights(CLIP.with_name("smile_left.mp4"), flipped_input=False)
    assert left > right + 3.0, "the subject's left corner is landmark 54"
    right, left = corner_heights(flipped, flipped_input=False)
    assert right > left + 3.0
    right, left = corner_heights(flipped, flipped_input=True)
    assert left > right + 3.0


def test_open_profile_measures_without_openface(weights):
    pipeline = AUPipeline("open", weights_dir=weights)
    found = pipeline.process_video(CLIP)
    assert found["success"].eq(1).all()
    assert found[["x_30", "pose_Tz", "p_scale"]].notna().all(axis=None)
    empty = [f"{au}_r" for au in pipeline.plan.left_empty("dynamic")]
    assert "AU05_r" in empty
    assert found[["AU18_r", "AU34_r"]].notna().all(axis=None)
    assert found[empty].isna().all(axis=None)
    assert found[[name for name in INTENSITIES if name not in empty]].notna().all(axis=None)
    held, rest = found.iloc[26:30].mean(), found.iloc[:8].mean()
    assert held["AU12_r"] > 1.5, "a smile of both sides"
    assert rest["AU12_r"] < 0.3
    assert pipeline.plan.bank == "face-mirror-au open bank"


def test_another_open_bank_can_be_named(weights, tmp_path):
    other = tmp_path / "mine.npz"
    with np.load(open_models.BANK) as archive:
        arrays = {name: archive[name] for name in archive.files if name != "description"}
    for name in ("dynamic", "network_last"):
        arrays[name] = arrays[name] * np.float32(0.5)
    write_open_bank(other, {"name": "mine", "version": "7"}, arrays)
    tables = [AUPipeline(weights_dir=weights, au_bank=bank).process_video(CLIP, max_frames=24) for bank in (other, open_models.BANK)]
    raised = [table["AU12_r"].max() for table in tables]
    assert raised[0] == pytest.approx(raised[1] / 2, abs=0.02)
    with pytest.raises(UsageError, match="au_bank is for profile open"):
        AUPipeline("hybrid", weights_dir=weights, au_bank=other)


def test_a_missing_model_file_is_told_when_the_pipeline_is_made(tmp_path):
    with pytest.raises(WeightsError, match=r"retinaface: '.*none\.onnx' does not exist"):
        FullPythonAUPipeline(tmp_path / "none.onnx", *("x" for _ in range(4)))


def test_a_missing_video_is_one_clear_error(pipeline, tmp_path):
    with pytest.raises(VideoError, match=r"none\.mp4"):
        pipeline.process_video(tmp_path / "none.mp4")


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = face_mirror_au.nothing


def _with_broken_opencv(tmp_path, weights, *command):
    fake = tmp_path / "cv2"
    fake.mkdir()
    (fake / "__init__.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')\n")
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "FACE_MIRROR_AU_WEIGHTS": str(weights)},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )


@pytest.mark.parametrize("workers", ["0", "1"])
def test_opencv_without_libgl_is_one_line_with_both_remedies(tmp_path, shared_file, workers):
    command = ("-m", "face_mirror_au", "run", str(CLIP), "-o", str(tmp_path / "out"), "--workers", workers, "--quiet")
    found = _with_broken_opencv(tmp_path, shared_file("weights"), *command)
    assert found.returncode == 1
    message = found.stderr.strip()
    assert "\n" not in message
    assert "libGL.so.1" in message
    assert "apt-get install libgl1" in message
    assert "opencv-python-headless==" in message


def test_opencv_without_libgl_in_the_api(tmp_path, shared_file):
    script = textwrap.dedent(f"""
        import face_mirror_au, face_mirror_au.errors as errors
        try:
            face_mirror_au.AUPipeline().process_video({str(CLIP)!r})
        except errors.OpenCVMissingError as error:
            print("told:", error)
    """)
    found = _with_broken_opencv(tmp_path, shared_file("weights"), "-c", script)
    assert found.stdout.startswith("told: OpenCV cannot be loaded (libGL.so.1")
