"""Two visits side by side: when it is refused, what the page says, what the table holds."""

from __future__ import annotations

import csv
import stat

import numpy as np
import pytest
from report_folder import BUMP, Page, make_run, metadata, values
from typer.testing import CliRunner

from face_mirror_au.asymmetry.comparison import compare_zone
from face_mirror_au.asymmetry.zones import ZONES
from face_mirror_au.cli.app import app
from face_mirror_au.errors import ResultError, UsageError
from face_mirror_au.records import INTENSITY_AUS
from face_mirror_au.report.change_words import zone_change_sentence
from face_mirror_au.report.compare import write_comparison

MOUTH = next(zone for zone in ZONES if zone.key == "mouth")
OPENFACE = metadata()["models"]


def visit(folder, name, left=1.0, right=1 / 3, **changes):
    """A run whose mouth moved on the left and on the right by so much of the usual curve."""
    source = metadata()["input"] | {"sha256": name * 8}
    return make_run(folder / name, name, left=values(AU12=BUMP * left), right=values(AU12=BUMP * right), **({"input": source} | changes))


def compared(folder, first=None, second=None, **options):
    one, two = visit(folder, "one", **(first or {})), visit(folder, "two", **(second or {}))
    page, table, _ = write_comparison(one, two, folder / "out", **options)
    with table.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    return Page(page.read_text(encoding="utf-8")), {(row["sides"], row["of"], row["measure"]): row for row in rows}


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def sentence(first, second):
    def zone(left, right):
        return compare_zone(MOUTH, np.arange(12) / 10, values(AU12=BUMP * left), values(AU12=BUMP * right))

    return zone_change_sentence(MOUTH, zone(*first), zone(*second))


def test_numbers_of_both_visits_and_the_change_stand_on_the_page_and_in_the_table(tmp_path):
    page, rows = compared(tmp_path, second={"right": 0.6})
    row = rows["mirrored", "AU12", "right"]
    assert (row["visit_1"], row["visit_2"], row["change"], row["note"]) == ("1.25", "2.25", "1.0", "")
    assert page.number("AU12", "first-left") == page.number("AU12", "second-left") == 3.75
    assert page.number("AU12", "change-left") == 0
    assert page.number("AU12", "first-ratio") == pytest.approx(1 / 3)
    assert page.number("mouth", "change-ratio") == pytest.approx(0.6 - 1 / 3)
    assert page.shown("AU12", "change-left") == "0.00", "nothing is +0.00"
    assert page.shown("AU12", "change-right") == "+1.00"
    assert page.shown("AU12", "change-difference") == "-0.25"


def test_left_and_right_stay_what_they_were(tmp_path):
    page, rows = compared(tmp_path, first={"right": 0}, second={"left": 0, "right": 1})
    assert page.number("AU12", "first-left") == page.number("AU12", "second-right") == 3.75
    assert page.number("AU12", "first-difference") == 1
    assert page.number("AU12", "second-difference") == -1
    assert rows["mirrored", "AU12", "difference"]["change"] == "-2.0"
    assert "The weaker side was the subject's right at visit 1 and the left at visit 2." in page.said_in("glance")


def test_what_has_no_number_says_why_and_is_no_zero(tmp_path):
    page, rows = compared(tmp_path, first={"empty": ("AU20",)})
    row = rows["mirrored", "AU20", "left"]
    assert (row["visit_1"], row["change"], row["note"]) == ("", "", "not measured at visit 1")
    row = rows["mirrored", "AU01", "ratio"]
    assert (row["visit_1"], row["visit_2"], row["note"]) == ("", "", "too little movement at visit 1 and 2")
    assert page.numbers["mirrored", "AU01", "change-ratio"][0] is None
    assert "none" in page.shown("AU01", "change-ratio")
    assert "Not drawn, not measured at visit 1: AU20 lip stretcher." in page.said


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ({"profile": "open"}, "different model sets: hybrid at visit 1, open at visit 2"),
        ({"au_bank": "open bank"}, "different AU models: OpenFace 2.2 at visit 1, open bank at visit 2"),
        ({"au_bank_version": "3"}, "different versions of the AU models: 2.2.0 at visit 1, 3 at visit 2"),
        ({"au_models": "static"}, "different kinds of AU models: dynamic at visit 1, static at visit 2"),
        ({"sha256": {"openface-au": "00"}}, "the files of the AU models are not the same"),
    ],
)
def test_other_models_are_refused_in_one_line_and_told_on_the_page_that_is_made_anyway(tmp_path, models, words):
    first, second = visit(tmp_path, "one"), visit(tmp_path, "two", models=OPENFACE | models)
    done = call("compare", first, second, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert "--anyway" in done.stderr
    assert not (tmp_path / "out").exists()

    done = call("compare", first, second, "-o", tmp_path / "out", "--anyway")
    assert done.exit_code == 0, done.output
    assert "warning: " in done.stderr
    assert words in done.stderr
    page = Page((tmp_path / "out" / "compare.html").read_text(encoding="utf-8"))
    assert "These two runs should not be compared." in page.said
    assert words in page.said
    assert page.said.index("should not be compared") < page.said.index("At a glance")
    assert "nothing is said about what moved more or less" in page.said_in("glance")
    assert "Compared with visit 1" not in page.said, "numbers of two scales make no sentence"


def test_the_same_models_are_compared_without_an_alarm(tmp_path):
    page, _ = compared(tmp_path)
    assert "should not be compared" not in page.said
    assert "Before you compare" not in page.said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"baseline": "shared"}, "Different baselines (what counted as no movement): own at visit 1, shared at visit 2."),
        ({"models": OPENFACE | {"landmarks": "pfld"}}, "Different landmark models: attention_mesh at visit 1, pfld at visit 2."),
        ({"models": OPENFACE | {"landmarks": "pfld"}}, "Landmarks of PFLD (visit 2) lean towards symmetry"),
        (
            {"models": OPENFACE | {"answered": {"landmarks": {"original": {"mine": 12}}}}},
            "Different landmark models: attention_mesh at visit 1, mine at visit 2.",
        ),
        ({"models": OPENFACE | {"sha256": {"pfld": "00"}}}, "The files of the face detector or the landmark model are not the same."),
        ({"versions": {"face-mirror-au": "0.2.0"}}, "Different versions of the software: face-mirror-au 0.1.0, then 0.2.0."),
        ({"settings": {"mirror": {"landmarks": "reflect"}}}, "(--mirror-landmarks)"),
        ({"settings": {"mirror": {"redetect": True}}}, "(--redetect)"),
        ({"settings": {"strict": True}}, "(--openface-strict)"),
        ({"input": {"flipped_input": True}}, "The recording of visit 2 was said to be a mirror image, the other one not"),
        ({"input": metadata()["input"] | {"sha256": "one" * 8}}, "Both visits are the same recording."),
        ({"failed": (3, 4)}, "At visit 2 not all frames were measured: 83 % in the picture that has fewest."),
        ({"yaw_deg": 6.0}, "At visit 2 the head was turned too far to the side"),
        ({"yaw_deg": -4.0}, "its turn to the side differs by 5.0° between the visits"),
        ({"sides": (values(AU12=BUMP), values(AU12=BUMP))}, "The two sides in the unmirrored face were measured at visit 2 only"),
        ({"warnings": ["a second face was seen"]}, "What the run of visit 2 had to say"),
    ],
)
def test_what_makes_a_comparison_doubtful_is_told(tmp_path, changes, words):
    page, _ = compared(tmp_path, second=changes)
    assert words in page.said
    assert "should not be compared" not in page.said


def test_the_seconds_of_a_marked_neutral_face_may_differ(tmp_path):
    page, _ = compared(tmp_path, first={"baseline": "neutral:0-0.3"}, second={"baseline": "neutral:0.5-0.9"})
    assert "Different baselines" not in page.said
    assert "the face in seconds 0.5-0.9" in page.said


def test_sides_that_grew_alike_are_called_more_alike_and_never_better():
    said = sentence((1, 0.3), (1, 0.7))
    assert "the two sides were more alike than at visit 1" in said
    assert "reached 30 % of the stronger one at visit 1, 70 % at visit 2" in said
    assert "The weaker side was the subject's right both times." in said
    assert "the subject's left moved about as much (3.75, then 3.75), the subject's right moved more (1.12, then 2.62)" in said
    assert "less alike than" in sentence((1, 0.7), (1, 0.3))
    assert "about as alike as" in sentence((1, 0.7), (1, 0.75))


def test_opposite_sides_are_never_called_alike_in_size():
    said = sentence((1, 0.2), (0.2, 1))
    assert (
        "another side was the weaker one than at visit 1. The weaker side reached 20 % of the stronger one at visit 1, 20 % at visit 2"
        in said
    )
    assert "The weaker side was the subject's right at visit 1 and the left at visit 2." in said
    assert "alike" not in said


def test_a_stronger_side_that_was_held_back_is_no_gain_of_the_weaker_one():
    words = "the stronger one moved less"
    assert words in sentence((1, 0.3), (0.4, 0.3))
    assert words not in sentence((1, 0.3), (1, 0.7))
    assert words not in sentence((1, 0.3), (0.9, 0.7))
    assert words not in sentence((0.4, 0.3), (1, 0.3))


def test_too_little_movement_is_told_for_the_visit_that_it_is_true_of():
    assert "too little movement at both visits to compare the sides (at most 0.38, then 0.19)" in sentence((0.1, 0.1), (0.05, 0))
    said = sentence((0.1, 0.1), (1, 0.5))
    assert "too little movement at visit 1" in said
    assert "At visit 2, the weaker side, the subject's right, reached 50 % of the stronger one" in said
    assert "too little movement at visit 2" in sentence((1, 0.5), (0.1, 0.1))
    assert zone_change_sentence(MOUTH, None, None) == "The mouth: not measured at either visit."


def test_the_page_makes_no_diagnosis(tmp_path):
    page, _ = compared(tmp_path, second={"right": 1})
    assert "Research use. Not a medical device." in page.said
    assert "no House-Brackmann" in page.said
    assert "does not say which visit is better" in page.said
    for word in ("improv", "recover", "worse", "heal "):
        assert word not in page.said.lower()


def test_two_files_for_the_owner_alone_come_out_and_replace_an_earlier_comparison(tmp_path):
    first, second = visit(tmp_path, "one"), visit(tmp_path, "two", right=1)
    done = call("compare", first, second, "-o", tmp_path / "out")
    paths = [tmp_path / "out" / name for name in ("compare.html", "compare.csv")]
    assert done.stdout.split() == [str(path) for path in paths]
    assert sorted((tmp_path / "out").iterdir()) == sorted(paths)
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    before = paths[1].read_bytes()
    assert call("compare", second, first, "-o", tmp_path / "out").exit_code == 0
    assert paths[1].read_bytes() != before


def test_the_same_run_twice_and_runs_without_sides_in_common_are_errors(tmp_path):
    first = visit(tmp_path, "one")
    with pytest.raises(UsageError, match="same run"):
        write_comparison(first, first, tmp_path / "out")
    nothing = visit(tmp_path, "two", empty=INTENSITY_AUS)
    with pytest.raises(ResultError, match="no action unit of two sides in common"):
        write_comparison(first, nothing, tmp_path / "out")
    done = call("compare", first, tmp_path / "nowhere")
    assert done.exit_code == 1
    assert "does not exist" in done.stderr


def test_names_are_text_and_no_path_stands_on_the_page(tmp_path):
    make_run(tmp_path / "a", "<script>alert(1)</script>".replace("/", ""))
    make_run(tmp_path / "b", "two")
    page = write_comparison(tmp_path / "a", tmp_path / "b", tmp_path / "out")[0].read_text(encoding="utf-8")
    assert "<script" not in page
    assert str(tmp_path) not in page
    assert page.count("data:") == 2, "of the icon and the policy: no picture of a face"
