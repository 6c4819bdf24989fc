"""What the application gets back: its own objects and its own errors, whatever happens on our side."""

from __future__ import annotations

import subprocess
import sys
import types

import numpy as np
import pytest

from face_mirror_au.integrations.binding import bound, wrap_action_units, wrap_detector, wrap_loop
from face_mirror_au.integrations.face_mirror import HostPlugin, report_lines

FRAME = np.zeros((8, 8, 3), np.uint8)


class BrokenRunner:
    """Fails at everything."""

    def __getattr__(self, name):
        raise ValueError(f"no {name} today")


class Detector:
    def get_face_mesh(self, frame, detection_interval=30):
        return np.zeros((68, 2), np.int32), {"interval": detection_interval}


def loop_module(outputs=None, error=None):
    """A module like the application's, its results given."""
    module = types.ModuleType("video_processor")

    class VideoProcessor:
        def __init__(self):
            self.landmark_detector = Detector()

        def _process_frame_batch(self, frame_data):
            self.landmark_detector.get_face_mesh(frame_data[1])
            return outputs

        def process_video(self, input_path, output_dir):
            if error is not None:
                raise error
            return [self._process_frame_batch((index, FRAME)) for index in range(3)]

    module.VideoProcessor = VideoProcessor
    return module


def test_results_are_the_same_objects_when_everything_of_ours_fails(tmp_path, monkeypatch):
    outputs = (0, FRAME, FRAME, FRAME)
    module = loop_module(outputs)
    plugin = HostPlugin(BrokenRunner())
    wrap_loop(module, plugin)
    for name in ("_begin_frame", "_read_landmarks", "_end"):
        monkeypatch.setattr(plugin, name, lambda *_: 1 / 0)
    done = module.VideoProcessor().process_video(str(tmp_path / "a.mp4"), str(tmp_path / "out"))
    assert all(found is outputs for found in done)
    assert plugin.problems["could not take a frame: ZeroDivisionError: division by zero"] == 3
    assert any("3 times: could not take a frame" in line for line in report_lines(plugin))


def test_its_own_errors_reach_it(tmp_path):
    error = RuntimeError("the encoder is gone")
    module = loop_module(error=error)
    wrap_loop(module, HostPlugin(BrokenRunner()))
    with pytest.raises(RuntimeError) as caught:
        module.VideoProcessor().process_video(str(tmp_path / "a.mp4"), str(tmp_path / "out"))
    assert caught.value is error


def test_a_detector_is_heard_and_let_go():
    heard = []

    class Listener:
        def landmarks_found(self, frame, found):
            heard.append((frame, found))

    processor = types.SimpleNamespace(anything=3, finder=Detector())
    silence = wrap_detector(processor, Listener())
    points, info = processor.finder.get_face_mesh(FRAME, detection_interval=7)
    assert info == {"interval": 7}
    assert heard[0][0] is FRAME
    assert heard[0][1][0] is points
    silence()
    processor.finder.get_face_mesh(FRAME)
    assert len(heard) == 1
    assert "get_face_mesh" not in vars(processor.finder)


def test_a_processor_without_detector_is_not_followed(tmp_path):
    plugin = HostPlugin(BrokenRunner())
    assert plugin.video_begins(types.SimpleNamespace(), "a.mp4", "out") is None
    assert any("no detector" in problem for problem in plugin.problems)


@pytest.mark.parametrize(("rows", "expected"), [(12, 12), (None, 99)])
def test_the_au_stage_is_left_out_only_when_the_table_is_there(rows, expected):
    module = types.ModuleType("openface_integration")

    class Processor:
        __module__ = "openface_integration"

        def process_video(self, video_path, output_csv=None, progress_callback=None):
            return 99

    module.Processor = Processor
    asked = []

    class Listener:
        def action_units_wanted(self, *given):
            asked.append(given)
            return rows if given[0] is not None else None

    wrap_action_units(module, Listener())
    assert Processor().process_video("v.mp4", output_csv="v.csv") == expected
    assert asked == [("v.mp4", "v.csv", None)]
    with pytest.raises(TypeError, match="unexpected keyword"):
        Processor().process_video("v.mp4", colour="red")


def test_modules_are_bound_when_they_are_imported(tmp_path, monkeypatch):
    (tmp_path / "video_processor.py").write_text("class Nothing: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "video_processor", raising=False)
    plugin = HostPlugin(BrokenRunner())
    with bound(plugin):
        import video_processor

        assert video_processor.Nothing.__module__ == "video_processor"
    monkeypatch.delitem(sys.modules, "video_processor")
    assert [problem for problem in plugin.problems if "video_processor.VideoProcessor" in problem]


def test_nothing_that_is_unsafe_to_fork_after_is_loaded_before_the_workers():
    modules = ("face_mirror", "host_runner", "host_video", "serving", "forms", "mirrored_files")
    imports = "; ".join(f"import face_mirror_au.integrations.{name}" for name in modules)
    found = "print([name for name in ('cv2', 'av', 'onnxruntime', 'torch') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"import sys; {imports}; {found}"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
