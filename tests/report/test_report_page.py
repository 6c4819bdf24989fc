"""What stands on the page of a run made by hand."""

from __future__ import annotations

import base64
import re
import stat
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from report_folder import BUMP, N, Page, make_run, metadata, values

from face_mirror_au.asymmetry.comparison import compare_sides
from face_mirror_au.asymmetry.measures import measure_asymmetry
from face_mirror_au.errors import UsageError
from face_mirror_au.records import INTENSITY_AUS
from face_mirror_au.report.figures import gaps
from face_mirror_au.report.page import render
from face_mirror_au.report.write import write_report
from face_mirror_au.results.asymmetry import MeasuredResult
from face_mirror_au.results.result import find_result, read_result

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")


def page(folder, stem="p", **options):
    return Page(write_report(folder, stem, **options).read_text(encoding="utf-8"))


def test_numbers_are_those_of_the_measures(tmp_path):
    found = page(make_run(tmp_path))
    expected = compare_sides(np.arange(N) / 10, BUMP, np.round(BUMP / 3, 2))
    assert found.number("AU12", "peak-left") == expected.left.peak == 3.75
    assert found.number("AU12", "peak-right") == expected.right.peak == 1.25
    assert found.number("AU12", "area-left") == pytest.approx(expected.left.area)
    assert found.number("AU12", "area-right") == pytest.approx(expected.right.area)
    assert found.number("AU12", "time-left") == found.number("AU12", "time-right") == 0.5
    assert found.number("AU12", "difference") == pytest.approx(0.5)
    assert found.number("AU12", "ratio") == pytest.approx(1 / 3)
    assert (found.shown("AU12", "peak-left"), found.shown("AU12", "difference"), found.shown("AU12", "ratio")) == ("3.75", "+0.50", "0.33")
    assert found.shown("mouth", "difference") == "+0.50"
    assert found.shown("AU01", "gated") == "too little movement"
    assert ("mirrored", "AU01", "ratio") not in found.numbers


def test_one_sentence_for_each_zone_says_which_side(tmp_path):
    left = values(AU12=BUMP, AU45=BUMP / 4, AU01=BUMP)
    right = values(AU12=BUMP / 3, AU45=BUMP, AU01=BUMP * 0.95)
    said = page(make_run(tmp_path, left=left, right=right)).said_in("glance")
    assert "The mouth moved more on the subject's left: at most 3.75 (AU12 lip corner puller) there, 1.25 (AU12 lip corner puller)" in said
    assert "The eye region moved more on the subject's right: at most 3.75 (AU45 blink) there, 0.94 (AU45 blink) on the left" in said
    assert "The upper face moved about the same on both sides" in said
    assert "The mid-face: too little movement to compare the sides (at most 0.00 on the subject's left, 0.00 on the right)." in said


def test_a_zone_whose_sides_moved_in_different_ways_says_so(tmp_path):
    same = "moved in different ways"
    assert same not in page(make_run(tmp_path / "a")).said
    found = page(make_run(tmp_path / "b", left=values(AU12=BUMP), right=values(AU15=BUMP)))
    assert "The mouth moved about the same on both sides: at most 3.75 (AU12 lip corner puller)" in found.said_in("glance")
    assert same in found.said_in("glance")


def test_what_the_page_must_say(tmp_path):
    said = page(make_run(tmp_path)).said
    for words in (
        "Research use", "Not a medical device", "Healthy faces are not perfectly symmetric", "House-Brackmann", "Sunnybrook",
        "Left and right are the subject's", "(L \N{MINUS SIGN} R) / (L + R)", "min(L, R) / max(L, R)", "below 0.5",
        "hybrid (asked for): BlazeFace found the face, MediaPipe's attention mesh its 68 landmarks", "OpenFace 2.2, version 2.2.0",
        "face-mirror-au 0.1.0", "python 3.12.1", "the median of its frames", "12 frames over 1.10 s",
    ):  # fmt: skip
        assert words in said
    assert "own scale" not in said
    assert "pyfhog" not in said, "what is not installed has no version"


def test_another_banks_scale_is_its_own(tmp_path):
    models = {"profile": "open", "detector": "blazeface", "landmarks": "attention_mesh", "au_bank": "open 1", "au_models": "static"}
    said = page(make_run(tmp_path, models=models, baseline="neutral:0-0.3")).said
    assert "This bank's scale is its own" in said
    assert "open 1" in said
    assert "static models compare with no neutral face" in said


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        ("own", "each view's own neutral face"),
        ("shared", "the original view's neutral face"),
        ("neutral:0-0.3", "the face in seconds 0-0.3"),
    ],
)
def test_what_counted_as_no_movement(tmp_path, baseline, words):
    said = page(make_run(tmp_path, baseline=baseline, settings={"strict": True})).said_in("what")
    assert words in said
    assert "as zeros, as OpenFace does it" in said


def test_landmarks_that_lean_towards_symmetry_are_told(tmp_path):
    said = page(make_run(tmp_path, models={"landmarks": "pfld", "detector": "retinaface", "au_bank": "OpenFace 2.2"})).said
    assert "lean towards symmetry" in said
    assert "RetinaFace found the face, PFLD its 68 landmarks" in said


def test_who_really_located_the_landmarks_is_told(tmp_path):
    models = {"landmarks": "attention_mesh", "detector": "blazeface", "answered": {"landmarks": {"original": {"pfld": 9, "mine": 3}}}}
    said = page(make_run(tmp_path, models=models)).said
    assert "BlazeFace found the face, PFLD and mine its 68 landmarks" in said
    assert "lean towards symmetry" in said


def test_empty_action_units_are_not_zeros(tmp_path):
    found = page(make_run(tmp_path, empty=("AU45", "AU09", "AU10", "AU05")))
    assert found.shown("AU45", "empty") == "not measured by this bank"
    assert ("mirrored", "AU45", "peak-left") not in found.numbers
    assert "The mid-face: not measured by this bank." in found.said_in("glance")
    curves = re.findall(r'data-curves="AU(05|09|10|45)">(.*?)</figure>', found.text, flags=re.DOTALL)
    assert len(curves) == 4
    assert all("not measured by this bank" in inside and "<svg" not in inside for _, inside in curves)
    assert found.shown("AU07", "gated") == "too little movement"


def test_without_any_bank_nothing_is_said_about_movement(tmp_path):
    found = page(make_run(tmp_path, empty=INTENSITY_AUS, models={"profile": "open", "au_bank": "none"}))
    assert "No action units" in found.said_in("glance")
    assert not [key for key in found.numbers if key[2] == "peak-left"]
    assert "moved" not in found.said_in("glance")
    assert "no action unit was measured" in found.said_in("mirrored")


@pytest.mark.parametrize("strict", [False, True])
def test_frames_without_a_face_are_gaps_and_not_zeros(tmp_path, strict):
    left = values(AU12=np.full(N, 2.0))
    found = page(make_run(tmp_path, left=left, right=left, failed=(4, 5), strict=strict))
    assert found.number("AU12", "area-left") == pytest.approx(2.0), "a 0 in the gap would lower it"
    assert found.number("original", "measured", "quality") == 10
    assert found.number("left_mirrored", "failed", "quality") == 2
    assert "no face (2)" in found.said_in("quality")
    assert "In 2 of 12 frames not both sides were measured" in found.said
    whole = page(make_run(tmp_path / "whole", left=left, right=left))
    curve = re.search(r'data-curves="AU12">(.*?)</figure>', found.text, flags=re.DOTALL)[1]
    plain = re.search(r'data-curves="AU12">(.*?)</figure>', whole.text, flags=re.DOTALL)[1]
    assert "#e4e4e4" in curve, "the gap is shaded"
    assert "#e4e4e4" not in plain


def test_without_any_face_the_page_says_so(tmp_path):
    found = page(make_run(tmp_path, failed=tuple(range(N)), problems=["no face in any frame"]))
    assert "The mouth: no frame was measured on both sides." in found.said_in("glance")
    assert "Not whole: no face in any frame" in found.said_in("glance")
    assert "Head pose: not known" in found.said


def test_gaps_are_found_at_both_ends_and_between():
    assert gaps(np.array([False, True, True, False, False, True, False])) == [(0, 0), (3, 4), (6, 6)]
    assert gaps(np.array([True, True])) == []
    assert gaps(np.array([False, False])) == [(0, 1)]


@pytest.mark.parametrize(("yaw", "verdict", "good"), [(-2.0, "good", "100"), (4.0, "acceptable", "0"), (-7.0, "turned too far", "0")])
def test_head_pose_is_judged(tmp_path, yaw, verdict, good):
    said = page(make_run(tmp_path, yaw_deg=yaw)).said_in("quality")
    assert f"Head pose: {verdict}." in said
    assert f"(good) in {good} %" in said
    assert ("turned too far to the side" in page(tmp_path).said_in("glance")) == (verdict == "turned too far")


def test_messages_of_the_run_are_shown(tmp_path):
    found = page(make_run(tmp_path, warnings=["a second face was seen"], notes=["rounded timestamps"], worker_losses=[{}]))
    assert "Warning: a second face was seen" in found.said_in("glance")
    assert "rounded timestamps" in found.said_in("quality")
    assert "workers lost and replaced: 1" in found.said_in("quality")
    assert "rounded timestamps" not in found.said_in("glance")


def test_peaks_of_two_movements_are_marked(tmp_path):
    together, apart = make_run(tmp_path / "a"), make_run(tmp_path / "b", right=values(AU12=np.roll(BUMP, 6)))
    assert "most likely they are not" not in page(together).said
    assert "most likely they are not" in page(apart).said


def test_the_unmirrored_sides_have_their_own_section(tmp_path):
    sides = (values(AU12=BUMP / 5), values(AU12=BUMP))
    found = page(make_run(tmp_path, sides=sides, failed=(0,)))
    assert "The two sides in the unmirrored face" in found.said
    assert found.number("AU12", "peak-left", "unmirrored") == 0.75
    assert found.number("AU12", "peak-right", "unmirrored") == 3.75
    assert found.number("AU12", "difference", "unmirrored") == pytest.approx(-2 / 3)
    assert found.number("AU12", "difference") == pytest.approx(0.5), "and the mirrored ones stay what they are"
    assert "AU17 chin raiser its sides are not told apart in one picture by this bank" in found.said_in("unmirrored")
    assert "moved more on the subject's right" in found.said_in("unmirrored")
    assert "unmirrored" not in page(make_run(tmp_path / "without")).sections


def test_the_unmirrored_sides_alone_make_a_page(tmp_path):
    make_run(tmp_path, sides=(values(AU12=BUMP), values()))
    for side in ("left", "right"):
        (tmp_path / f"p_{side}_mirrored.csv").unlink()
    found = page(tmp_path)
    assert "mirrored" not in found.sections
    assert "The mouth moved more on the subject's left" in found.said_in("glance")


def test_whatever_comes_from_outside_is_text(tmp_path):
    evil = "<script>alert(1)</script>&\"'"
    stem = "<img src=x onerror=alert(1)>"
    models = {"profile": evil, "detector": evil, "landmarks": evil, "au_bank": evil, "reason": evil}
    folder = make_run(tmp_path, stem, warnings=[evil], baseline=evil, models=models, versions={"face-mirror-au": evil},
                      frames={"original": {"reasons": {evil: 1}}}, input={"kind": evil, "sha256": evil})  # fmt: skip
    found = page(folder, stem, pictures={evil: PNG})
    assert not [tag for tag, _ in found.elements if tag == "script"]
    assert [attributes for tag, attributes in found.elements if tag == "img"] == [
        {"src": "data:image/png;base64," + base64.b64encode(PNG).decode(), "alt": evil}
    ]
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert stem in found.said
    assert found.said.count("<script>") >= 8


def drawn(run):
    """The page of a result without movements."""
    return render(MeasuredResult(run, measure_asymmetry(run, ()), ""), {})


def test_names_that_are_no_text_are_written_all_the_same(tmp_path):
    run = replace(read_result(make_run(tmp_path), "p"), stem="a\nb\udcff")
    assert "a?b?" in Page(drawn(run)).said
    assert page(make_run(tmp_path / "lone", warnings=["lone \udcff"])).said


def test_nothing_is_loaded_from_anywhere(tmp_path):
    found = page(make_run(tmp_path, sides=(values(), values())), pictures={"a": PNG})
    for tag, attributes in found.elements:
        for name, value in attributes.items():
            if name in {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}:
                assert value.startswith(("#", "data:")), f"{tag} {name}"
    without = re.sub(r'xmlns(:\w+)?="[^"]*"', "", found.text)
    assert "://" not in without
    assert "@import" not in without
    assert not re.findall(r"url\((?!#)", without)
    assert "default-src 'none'" in found.text
    assert not [tag for tag, _ in found.elements if tag in {"script", "iframe", "object", "embed", "base", "form"}]


def test_the_page_can_be_used_without_eyes_or_mouse(tmp_path):
    found = page(make_run(tmp_path, failed=(3,), sides=(values(AU12=BUMP), values())), pictures={"a caption": PNG})
    assert not found.open, "every element is closed"
    assert found.elements[0][1] == {"lang": "en"}
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for tag, attributes in found.elements if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(ids)
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), "no level is left out"
    assert all("scope" in attributes for tag, attributes in found.elements if tag == "th")
    assert all(attributes["alt"] for tag, attributes in found.elements if tag == "img")
    figures = [attributes for tag, attributes in found.elements if tag == "svg" and "focusable" not in attributes]
    assert figures
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in figures)
    referred = re.findall(r"url\(#([^)]*)\)", found.text) + re.findall(r'xlink:href="#([^"]*)"', found.text)
    assert set(referred) <= set(ids)


def test_sides_differ_by_more_than_colour(tmp_path):
    text = page(make_run(tmp_path)).text
    curve = re.search(r'data-curves="AU12">(.*?)</figure>', text, flags=re.DOTALL)[1]
    left, right = (re.findall(rf"<path[^>]*stroke: {colour}[^>]*>", curve) for colour in ("#00588f", "#b04a00"))
    assert not any("dasharray" in path for path in left)
    assert any("dasharray" in path for path in right)
    assert "<pattern" in text, "the bars of the left side are hatched"


def test_pictures_are_part_of_the_page_or_left_out(tmp_path):
    folder = make_run(tmp_path)
    assert "data:image/png;base64," in page(folder, pictures={"rest": PNG}).text
    assert "data:image/" not in page(folder, pictures={"rest": PNG}, faces=False).text
    assert "data:image/" not in page(folder).text, "no mirrored videos, no pictures"
    with pytest.raises(UsageError, match="must be PNG or JPEG"):
        write_report(folder, "p", pictures={"rest": b"<svg onload='alert(1)'/>"})


def test_the_same_run_gives_the_same_page_whatever_matplotlibs_settings_are(tmp_path):
    import matplotlib as mpl

    folder = make_run(tmp_path)
    first = write_report(folder, "p").read_bytes()
    with mpl.rc_context({"lines.linewidth": 9, "axes.facecolor": "black", "font.size": 30}):
        assert write_report(folder, "p").read_bytes() == first
        assert mpl.rcParams["font.size"] == 30, "and the caller's settings stay"


def test_the_page_is_private(tmp_path):
    path = write_report(*find_result(make_run(tmp_path)))
    assert path.name == "p.report.html"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".writing*"))


def test_a_single_picture_has_no_course_over_time(tmp_path):
    run = read_result(make_run(tmp_path), "p")
    sides = run.sides["mirrored"]
    there = np.ones(1, bool)
    one = replace(sides, left=sides.left[5:6], right=sides.right[5:6], left_success=there, right_success=there)
    run = replace(run, time_s=np.zeros(1), sides={"mirrored": one}, yaw_deg=np.zeros(1))
    found = Page(drawn(run))
    assert found.number("AU12", "peak-left") == 3.75
    assert ("mirrored", "AU12", "area-left") not in found.numbers
    assert "Over time" not in found.said_in("mirrored")
    assert "1 frame over" in found.said


def test_a_long_recording_makes_no_endless_page(tmp_path):
    run = read_result(make_run(tmp_path), "p")
    n = 20_000
    noise = np.random.default_rng(1).random((n, 17)) * 3
    long = replace(run.sides["mirrored"], left=noise, right=noise[:, ::-1], left_success=np.ones(n, bool), right_success=np.ones(n, bool))
    run = replace(run, time_s=np.arange(n) / 30, sides={"mirrored": long}, yaw_deg=np.zeros(n))
    text = drawn(run)
    assert len(text) < 12_000_000


ERRORS = {"AU12": 0.5, "AU45": 0.3}


def known_errors(**more):
    return metadata()["models"] | {"profile": "open", "au_bank": "face-mirror-au open bank", "side_errors": ERRORS} | more


def test_where_the_error_is_known_the_page_answers_by_the_unmirrored_face(tmp_path):
    unmirrored = values(AU12=BUMP, AU45=BUMP / 2), values(AU12=BUMP / 3, AU45=BUMP / 2)
    found = page(make_run(tmp_path, sides=unmirrored, models=known_errors()))
    said = found.said_in("glance")
    assert (
        "The mouth: the subject's right side is weaker (AU12 lip corner puller: 3.75 on the left, 1.25 on the right, "
        "difference 2.50 ± 0.50)." in said
    )
    assert "The eye region moved about the same on both sides" in said
    assert "moved more" not in said
    assert "what 95 % of faces without a difference show" in said
    assert "From the mirrored halves" not in said


def test_a_contradiction_is_no_answer(tmp_path):
    unmirrored = values(AU12=BUMP / 3), values(AU12=BUMP)
    found = page(make_run(tmp_path, sides=unmirrored, models=known_errors()))
    assert "The mouth: unclear which side moved less" in found.said_in("glance")
    assert "the mirrored views say the other side." in found.said_in("glance")


def test_a_difference_within_its_error_is_said_to_be_none_that_is_seen(tmp_path):
    unmirrored = values(AU12=BUMP), values(AU12=BUMP * 0.9)
    said = page(make_run(tmp_path, sides=unmirrored, models=known_errors(side_errors={"AU12": 0.9}))).said_in("glance")
    assert "The mouth: no difference of the sides beyond its error (AU12 lip corner puller: 3.75 on the left, 3.38 on the right" in said
