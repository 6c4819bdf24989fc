"""Which side moves less: named only beyond its error, never against another measure, and swapped when the face is mirrored."""

from __future__ import annotations

import numpy as np
import pytest

from face_mirror_au.asymmetry.answers import answer_recording
from face_mirror_au.asymmetry.landmarks import Millimetres
from face_mirror_au.asymmetry.recording import Recording, TwoSides
from face_mirror_au.asymmetry.whole import Lengths
from face_mirror_au.records import ALL_AUS

N = 30
RISE = np.concatenate([np.zeros(10), np.linspace(0, 1, 10), np.zeros(10)])
ERRORS = dict.fromkeys(ALL_AUS, 0.4)


def sides(**peaks):
    """Each action unit rises once, to (left, right)."""
    both = [np.zeros((N, len(ALL_AUS))) for _ in range(2)]
    for au, values in peaks.items():
        for side, value in zip(both, values, strict=True):
            side[:, ALL_AUS.index(au)] = value * RISE
    return TwoSides(*both, np.ones(N, bool), np.ones(N, bool))


def recording(unmirrored=None, mirrored=None, yaw=0.0, errors=ERRORS):
    given = {"mirrored": mirrored, "unmirrored": unmirrored}
    return Recording(
        time_s=np.arange(N) / 30.0,
        sides={key: each for key, each in given.items() if each is not None},
        measured={},
        yaw_deg=np.full(N, yaw),
        side_errors=errors,
    )


def answer(*args, lengths=None, au="AU12", **kwargs):
    return answer_recording(recording(*args, **kwargs), lengths).units[au]


@pytest.mark.parametrize(
    ("left", "right", "weaker"),
    [
        (3.0, 1.0, "right"),
        (1.0, 3.0, "left"),
        (2.0, 2.05, "alike"),
        (0.3, 0.1, "too little"),
        (2.0, 1.8, "unclear"),
    ],
)
def test_a_side_only_beyond_its_error(left, right, weaker):
    found = answer(sides(AU12=(left, right)))
    assert found.weaker == weaker
    assert found.error == 0.4
    assert bool(found.why) is (weaker == "unclear")


def test_mirroring_the_face_swaps_every_answer():
    peaks = {"AU12": (3.0, 1.0), "AU01": (0.4, 2.0), "AU09": (1.0, 1.02), "AU45": (2.0, 1.7)}
    there = answer_recording(recording(sides(**peaks)), None)
    back = answer_recording(recording(sides(**{au: pair[::-1] for au, pair in peaks.items()})), None)
    other = {"left": "right", "right": "left"}
    for of in ("units", "zones"):
        found, swapped = getattr(there, of), getattr(back, of)
        assert {key: other.get(each.weaker, each.weaker) for key, each in found.items()} == {
            key: each.weaker for key, each in swapped.items()
        }
        assert {key: (each.error, each.why) for key, each in found.items()} == {
            key: (each.error, each.why) for key, each in swapped.items()
        }
    assert there.units["AU12"].weaker == "right"


def test_the_mirrored_views_may_contradict_but_not_decide():
    strong, weak = sides(AU12=(3.0, 1.0)), sides(AU12=(1.0, 3.0))
    assert answer(strong, weak).why == "the mirrored views say the other side"
    assert answer(strong, sides(AU12=(2.0, 2.1))).weaker == "right"


def test_mirrored_views_alone_have_twice_the_error():
    assert answer(None, sides(AU12=(3.0, 1.0))).error == 0.8
    assert answer(None, sides(AU12=(3.0, 2.3))).weaker == "unclear"


def test_lengths_may_contradict():
    left, right = np.zeros((N, 3)), np.zeros((N, 3))
    right[15] = 0.2
    lengths = Lengths("unmirrored", left, right, (), {}, Millimetres())
    assert answer(sides(AU12=(3.0, 1.0)), lengths=lengths).why == "the lengths say the other side"
    assert answer(sides(AU12=(1.0, 3.0)), lengths=lengths).weaker == "left"


def test_a_turned_head_and_models_of_unknown_error_give_no_side():
    peaks = sides(AU12=(3.0, 0.5))
    assert answer(peaks, yaw=-20.0).why == "the head was turned by 20 degrees"
    assert answer(peaks, yaw=15.0).weaker == "right"
    unknown = answer(peaks, errors={})
    assert (unknown.weaker, unknown.error) == ("unclear", None)
    assert unknown.why == "nobody has measured how large the error of these AU models is"


def test_peaks_of_two_movements_are_not_compared():
    peaks = sides(AU12=(3.0, 1.0))
    peaks.right[:, ALL_AUS.index("AU12")] = np.roll(peaks.right[:, ALL_AUS.index("AU12")], -19)
    assert answer(peaks).why == "the two sides moved at different moments"


def test_a_zone_answers_by_the_unit_that_differs_most_beyond_its_error():
    units = {"AU12": (3.0, 1.0), "AU25": (2.0, 2.02)}
    zone = answer_recording(recording(sides(**units)), None).zones["mouth"]
    assert (zone.weaker, zone.au) == ("right", "AU12")
    # Of several, one is beyond its error by chance now and then: 0.45 of an error of 0.4.
    hardly = answer_recording(recording(sides(AU12=(3.0, 2.55), AU25=(2.0, 2.02))), None).zones["mouth"]
    assert (hardly.weaker, hardly.why) == ("unclear", "the difference of AU12 is hardly larger than its error")
    nothing = answer_recording(recording(sides(AU12=(0.2, 0.1))), None).zones["mouth"]
    assert nothing.weaker == "too little"


def test_the_answer_of_a_movement_is_of_its_frames_alone():
    peaks = sides(AU12=(3.0, 1.0))
    inside = np.zeros(N, bool)
    inside[:8] = True
    assert answer_recording(recording(peaks), None, inside).units["AU12"].weaker == "too little"


def test_a_unit_of_unknown_error_does_not_keep_a_zone_from_its_answer():
    blink = sides(AU45=(2.0, 0.5), AU07=(0.5, 2.0))
    zone = answer_recording(recording(blink, errors={"AU45": 0.4}), None).zones["eye"]
    assert (zone.weaker, zone.au) == ("right", "AU45")
    assert answer_recording(recording(blink, errors={}), None).zones["eye"].error is None
