"""Each hook: what it gets, who is asked first, and what an exception does. A hook x needs a test test_x or test_x__something here."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hook_records import BOX, DETECTION, FACE, FRAME, LOCATED, LOSS, POINTS, RESULT, SESSION, SUMMARY, VALUES, VIDEO, WORKER

from face_mirror_hooks import PluginManager, hookimpl
from face_mirror_hooks.errors import PluginError
from face_mirror_hooks.records import Detection, Located, PluginFailure, View


def _plugin(**methods):
    """A plugin with the given implementations, each decorated."""
    return type("Plugin", (), {name: staticmethod(hookimpl(method)) for name, method in methods.items()})()


def _raises(*_):
    raise ValueError("no")


@pytest.fixture
def manager() -> PluginManager:
    return PluginManager()


class Recorder:
    """Keeps what it gets from the hooks that every plugin is called for."""

    def __init__(self, name, calls):
        self.name, self.calls = name, calls

    @hookimpl
    def before_session(self, session):
        self.calls.append((self.name, session))

    @hookimpl
    def after_session(self, session):
        self.calls.append((self.name, session))

    @hookimpl
    def before_video(self, video):
        self.calls.append((self.name, video))

    @hookimpl
    def after_video(self, video, summary):
        self.calls.append((self.name, video, summary))

    @hookimpl
    def on_video_error(self, video, reason):
        self.calls.append((self.name, video, reason))

    @hookimpl
    def after_frame(self, result):
        self.calls.append((self.name, result))

    @hookimpl
    def after_values(self, frame, values):
        self.calls.append((self.name, frame, values))

    @hookimpl
    def after_result(self, folder, metadata):
        self.calls.append((self.name, folder, metadata))

    @hookimpl
    def on_frame_error(self, index, time_s, reason):
        self.calls.append((self.name, index, time_s, reason))

    @hookimpl
    def on_worker_lost(self, loss):
        self.calls.append((self.name, loss))

    @hookimpl
    def after_worker_start(self, worker):
        self.calls.append((self.name, worker))

    @hookimpl
    def before_video_in_worker(self, video):
        self.calls.append((self.name, video))


PARENT_HOOKS = {
    "before_session": {"session": SESSION},
    "after_session": {"session": SESSION},
    "before_video": {"video": VIDEO},
    "after_video": {"video": VIDEO, "summary": SUMMARY},
    "on_video_error": {"video": VIDEO, "reason": "cut off"},
    "after_frame": {"result": RESULT},
    "after_values": {"frame": RESULT, "values": {View.ORIGINAL: VALUES}},
    "after_result": {"folder": Path("results/clip"), "metadata": {"frames": {"decoded": 3}}},
    "on_frame_error": {"index": 7, "time_s": 0.28, "reason": "damaged"},
    "on_worker_lost": {"loss": LOSS},
}
WORKER_HOOKS = {"after_worker_start": {"worker": WORKER}, "before_video_in_worker": {"video": VIDEO}}


@pytest.mark.parametrize("hook", [*PARENT_HOOKS, *WORKER_HOOKS])
def test_an_exception_stops_nobody_else(manager, hook):
    arguments = (PARENT_HOOKS | WORKER_HOOKS)[hook]
    calls = []
    manager.register(Recorder("first", calls), "first")
    manager.register(_plugin(**{hook: _raises}), "broken")
    manager.register(Recorder("last", calls), "last")
    failures = getattr(manager, hook)(**arguments) or manager.take_failures()
    # The last registered is called first, and all get the same.
    assert calls == [("last", *arguments.values()), ("first", *arguments.values())]
    assert failures == (PluginFailure("broken", hook, "ValueError: no"),)
    assert manager.take_failures() == ()


def test_before_session(manager):
    # Who raises is out until after_session, which it still gets.
    calls = []
    manager.register(
        _plugin(
            before_session=_raises,
            before_video=lambda: calls.append("before_video"),
            after_frame=lambda: calls.append("after_frame"),
            on_video_error=lambda: calls.append("on_video_error"),
            after_session=lambda: calls.append("after_session"),
        ),
        "p",
    )
    manager.before_session(SESSION)
    manager.before_video(VIDEO)
    manager.after_frame(RESULT)
    manager.after_video(VIDEO, SUMMARY)
    manager.after_session(SESSION)
    assert calls == ["after_session"]


def test_after_session(manager):
    # A new session begins afresh, whatever happened in the one before.
    calls = []
    manager.register(_plugin(before_session=lambda: calls.append("before") or _raises(), after_session=_raises), "p")
    for _ in range(2):
        manager.before_session(SESSION)
        manager.after_session(SESSION)
    assert calls == ["before", "before"]
    assert [failure.hook for failure in manager.take_failures()] == ["before_session", "after_session"] * 2


def test_before_video(manager):
    # Who raises gets nothing of this video but on_video_error.
    calls = []
    manager.register(
        _plugin(
            before_video=lambda video: _raises() if video.number == 0 else None,
            after_frame=lambda result: calls.append("after_frame"),
            after_video=lambda video: calls.append("after_video"),
            on_video_error=lambda video, reason: calls.append(reason),
        ),
        "p",
    )
    manager.before_video(VIDEO)
    manager.after_frame(RESULT)
    manager.after_video(VIDEO, SUMMARY)
    assert calls == ["plugin p failed in before_video: ValueError: no"]


def test_after_video__a_failed_plugin_is_told_of_an_error_instead(manager):
    # A plugin that missed a frame must not take its file for complete.
    calls = []
    broken = _plugin(
        after_frame=lambda result: calls.append(("frame", result.index)) or _raises(),
        after_video=lambda: calls.append("complete"),
        on_video_error=lambda video, reason: calls.append((video.label, reason)),
    )
    manager.register(broken, "p")
    sound = []
    manager.register(_plugin(after_video=lambda: sound.append("complete"), on_video_error=lambda: sound.append("error")), "q")
    for _ in range(2):
        manager.before_video(VIDEO)
        manager.after_frame(RESULT)
        manager.after_frame(RESULT)
        manager.after_video(VIDEO, SUMMARY)
    # Once per video: the second video began afresh.
    assert calls == [("frame", 7), ("clip", "plugin p failed in after_frame: ValueError: no")] * 2
    assert sound == ["complete"] * 2


def test_on_video_error(manager):
    calls = []
    manager.register(_plugin(after_frame=_raises, on_video_error=lambda video, reason: calls.append((video.label, reason))), "p")
    manager.before_video(VIDEO)
    manager.after_frame(RESULT)
    manager.on_video_error(VIDEO, "cut off")
    assert calls == [("clip", "cut off")]


def test_after_frame(manager):
    calls = []
    manager.register(_plugin(after_frame=lambda result: calls.append(result.index)), "p")
    manager.after_frame(RESULT)
    assert calls == [7]


def test_on_frame_error(manager):
    # A plugin that raises here misses the rest of the video.
    calls = []
    manager.register(_plugin(on_frame_error=_raises, after_frame=lambda: calls.append(1)), "p")
    manager.on_frame_error(7, 0.28, "damaged")
    manager.after_frame(RESULT)
    assert calls == []


def test_on_worker_lost(manager):
    calls = []
    manager.register(_plugin(on_worker_lost=lambda loss: calls.append(loss.exit_code)), "p")
    manager.on_worker_lost(LOSS)
    assert calls == [-11]


def test_on_worker_lost__between_two_videos(manager):
    # A failure before a video does not count in it.
    calls = []
    manager.register(_plugin(on_worker_lost=_raises, after_frame=lambda result: calls.append(result.index)), "p")
    manager.on_worker_lost(LOSS)
    manager.before_video(VIDEO)
    manager.after_frame(RESULT)
    assert calls == [7]


def test_draw_overlay(manager):
    def scribble(canvas):
        canvas[:] = 255
        _raises()

    def draw(value):
        def fill(canvas, result):
            canvas[value, 0] = result.index

        return fill

    manager.register(_plugin(draw_overlay=draw(0)), "first")
    manager.register(_plugin(draw_overlay=scribble), "broken")
    manager.register(_plugin(draw_overlay=draw(1)), "last")
    expected = np.zeros((4, 4, 3), np.uint8)
    expected[:2, 0] = RESULT.index
    for _ in range(2):
        canvas = np.zeros((4, 4, 3), np.uint8)
        manager.draw_overlay(canvas, RESULT)
        assert np.array_equal(canvas, expected)
    assert [failure.plugin for failure in manager.take_failures()] == ["broken"]


def test_after_worker_start__a_plugin_that_is_not_ready_is_not_replaced(manager):
    # Otherwise the result would depend on which worker had the frame.
    manager.register(_plugin(detect_faces=lambda: [DETECTION]), "other")
    manager.register(_plugin(after_worker_start=_raises, detect_faces=lambda: (), describe_face=lambda: 1), "p")
    failure = PluginFailure("p", "after_worker_start", "ValueError: no")
    manager.after_worker_start(WORKER)
    manager.before_video_in_worker(VIDEO)
    with pytest.raises(PluginError) as caught:
        manager.detect_faces(FRAME)
    assert caught.value.failure == failure
    assert manager.describe_face(FRAME, FACE, View.ORIGINAL) == {"p": failure}


def test_before_video_in_worker__lasts_for_that_video(manager):
    states = iter([True, False])
    manager.register(_plugin(before_video_in_worker=lambda: _raises() if next(states) else None, describe_face=lambda: 1), "p")
    manager.before_video_in_worker(VIDEO)
    assert isinstance(manager.describe_face(FRAME, FACE, View.ORIGINAL)["p"], PluginFailure)
    manager.before_video_in_worker(VIDEO)
    assert manager.describe_face(FRAME, FACE, View.ORIGINAL) == {"p": 1}


def test_detect_faces(manager):
    # The last registered is asked first; None passes on, an empty list does not.
    asked = []
    manager.register(_plugin(detect_faces=lambda: asked.append("a") or [DETECTION]), "a")
    manager.register(_plugin(detect_faces=lambda: asked.append("b") or []), "b")
    manager.register(_plugin(detect_faces=lambda frame: asked.append(frame.index)), "c")
    answer = manager.detect_faces(FRAME)
    assert asked == [7, "b"]
    assert (answer.plugin, answer.value) == ("b", ())


def test_detect_faces__nobody(manager):
    manager.register(_plugin(detect_faces=lambda: None), "p")
    assert manager.detect_faces(FRAME) is None


def test_detect_faces__tryfirst_and_trylast(manager):
    order = []

    class First:
        @hookimpl(tryfirst=True)
        def detect_faces(self):
            order.append("first")

    class Last:
        @hookimpl(trylast=True)
        def detect_faces(self):
            order.append("last")

    manager.register(First(), "first")
    manager.register(_plugin(detect_faces=lambda: order.append("plain")), "plain")
    manager.register(Last(), "last")
    manager.detect_faces(FRAME)
    assert order == ["first", "plain", "last"]


def test_detect_faces__an_exception_fails_the_frame(manager):
    manager.register(_plugin(detect_faces=lambda: [DETECTION]), "other")
    manager.register(_plugin(detect_faces=_raises), "broken")
    with pytest.raises(PluginError, match="plugin broken failed in detect_faces: ValueError: no"):
        manager.detect_faces(FRAME)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (DETECTION, "must return a sequence of Detection, not Detection"),
        ([BOX], "not of ndarray"),
        ([Detection(BOX.astype(float), 1.0, np.zeros((0, 2), np.float32))], r"\(4,\) float32, got \(4,\) float64"),
        ([Detection(BOX[::-1].copy(), 1.0, np.zeros((0, 2), np.float32))], "x1 < x2"),
        ([Detection(np.full(4, np.nan, np.float32), 1.0, np.zeros((0, 2), np.float32))], "not finite"),
    ],
)
def test_detect_faces__is_checked(manager, returned, message):
    manager.register(_plugin(detect_faces=lambda: returned), "p")
    with pytest.raises(PluginError, match=message):
        manager.detect_faces(FRAME)


def test_locate_landmarks(manager):
    got = []
    manager.register(_plugin(locate_landmarks=lambda: LOCATED), "a")
    manager.register(_plugin(locate_landmarks=lambda frame, view, near: got.append((frame.index, view, near))), "b")
    answer = manager.locate_landmarks(FRAME, View.LEFT_MIRRORED, DETECTION)
    assert (answer.plugin, answer.value) == ("a", LOCATED)
    assert got == [(7, View.LEFT_MIRRORED, DETECTION)]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (POINTS, "must return a Located, not ndarray"),
        (Located(np.zeros((98, 2), np.int32), 1.0), r"\(68, 2\) float32, got \(98, 2\) int32"),
        (Located(np.full((68, 2), np.inf, np.float32), 1.0), "not finite"),
        (Located([], 1.0), "got list"),
    ],
)
def test_locate_landmarks__is_checked(manager, returned, message):
    manager.register(_plugin(locate_landmarks=lambda: returned), "p")
    with pytest.raises(PluginError, match=message):
        manager.locate_landmarks(FRAME, View.ORIGINAL, LOCATED)


def test_describe_face(manager):
    manager.register(_plugin(describe_face=lambda frame, face, view: (frame.index, face.source, view)), "sound")
    manager.register(_plugin(describe_face=_raises), "broken")
    manager.register(_plugin(describe_face=lambda: None), "silent")
    manager.register(_plugin(describe_face=lambda: [threading.Lock()]), "unpicklable")
    described = manager.describe_face(FRAME, FACE, View.RIGHT_MIRRORED)
    assert described.keys() == {"sound", "broken", "unpicklable"}
    assert described["sound"] == (7, "pfld", View.RIGHT_MIRRORED)
    assert described["broken"] == PluginFailure("broken", "describe_face", "ValueError: no")
    assert "pickle" in described["unpicklable"].message


@pytest.mark.parametrize("hook", ["detect_faces", "locate_landmarks", "describe_face"])
def test_pictures_cannot_be_written_on(manager, hook):
    def blacken(frame):
        frame.image[:] = 0

    manager.register(_plugin(**{hook: blacken}), "p")
    before = FRAME.image.copy()
    arguments = {"detect_faces": (), "locate_landmarks": (View.ORIGINAL, DETECTION), "describe_face": (FACE, View.ORIGINAL)}[hook]
    try:
        failed = "p" in getattr(manager, hook)(FRAME, *arguments)
    except PluginError:
        failed = True
    assert failed
    assert np.array_equal(FRAME.image, before)
    assert FRAME.image.flags.writeable


def test_a_traceback_is_logged_once_for_each_plugin_and_hook(manager, caplog):
    manager.register(_plugin(describe_face=_raises), "broken")
    for _ in range(3):
        manager.describe_face(FRAME, FACE, View.ORIGINAL)
    assert [record.message for record in caplog.records] == ["plugin broken failed in describe_face: ValueError: no"]
    assert "Traceback" in caplog.text


def test_keyboard_interrupt_is_not_caught(manager):
    def interrupt():
        raise KeyboardInterrupt

    manager.register(_plugin(after_frame=interrupt), "p")
    with pytest.raises(KeyboardInterrupt):
        manager.after_frame(RESULT)


def test_after_values(manager):
    # Who raises is out of this video, and of nothing else.
    seen = []
    manager.register(_plugin(after_values=lambda values: seen.append(values[View.ORIGINAL].sides[1, 16]), after_result=_raises), "kept")
    manager.register(_plugin(after_values=_raises, after_frame=lambda: seen.append("broken")), "broken")
    for _ in range(2):
        manager.before_video(VIDEO)
        manager.after_frame(RESULT)
        manager.after_values(RESULT, {View.ORIGINAL: VALUES})
        manager.after_frame(RESULT)
        manager.after_video(VIDEO, SUMMARY)
    assert seen == ["broken", 50.0] * 2
    assert len(manager.take_failures()) == 2


def test_after_result__errors_are_counted(manager):
    calls = []
    manager.register(_plugin(after_result=_raises, before_video=lambda: calls.append("before_video")), "broken")
    manager.register(_plugin(after_result=lambda folder: calls.append(("p", folder))), "p")
    manager.after_result(Path("a"), {})
    manager.before_video(VIDEO)
    assert calls == [("p", Path("a")), "before_video"]
    assert [failure.hook for failure in manager.take_failures()] == ["after_result"]
