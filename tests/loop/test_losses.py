"""The rules after a loss, without processes."""

from __future__ import annotations

import pytest

from face_mirror_au.loop.losses import LossRules, loss_reason


def lose(rules, device="cpu", frame=5, ready=True):
    return rules.worker_lost(device, ready=ready, frame=frame, reason="it died")


def test_losses_on_different_frames_give_up_none():
    rules = LossRules("cpu")
    assert {lose(rules, frame=frame) for frame in range(50)} == {"replaced"}
    assert not rules.given_up


def test_a_device_is_given_up_for_good():
    rules = LossRules("cuda")
    assert [lose(rules, "cuda"), lose(rules, "cuda")] == ["replaced", "replaced on CPU"]
    rules.new_video()
    assert rules.device == "cpu"
    assert not rules.given_up, "losses on the device say nothing of the frame"


def test_frames_are_counted_per_video():
    rules = LossRules("cpu")
    lose(rules), lose(rules)
    rules.new_video()
    assert lose(rules) == "replaced"


def test_failed_starts_in_a_row():
    rules = LossRules("cpu")
    for _ in range(2):
        lose(rules, ready=False, frame=None)
    rules.worker_ready()
    for _ in range(2):
        lose(rules, ready=False, frame=None)
    assert not rules.hopeless
    lose(rules, ready=False, frame=None)
    assert rules.hopeless


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [("died", -9, "signal 9"), ("died", 3, "exit code 3"), ("died", None, "died on this frame"), ("hung", None, "more than 60 s")],
)
def test_reasons(kind, code, text):
    assert text in loss_reason(kind, code, 60.0)
