"""Movements, lengths and what moves along: what stands on the page of a run made by hand, and in the table beside it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from report_folder import BUMP, N, Page, make_run, values
from report_landmarks import add_landmarks, true_points
from typer.testing import CliRunner

from face_mirror_au.cli.app import app
from face_mirror_au.errors import MovementsError
from face_mirror_au.records import INTENSITY_AUS
from face_mirror_au.report.write import write_report
from face_mirror_au.tables.asymmetry_csv import ASYMMETRY

# Rows 3 to 7 of the hand-made bump; times are tenths of a second.
PROPOSED = "start_s,end_s,action\n0.200,0.800,BS\n"
# What a cell of the page is called in the table: (measure, column).
CELLS = {
    "peak-left": ("peak", "left"),
    "peak-right": ("peak", "right"),
    "time-left": ("peak_time", "left"),
    "time-right": ("peak_time", "right"),
    "area-left": ("area_per_second", "left"),
    "area-right": ("area_per_second", "right"),
    "rest-left": ("at_rest", "left"),
    "rest-right": ("at_rest", "right"),
}


def page(folder, **options):
    return Page(write_report(folder, "p", **options).read_text(encoding="utf-8"))


def numbers(folder):
    return pd.read_csv(folder / "p.asymmetry.csv", dtype={"action": str, "zone": str}, keep_default_na=True)


def with_movements(folder, text):
    (folder / "p.movements.csv").write_text(text, encoding="utf-8")
    return folder


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def full_run(folder, **options):
    left = values(AU12=BUMP, AU45=BUMP / 3, AU25=BUMP / 5)
    return add_landmarks(make_run(folder, left=left, right=values(AU12=BUMP / 10), **options), true_points("smile_left"))


def test_every_number_on_the_page_is_in_the_table(tmp_path):
    folder = full_run(tmp_path, sides=(values(AU12=BUMP), values(AU12=BUMP / 2)))
    found, table = page(folder), numbers(folder)
    compared = 0
    for (section, of, measure), (value, _) in found.numbers.items():
        if section == "quality" or value is None:
            continue
        number, _, name = of.rpartition("-") if "-" in of else ("0", "", of)
        rows = table[table["movement"] == int(number.split("-", maxsplit=1)[0])]
        pair = number.split("-")[1] if "-" in number else None
        wanted, column = CELLS.get(measure, (pair or "peak", measure.removeprefix("along-")))
        if section in {"mirrored", "unmirrored"}:
            rows = rows[rows["sides"] == section]
            rows = rows[(rows["zone"] == of) & (rows["signal"] == "zone")] if name.islower() else rows[rows["signal"] == name]
        else:
            rows = rows[(rows["signal"] == name) & (rows["sides"] != "best")]
        if section == "landmarks" and measure in {"difference", "ratio"}:
            rows = rows[rows["measure"].isin(["peak", "at_rest"])]
        else:
            rows = rows[rows["measure"] == (pair or wanted)]
        assert rows[column].tolist() == [pytest.approx(float(value), abs=1e-12)], (section, of, measure)
        compared += 1
    assert compared > 100


def test_the_table_has_its_columns_and_each_is_described(tmp_path):
    folder = full_run(tmp_path)
    page(folder)
    header = (folder / "p.asymmetry.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == ",".join(ASYMMETRY.names)
    assert all(column.meaning for column in ASYMMETRY.columns)
    table = numbers(folder)
    assert set(table["unit"]) == {"intensity", "eye distances", "mm", "s"}
    assert not table.duplicated(["sides", "movement", "zone", "signal", "measure"]).any()


def test_without_a_table_movements_are_proposed_and_said_to_be(tmp_path):
    found = page(full_run(tmp_path))
    assert "Proposed by the program" in found.said_in("movements")
    assert (
        "Movement 1 (0.20-0.80 s): smile on the left only, by the lengths. "
        "AU12 lip corner puller: 3.75 on the subject's left, 0.38 on the right" in found.said
    )
    assert "Movement 1 (0.20-0.80 s), big smile (BS), proposed" in found.said_in("movements")
    assert numbers(tmp_path).query("movement == 1")["proposed"].eq(1).all()


def test_movements_of_a_table_are_measured_inside_their_time_only(tmp_path):
    folder = with_movements(full_run(tmp_path), "start_s,end_s,action\n0.7,0.8,SS\n0.0,0.25,RE\n")
    found = page(folder)
    assert "The movements come from p.movements.csv" in found.said_in("movements")
    assert "proposed" not in found.said_in("movements")
    assert "Movement 1 (0.00-0.25 s): brow raise with too little movement to compare the sides." in found.said
    assert "Movement 2 (0.70-0.80 s): smile on the left only." in found.said
    assert found.number("2-AU12", "peak-left", "movements") == 1.25
    assert found.number("2-AU12", "time-left", "movements") == pytest.approx(0.7)
    assert found.number("AU12", "peak-left", "mirrored") == 3.75


def test_a_row_that_nobody_changed_stays_proposed(tmp_path):
    folder = with_movements(full_run(tmp_path), PROPOSED + "0.85,0.95,ES\n")
    found = page(folder)
    assert "1 of 2 stand there as the program proposed them" in found.said_in("movements")
    assert numbers(folder).groupby("movement")["proposed"].first().to_dict() == {0: 0, 1: 1, 2: 0}


def test_another_table_can_be_given(tmp_path):
    folder = with_movements(full_run(tmp_path / "run"), "not a table")
    other = tmp_path / "other.csv"
    other.write_text("start_s,end_s,action\n0.1,0.9,SE\n")
    assert "saying E" in page(folder, movements=other).said_in("movements")
    assert call("report", folder, "--movements", other).exit_code == 0


SMILES = [
    ((1.0, 1.0), "smile on both sides, about the same"),
    ((1.0, 0.5), "smile on both sides, more on the left"),
    ((0.3, 1.0), "smile on both sides, more on the right"),
    ((0.05, 1.0), "smile on the right only"),
    ((1.0, 0.17), "smile on the left only"),
    ((0.1, 0.1), "smile with too little movement"),
]


@pytest.mark.parametrize(("shares", "words"), SMILES)
def test_a_sentence_says_which_side(tmp_path, shares, words):
    left, right = (values(AU12=BUMP * share) for share in shares)
    folder = with_movements(make_run(tmp_path, left=left, right=right), "start_s,end_s,action\n0,1.1,BS\n")
    assert words in page(folder).said_in("movements")


def test_where_action_units_are_too_weak_the_landmarks_speak_and_it_is_said(tmp_path):
    folder = add_landmarks(make_run(tmp_path, left=values(AU12=BUMP / 10), right=values()), true_points("smile_left"))
    said = page(with_movements(folder, "start_s,end_s,action\n0.2,0.8,BS\n")).said_in("movements")
    assert "smile on the left only, by the lengths. AU12 lip corner puller: 0.38 on" in said


def test_where_action_units_and_landmarks_contradict_each_other_it_is_said(tmp_path):
    contradiction = "say the opposite of each other"
    for clip, expected in (("smile_left", False), ("smile_right", True)):
        folder = add_landmarks(make_run(tmp_path / clip, left=values(AU12=BUMP), right=values()), true_points(clip))
        assert (contradiction in page(folder).said_in("movements")) == expected


def test_a_movement_without_a_name_is_of_the_zone_that_moved_most(tmp_path):
    folder = with_movements(make_run(tmp_path, left=values(AU45=BUMP), right=values(AU45=BUMP)), "start_s,end_s,action\n0,1.1,\n")
    assert "Movement 1 (0.00-1.10 s): movement of the eye region on both sides, about the same." in page(folder).said


def test_baseline_is_rest_and_what_lengths_are_counted_from(tmp_path):
    points = true_points("smile_left")
    folder = with_movements(add_landmarks(make_run(tmp_path), points), "start_s,end_s,action\n0.5,0.5001,BL\n")
    found = page(folder)
    assert "Movement 1 (0.50-0.50 s): rest." in found.said_in("movements")
    assert "the frames of the movements called baseline (BL)" in found.said_in("landmarks")
    assert found.number("mouth_corner", "peak-left", "landmarks") < 0.005, "counted from the held smile"


def test_lengths_follow_the_landmarks_of_the_mirrored_pictures(tmp_path):
    found = page(full_run(tmp_path))
    assert found.number("mouth_corner", "peak-left", "landmarks") > 0.1
    assert found.number("mouth_corner", "peak-right", "landmarks") < 0.01
    assert found.number("mouth_corner", "difference", "landmarks") > 0.9
    assert found.number("1-mouth_corner", "difference", "movements") > 0.9
    assert found.number("eye_opening", "ratio", "landmarks") > 0.9
    assert "each side in the picture that shows it twice" in found.said_in("landmarks")
    assert "the frames that are in no movement" in found.said_in("landmarks")


def test_without_landmarks_the_page_says_why(tmp_path):
    found = page(make_run(tmp_path))
    assert "Not measured: the run's tables hold no landmarks" in found.said_in("landmarks")
    assert not [key for key in found.numbers if key[0] == "landmarks"]


@pytest.mark.parametrize(("landmarks", "measured"), [("attention_mesh", True), ("pfld", False), ("mine", False)])
def test_unmirrored_landmarks_serve_where_they_see_asymmetry(tmp_path, landmarks, measured):
    models = {"profile": "open", "landmarks": landmarks, "au_bank": "open 1"}
    folder = make_run(tmp_path, sides=(values(AU12=BUMP), values()), models=models)
    for side in ("left", "right"):
        (folder / f"p_{side}_mirrored.csv").unlink()
    said = page(add_landmarks(folder, true_points("smile_left"))).said_in("landmarks")
    assert ("From the landmarks of the unmirrored picture" in said) == measured
    assert ("lean towards symmetry" in said) == (landmarks == "pfld")
    assert ("whether the landmarks of mine keep left and right" in said) == (landmarks == "mine")


def test_frames_without_a_face_are_in_no_measure(tmp_path):
    whole, holed = page(full_run(tmp_path / "a")), page(full_run(tmp_path / "b", failed=(5, 6)))
    assert holed.number("mouth_corner", "peak-left", "landmarks") < whole.number("mouth_corner", "peak-left", "landmarks")
    assert "nan" not in (tmp_path / "b" / "p.asymmetry.csv").read_text()
    assert "nan" not in holed.said


def test_an_eye_that_closes_with_the_smile_is_told_on_its_side(tmp_path):
    left = values(AU12=BUMP, AU45=BUMP / 3)
    raw = {"AU12": (BUMP, BUMP), "AU45": (BUMP / 2, -BUMP / 4)}
    folder = write_raw(make_run(tmp_path, left=left, right=values(AU12=BUMP)), raw)
    found = page(folder)
    assert "Movement 1, eye with mouth: AU45 blink, final: more on the left (left +0.83, right +0.00)" in found.said
    assert found.number("1-eye_with_mouth-AU45", "along-left", "movements") == pytest.approx(0.83)
    assert found.number("1-eye_with_mouth-AU45", "difference", "movements") == 1
    assert found.number("1-eye_with_mouth-AU45_raw", "along-right", "movements") < -0.4
    assert "Movement 1, nose with mouth: nothing above the gates." in found.said


def test_a_mouth_that_moves_with_the_eyes_is_told(tmp_path):
    folder = with_movements(
        make_run(tmp_path, left=values(AU45=BUMP, AU12=BUMP / 2), right=values(AU45=BUMP, AU12=BUMP / 8)),
        "start_s,end_s,action\n0.2,0.8,ET\n",
    )
    said = page(folder).said_in("movements")
    assert "Movement 1, mouth with eye: AU12 lip corner puller, final: more on the left" in said
    assert "eye with mouth:" not in said, "the mouth was not what was meant"


def write_raw(folder, raw):
    """Put raw intensities (left, right) into the table of raw values."""
    table = pd.read_csv(folder / "p.raw.csv", dtype=str, keep_default_na=False)
    for au, sides in raw.items():
        for view, side in zip(("left_mirrored", "right_mirrored"), sides, strict=True):
            table.loc[table["view"] == view, f"{au}_raw"] = np.char.mod("%.6f", side)
    table.to_csv(folder / "p.raw.csv", index=False)
    return folder


def test_a_wrong_table_leaves_the_earlier_page_and_is_told_in_one_line(tmp_path):
    folder = full_run(tmp_path)
    before = write_report(folder, "p").read_bytes()
    with_movements(folder, "start_s,end_s,action\n1,x,BS\n")
    done = call("report", folder)
    assert done.exit_code == 1
    assert done.stderr == "error: 'p.movements.csv', line 2: end_s is 'x', no time in seconds; write a number like 2.5\n"
    assert (folder / "p.report.html").read_bytes() == before


def test_a_movement_outside_of_the_recording_is_told(tmp_path):
    folder = with_movements(make_run(tmp_path), "start_s,end_s,action\n5,6,BS\n")
    with pytest.raises(
        MovementsError,
        match=r"'p.movements.csv', line 2: no frame lies between 5 and 6 s, and the recording goes from 0 to 1\.1 s; correct",
    ):
        write_report(folder, "p")


def test_a_movement_that_ends_far_beyond_the_recording_is_told(tmp_path):
    folder = with_movements(make_run(tmp_path), "start_s,end_s,action\n0,0.2,RE\n0.2,1.6,BS\n")
    write_report(folder, "p")
    with_movements(folder, "start_s,end_s,action\n0,0.2,RE\n0.2,1.7,BS\n")
    done = call("report", folder)
    assert done.exit_code == 1
    assert done.stderr == "error: 'p.movements.csv', line 3: end_s 1.7 is after the end of the recording, 1.1 s; correct it\n"


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ("0.2,0.8,BS\n0,0.3,BL\n", "line 2 (BS, 0.2 to 0.8 s) and line 3 (BL, 0 to 0.3 s)"),
        ("0.7,0.9,RE\n0,0.1,SS\n\n0.1,1.1,BL\n", "line 2 (RE, 0.7 to 0.9 s) and line 5 (BL, 0.1 to 1.1 s)"),
        ("0.4,0.5,BL\n0.2,0.8,\n", "line 2 (BL, 0.4 to 0.5 s) and line 3 (no action, 0.2 to 0.8 s)"),
    ],
)
def test_rest_in_a_movement_is_told(tmp_path, rows, lines):
    done = call("report", with_movements(make_run(tmp_path), f"start_s,end_s,action\n{rows}"))
    assert done.exit_code == 1
    assert done.stderr == (
        f"error: 'p.movements.csv': {lines} overlap; rest and a movement cannot be at the same time; correct the times\n"
    )


@pytest.mark.parametrize("rows", ["0,0.2,BL\n0.2,0.8,BS\n0.8,1.1,BL\n", "0,0.8,BS\n0.5,1,ES\n", "0,0.5,BL\n0.4,0.6,BL\n"])
def test_movements_may_overlap_and_rest_may_touch_them(tmp_path, rows):
    found = page(with_movements(make_run(tmp_path), f"start_s,end_s,action\n{rows}"))
    assert f"Movement {rows.count(chr(10))} (" in found.said_in("movements")


def test_the_command_writes_the_proposal_and_does_not_replace_what_somebody_changed(tmp_path):
    folder = full_run(tmp_path)
    path = folder / "p.movements.csv"
    done = call("movements", folder)
    assert done.exit_code == 0, done.output
    assert "1 movement proposed" in done.stdout
    assert done.stdout.splitlines()[-1] == str(path)
    assert path.read_text() == PROPOSED
    assert call("movements", folder).exit_code == 0, "what nobody changed may be written again"
    for changed in (PROPOSED.replace("BS", "SE"), b"\xff\xfe"):
        path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
        done = call("movements", folder)
        assert done.exit_code == 1
        assert done.stderr == "error: 'p.movements.csv' was changed by somebody; --force replaces it with the proposal\n"
    assert call("movements", folder, "--force").exit_code == 0
    assert path.read_text() == PROPOSED


def test_a_recording_without_movements_says_so(tmp_path):
    found = page(make_run(tmp_path, left=values(), right=values()))
    assert "No movement was found" in found.said_in("movements")
    assert call("movements", tmp_path).exit_code == 0
    assert (tmp_path / "p.movements.csv").read_text() == "start_s,end_s,action\n"
    said = page(tmp_path).said_in("movements")
    assert said.endswith("The table names no movement.")
    assert "begins one" not in said


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"failed": tuple(range(N))}, "othing was measured on both sides in any frame, so no movement can be proposed"),
        ({"failed": tuple(range(N)), "strict": True}, "othing was measured on both sides in any frame, so no movement can be proposed"),
        ({"empty": INTENSITY_AUS}, "o action unit was measured on both sides in any frame, so no movement can be proposed"),
    ],
)
def test_where_nothing_was_measured_nothing_can_be_proposed_and_it_is_said(tmp_path, options, why):
    found = page(make_run(tmp_path, **options)).said_in("movements")
    assert f"N{why}." in found
    assert "No movement was found" not in found
    done = call("movements", tmp_path)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [f"n{why}", str(tmp_path / "p.movements.csv")]
    assert f"The table names no movement. N{why}." in page(tmp_path).said_in("movements")


def test_without_action_units_lengths_are_all_there_is(tmp_path):
    folder = add_landmarks(make_run(tmp_path, models={"profile": "open", "au_bank": "none", "landmarks": "attention_mesh"},
                                    empty=[f"AU{number:02d}" for number in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)]),
                           true_points("smile_left"))  # fmt: skip
    found = page(with_movements(folder, "start_s,end_s,action\n0.2,0.8,BS\n"))
    assert "Movement 1 (0.20-0.80 s): smile on the left only, by the lengths. mouth corner, up and out: 1" in found.said
    assert "not measured, or the movement is too small" in found.said_in("movements")


def test_formulas_stand_on_the_page(tmp_path):
    said = page(full_run(tmp_path)).said_in("reading")
    words = (
        "max(0, rest \N{MINUS SIGN} o)",
        "(out + up) / \N{SQUARE ROOT}2",
        "in which the movement was held",
        "outer eye corners",
        "fifth of the frames",
    )
    assert all(word in said for word in words)
    assert "brow raise 0.02, eye closing 0.02, mouth corner, up and out 0.03" in said


@pytest.mark.parametrize(("count", "drawn"), [(30, True), (31, False)])
def test_very_many_movements_are_in_the_table_and_not_drawn(tmp_path, count, drawn):
    folder = with_movements(make_run(tmp_path), "start_s,end_s,action\n" + "0.2,0.8,BS\n" * count)
    found = page(folder)
    assert f"Movement {count} (" in found.said_in("movements")
    assert ("Largest intensity of each movement's own action units" in found.said_in("movements")) == drawn


def test_names_in_a_table_are_text(tmp_path):
    folder = make_run(tmp_path / "x")
    evil = tmp_path / "<img src=x>.csv"
    evil.write_text("start_s,end_s,action\n0.1,0.9,BS\n")
    found = page(folder, movements=evil)
    assert not [tag for tag, _ in found.elements if tag == "img"]
    assert "<img src=x>.csv" in found.said


@pytest.mark.parametrize("baseline", ["neutral:", "neutral:a-b", "neutral:0-0.1", "neutral:90-91", 3, None])
def test_metadata_with_an_odd_baseline_do_not_stop_the_page(tmp_path, baseline):
    folder = full_run(tmp_path, baseline=baseline)
    said = page(folder).said_in("landmarks")
    assert ("seconds 0-0.1, named as rest" in said) == (baseline == "neutral:0-0.1")
    assert json.loads((folder / "p.metadata.json").read_text())["baseline"] == baseline


UNSHOWN = "The unmirrored face does not show this: "
UNMIRRORED = [
    ((0.064, 0.0935), "0.24 on the left, 0.35 on the right"),
    ((1.0, 0.95), "3.75 on the left, 3.56 on the right"),
    ((0.2, 1.0), "0.75 on the left, 3.75 on the right"),
    ((1.0, 0.7), ""),
]


@pytest.mark.parametrize(("shares", "words"), UNMIRRORED)
def test_at_a_glance_says_what_the_unmirrored_face_does_not_show(tmp_path, shares, words):
    sides = tuple(values(AU12=BUMP * share) for share in shares)
    found = page(make_run(tmp_path, sides=sides))
    said = found.said_in("glance")
    assert "The mouth moved more on the subject's left" in said
    assert said.count(UNSHOWN) == bool(words)
    assert not words or f"33 % of the stronger one. {UNSHOWN}{words}." in said
    assert UNSHOWN not in found.said_in("mirrored"), "it is said once"


def test_at_a_glance_compares_only_what_both_show(tmp_path):
    alike = make_run(tmp_path / "a", left=values(AU12=BUMP), right=values(AU12=BUMP), sides=(values(AU12=BUMP), values()))
    weak = make_run(tmp_path / "b", left=values(AU12=BUMP / 10), right=values(), sides=(values(AU12=BUMP), values()))
    alone = make_run(tmp_path / "c")
    assert all(UNSHOWN not in page(folder).said_in("glance") for folder in (alike, weak, alone))
