"""Two visits side by side: when it is refused, what the page says, what the table holds."""

from __future__ import annotations

import csv
import re
import stat
from datetime import date

import numpy as np
import pytest
from report_folder import BUMP, Page, make_run, metadata, values
from typer.testing import CliRunner

from face_mirror_au.asymmetry.comparison import compare_zone
from face_mirror_au.asymmetry.zones import ZONES
from face_mirror_au.cli.app import app
from face_mirror_au.errors import ResultError, UsageError
from face_mirror_au.records import INTENSITY_AUS
from face_mirror_au.report.change_words import trend_sentence, zone_change_sentence
from face_mirror_au.report.compare import write_comparison
from face_mirror_au.results.visits import compare_visits

MOUTH = next(zone for zone in ZONES if zone.key == "mouth")
OPENFACE = metadata()["models"]


def visit(folder, name, left=1.0, right=1 / 3, **changes):
    """A run whose mouth moved on the left and on the right by so much of the usual curve."""
    source = metadata()["input"] | {"sha256": name * 8}
    return make_run(folder / name, name, left=values(AU12=BUMP * left), right=values(AU12=BUMP * right), **({"input": source} | changes))


def compared(folder, first=None, second=None, **options):
    one, two = visit(folder, "one", **(first or {})), visit(folder, "two", **(second or {}))
    page, table, _, _ = write_comparison([one, two], folder / "out", **options)
    with table.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    return Page(page.read_text(encoding="utf-8")), {(row["sides"], row["of"], row["measure"]): row for row in rows}


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def sentence(first, second):
    def zone(left, right):
        return compare_zone(MOUTH, np.arange(12) / 10, values(AU12=BUMP * left), values(AU12=BUMP * right))

    return zone_change_sentence(MOUTH, [zone(*first), zone(*second)])


def test_numbers_of_both_visits_and_the_change_stand_on_the_page_and_in_the_table(tmp_path):
    page, rows = compared(tmp_path, second={"right": 0.6})
    row = rows["mirrored", "AU12", "right"]
    assert (row["visit_1"], row["visit_2"], row["change"], row["note"]) == ("1.25", "2.25", "1.0", "")
    assert page.number("AU12", "1-left") == page.number("AU12", "2-left") == 3.75
    assert page.number("AU12", "change-left") == 0
    assert page.number("AU12", "1-ratio") == pytest.approx(1 / 3)
    assert page.number("mouth", "change-ratio") == pytest.approx(0.6 - 1 / 3)
    assert page.shown("AU12", "change-left") == "0.00", "nothing is +0.00"
    assert page.shown("AU12", "change-right") == "+1.00"
    assert page.shown("AU12", "change-difference") == "-0.25"


def test_left_and_right_stay_what_they_were(tmp_path):
    page, rows = compared(tmp_path, first={"right": 0}, second={"left": 0, "right": 1})
    assert page.number("AU12", "1-left") == page.number("AU12", "2-right") == 3.75
    assert page.number("AU12", "1-difference") == 1
    assert page.number("AU12", "2-difference") == -1
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
    assert zone_change_sentence(MOUTH, [None, None]) == "The mouth: not measured at either visit."


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
    paths = [tmp_path / "out" / name for name in ("compare.html", "compare.csv", "compare.answers.csv")]
    assert done.stdout.split() == [str(path) for path in paths]
    assert sorted((tmp_path / "out").iterdir()) == sorted(paths)
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    before = paths[1].read_bytes()
    assert call("compare", second, first, "-o", tmp_path / "out").exit_code == 0
    assert paths[1].read_bytes() != before


def test_the_same_run_twice_and_runs_without_sides_in_common_are_errors(tmp_path):
    first = visit(tmp_path, "one")
    with pytest.raises(UsageError, match="same run"):
        write_comparison([first, first], tmp_path / "out")
    nothing = visit(tmp_path, "two", empty=INTENSITY_AUS)
    with pytest.raises(ResultError, match="no action unit of two sides in common"):
        write_comparison([first, nothing], tmp_path / "out")
    done = call("compare", first, tmp_path / "nowhere")
    assert done.exit_code == 1
    assert "does not exist" in done.stderr


def test_names_are_text_and_no_path_stands_on_the_page(tmp_path):
    make_run(tmp_path / "a", "<script>alert(1)</script>".replace("/", ""))
    make_run(tmp_path / "b", "two")
    page = write_comparison([tmp_path / "a", tmp_path / "b"], tmp_path / "out")[0].read_text(encoding="utf-8")
    assert "<script" not in page
    assert str(tmp_path) not in page
    assert page.count("data:") == 2, "of the icon and the policy: no picture of a face"


MODELS = OPENFACE | {"profile": "open", "au_bank": "face-mirror-au open bank", "side_errors": {"AU12": 0.5, "AU25": 0.5, "AU45": 0.4}}


def answered(folder, name, left, right, *, table="", **changes):
    """A visit measured with models whose errors are known; `left` and `right` are AU12, or action units by name."""
    sides = [values(**(each if isinstance(each, dict) else {"AU12": BUMP * each})) for each in (left, right)]
    source = metadata()["input"] | {"sha256": name * 8}
    run = make_run(folder / name, name, left=sides[0], right=sides[1], sides=sides, **({"models": MODELS, "input": source} | changes))
    if table:
        (run / f"{name}.movements.csv").write_text("start_s,end_s,action\n" + table, encoding="utf-8")
    return run


def told(*runs, **options):
    """Sentences by trend, and the rows of compare.answers.csv by trend and visit; nothing is drawn."""
    found = compare_visits(*runs, **options)
    said = {each.key: trend_sentence(each).replace("\N{NO-BREAK SPACE}", " ") for each in found.trends}
    return said, {(row.of, row.visit): row for row in found.answer_rows}


def drawn(folder, *runs):
    """The page, and the rows of compare.answers.csv."""
    made = write_comparison(runs, folder / "out")
    text = made.page.read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")
    with made.answers.open(newline="", encoding="utf-8") as handle:
        return Page(text), list(csv.DictReader(handle))


@pytest.mark.parametrize(("side", "left", "right"), [("right", 1, 0.4), ("left", 0.4, 1)])
def test_sides_that_are_alike_now_say_which_was_weaker_and_by_how_much(tmp_path, side, left, right):
    said, rows = told(answered(tmp_path, "one", left, right), answered(tmp_path, "two", 1, 1))
    assert said["mouth"] == (
        f"the sides are alike now; at visit 1 the {side} was weaker by 2.2 ± 0.5 (AU12 lip corner puller). "
        "The difference is smaller than at visit 1, beyond the error of the change (± 0.7)."
    )
    assert (rows["mouth", 1].answer, rows["mouth", 2].answer, rows["mouth", 2].verdict) == (side, "alike", "smaller")
    assert rows["mouth", 1].apart == (2.25 if side == "right" else -2.25)
    assert rows["mouth", 2].change_error == pytest.approx(0.5 * 2**0.5)


def test_the_answers_of_three_visits_stand_on_the_page_and_in_the_table(tmp_path):
    runs = [answered(tmp_path, f"P_2026-0{month}-01", 1, right) for month, right in ((6, 1), (1, 0.2), (3, 0.6))]
    page, rows = drawn(tmp_path, *runs)
    assert "Mouth: the sides are alike now; at visit 1 the right was weaker by 3.0 ± 0.5" in page.said_in("glance")
    assert "In order of date." in page.said
    mouth = [row for row in rows if row["of"] == "mouth"]
    assert [row["date"] for row in mouth] == ["2026-01-01", "2026-03-01", "2026-06-01"]
    assert [float(row["right"]) for row in mouth] == pytest.approx([0.75, 2.25, 3.75])
    weaker = [found["data-weaker"] for _, found in page.elements if found.get("data-answer", "").startswith("mouth-")]
    assert weaker == [row["answer"] for row in mouth] == ["right", "right", "alike"]
    assert "right weaker by 3.0 ± 0.5" in page.said_in("trends")
    assert any(found.get("data-trend-figure") == "mouth" for _, found in page.elements)
    assert page.number("AU12", "2-right") == 2.25
    assert page.number("AU12", "change-right") == 3
    assert "about as alike" not in page.said_in("mirrored"), "no sentence without its error beside those that have one"


def test_a_change_within_the_error_of_both_visits_is_none(tmp_path):
    said, rows = told(answered(tmp_path, "one", 1, 0.6), answered(tmp_path, "two", 1, 0.75))
    assert "No change beyond the error of both visits (± 0.7)." in said["mouth"]
    assert "smaller" not in said["mouth"]
    assert rows["mouth", 2].verdict == "no change"


def test_the_other_side_a_held_back_one_and_too_little_are_told_as_what_they_are(tmp_path):
    first = answered(tmp_path, "one", 1, 0.3)
    said, _ = told(first, answered(tmp_path, "two", 0.3, 1))
    assert "the left is weaker now by 2.6 ± 0.5" in said["mouth"]
    assert "The other side is weaker than at visit 1, beyond the error of the change" in said["mouth"]
    said, _ = told(first, answered(tmp_path, "three", 0.4, 0.3))
    assert "the stronger one moved less" in said["mouth"]
    said, rows = told(first, answered(tmp_path, "four", 0.05, 0.05))
    assert "alike" not in said["mouth"]
    assert "too little movement to compare the sides now" in said["mouth"]
    assert (rows["mouth", 2].apart, rows["mouth", 2].verdict) == (None, "unclear")


def test_a_turned_head_has_no_change_and_no_side(tmp_path):
    said, rows = told(answered(tmp_path, "one", 1, 0.3), answered(tmp_path, "two", 0.3, 1, yaw_deg=20.0))
    assert "it is unclear which side is weaker (the head was turned by 20 degrees) now" in said["mouth"]
    assert "Whether the difference of the sides changed is unclear: the head was turned by 20 degrees at visit 2." in said["mouth"]
    assert (rows["mouth", 2].answer, rows["mouth", 2].change, rows["mouth", 2].verdict) == ("unclear", None, "unclear")


def test_one_action_unit_is_followed_and_never_another_one_taken_for_it(tmp_path):
    """Visit 1 is decided by AU12, visit 2 by AU25: their difference is no change of either."""
    two = answered(tmp_path, "two", {"AU12": BUMP * 0.8, "AU25": BUMP * 0.3}, {"AU12": BUMP * 0.8, "AU25": BUMP * 0.75})
    said, rows = told(answered(tmp_path, "one", 1, 0.3), two)
    assert "the left is weaker now by 1.7 ± 0.5 (AU25 lips part)" in said["mouth"]
    assert "AU12 lip corner puller, left minus right +2.6, then 0.0" in said["mouth"]
    assert {row.signal for (of, _), row in rows.items() if of == "mouth"} == {"AU12"}
    assert [rows["mouth", visit].decided_by for visit in (1, 2)] == ["AU12", "AU25"]
    assert rows["mouth", 2].apart == 0


def test_visits_stand_in_order_of_the_dates_that_are_given_else_of_their_names(tmp_path):
    runs = [answered(tmp_path, f"P_{day}", 1, 1) for day in ("2026-06-20", "2026_01_12", "20260309")]

    def order(*results, **options):
        return [visit.result.stem for visit in compare_visits(*results, **options).visits]

    assert order(*runs) == ["P_2026_01_12", "P_20260309", "P_2026-06-20"]
    assert order(*runs, dates=["2020-01-01", "2022-01-01", date(2021, 1, 1)]) == ["P_2026-06-20", "P_20260309", "P_2026_01_12"]
    later = answered(tmp_path, "P_12345678", 1, 1)
    found = compare_visits(runs[0], runs[1], later)
    assert not found.dated
    assert [visit.result.stem for visit in found.visits] == ["P_2026-06-20", "P_2026_01_12", "P_12345678"], "as given"
    with pytest.raises(UsageError, match="no date"):
        order(*runs, dates=["soon"] * 3)
    with pytest.raises(UsageError, match="for each of the 3 results"):
        order(*runs, dates=["2020-01-01"])
    with pytest.raises(UsageError, match="two results or more"):
        order(runs[0])


def test_movements_are_compared_where_two_visits_have_them(tmp_path):
    one = answered(tmp_path, "one", 1, 0.3, table="0.1,0.95,BS\n")
    two = answered(tmp_path, "two", 1, 1, table="0.15,0.9,BS\n")
    three = answered(tmp_path, "three", 1, 1, table="0.1,0.9,SO\n")
    said, rows = told(one, two, three)
    assert said["BS"].startswith("the sides are alike at visit 2; at visit 1 the right was weaker by 2.6 ± 0.5")
    assert said["BS"].endswith("Not measured at visit 3.")
    assert "mouth" not in said, "the movement is of that zone"
    assert "SO" not in said, "one visit has it"
    assert {"upper", "eye", "midface"} & set(said)
    assert rows["BS", 3].answer == ""


def test_models_without_known_errors_draw_no_trend(tmp_path):
    page, _ = drawn(tmp_path, visit(tmp_path, "one"), visit(tmp_path, "two", right=0.7))
    assert "the two sides were more alike than at visit 1" in page.said_in("glance")
    assert "data-trend-figure" not in page.text


def test_no_share_of_one_action_unit_in_another_one_is_told():
    time, left = np.arange(12) / 10, values(AU12=BUMP)
    zones = [compare_zone(MOUTH, time, left, values(AU25=BUMP * right)) for right in (0.3, 0.7)]
    said = zone_change_sentence(MOUTH, zones)
    assert "more alike than at visit 1" in said
    assert "%" not in said


def test_a_table_of_a_run_and_results_that_were_read_are_taken_too(tmp_path):
    one, two = answered(tmp_path, "one", 1, 0.3), answered(tmp_path, "two", 1, 1)
    by_table = compare_visits(one / "one.csv", two / "two_left_mirrored.csv")
    by_result = compare_visits(*(visit.result for visit in by_table.visits))
    assert by_table.answers.equals(by_result.answers)
    assert by_table.answers.query("of == 'mouth'")["answer"].tolist() == ["right", "alike"]
    assert by_table.answers["apart"].dtype == float
    (tmp_path / "other.csv").write_text("a\n")
    with pytest.raises(ResultError, match="is no file of a run"):
        compare_visits(one, tmp_path / "other.csv")


def test_frame_rates_that_differ_are_told(tmp_path):
    one, two = answered(tmp_path, "one", 1, 0.3), answered(tmp_path, "two", 1, 1)
    for path in two.glob("two*.csv"):
        text = path.read_text()
        path.write_text(
            re.sub(
                r"^(\d+),0?(\d)\.(\d+),",
                lambda found: f"{found[1]},{int(found[2] + found[3]) * 2 / 10 ** len(found[3])},",
                text,
                flags=re.MULTILINE,
            )
        )
    doubts = compare_visits(one, two).doubts
    assert any("Different frame rates: 10 frames a second at visit 1, 5 frames a second at visit 2." in each for each in doubts)
