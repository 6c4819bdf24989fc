"""From two runs' folders to the page and the table that compare them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from face_mirror_au import __version__
from face_mirror_au.asymmetry.change import MEASURES
from face_mirror_au.asymmetry.measures import GATE
from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, GOOD_YAW
from face_mirror_au.errors import ResultError, UsageError
from face_mirror_au.files import atomic_text, make_output_folder
from face_mirror_au.report.change_words import AS_ALIKE, AS_MUCH, NOT_AT
from face_mirror_au.report.comparable import must_not_be_compared, to_be_known
from face_mirror_au.report.page import recording_facts, version_texts
from face_mirror_au.report.quality import VIEW_WORDS, HeadPose, head_pose, run_messages
from face_mirror_au.report.result import RunResult, find_result, read_result
from face_mirror_au.report.svg import figure_settings
from face_mirror_au.report.template import render_template
from face_mirror_au.report.visit_figures import AROUND_S
from face_mirror_au.report.visits import Row, SidesChange, compare_visits, quality_rows
from face_mirror_au.report.words import ALIKE, TOO_LITTLE
from face_mirror_au.wording import printable

PAGE, TABLE = "compare.html", "compare.csv"
COMPARE_COLUMNS = ("sides", "of", "measure", "visit_1", "visit_2", "change", "note")

# Of a recording's frames, the share that must have been measured for the page not to warn.
ENOUGH_FRAMES = 0.9


class Comparison(NamedTuple):
    """What `write_comparison` wrote, and the warnings at the top of its page."""

    page: Path
    table: Path
    warnings: list[str]


def write_comparison(first: Path, second: Path, output: Path, *, anyway: bool = False) -> Comparison:
    """Compare two runs; write `compare.html` and `compare.csv` into a folder.

    Parameters
    ----------
    first, second : Path
        Folders of the runs of visit 1 and visit 2, or folders that hold the folder of exactly one run.
    output : Path
        Folder for the two files; it is made where it is not there. An earlier comparison in it is replaced.
    anyway : bool
        Compare although the numbers are different quantities; the page then says so at its top.

    Raises
    ------
    UsageError
        When both are the same run.
    ResultError
        When a run's files are missing or damaged, when there is nothing that both measured, or when the runs were made with different
        models and `anyway` is not set.
    OutputError
        When a file cannot be written.
    """
    places = [find_result(first), find_result(second)]
    if places[0][0].resolve() == places[1][0].resolve():
        raise UsageError("both folders are the same run; give the folders of two visits")
    runs = [read_result(*place) for place in places]
    reasons = must_not_be_compared(*runs)
    if reasons and not anyway:
        raise ResultError(
            f"these runs cannot be compared: {'; '.join(reasons)}. Measure both recordings with the same --profile and --models, "
            "or say --anyway"
        )
    with figure_settings():
        sections = compare_visits(*runs)
    if not any(section.measured for section in sections):
        raise ResultError("these runs have no action unit of two sides in common; measure both recordings with 'face-mirror-au mirror'")
    quality = quality_rows(*runs)
    poses = [head_pose(run.yaw_deg) for run in runs]
    doubts = [*to_be_known(*runs), *quality_doubts(poses, quality)]
    text = render_comparison(runs, sections, quality, poses, reasons, doubts)
    make_output_folder(output)
    page, table = output / PAGE, output / TABLE
    write_compare_csv(table, [*(row for section in sections for row in section.rows()), *quality])
    with atomic_text(page) as handle:
        handle.write(text.encode("utf-8", "replace").decode("utf-8"))  # metadata may hold lone surrogates
    return Comparison(page, table, [*reasons, *doubts])


def write_compare_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write the numbers of the page in full precision; an empty cell where there is none, and why in `note`.

    Raises
    ------
    OutputError
    """
    with atomic_text(path) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COMPARE_COLUMNS)
        for row in rows:
            numbers = ["" if value is None else repr(value) for value in (row.first, row.second, row.change)]
            writer.writerow((row.sides, row.of, row.measure, *numbers, row.note))


def render_comparison(
    runs: Sequence[RunResult],
    sections: Sequence[SidesChange],
    quality: Sequence[Row],
    poses: Sequence[HeadPose | None],
    reasons: Sequence[str],
    doubts: Sequence[str],
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    runs : sequence of two RunResult
        Visit 1 and visit 2.
    sections : sequence of SidesChange
        From `compare_visits`.
    quality : sequence of Row
        From `quality_rows`.
    poses : sequence of HeadPose or None
        Of each visit.
    reasons : sequence of str
        Why the runs should not have been compared.
    doubts : sequence of str
        What else a reader must know before the numbers.
    """
    facts = [recording_facts(run) for run in runs]
    return render_template(
        "compare.html.j2",
        written_by=__version__,
        labels=[printable(run.stem) for run in runs],
        sections=[section for section in sections if section.measured],
        not_at=NOT_AT,
        measures=MEASURES,
        frames={row.of: row for row in quality if row.measure == "decoded"},
        measured={row.of: row for row in quality if row.measure == "measured"},
        view_words=VIEW_WORDS,
        poses=poses,
        turn=next(row for row in quality if row.measure == "turn"),
        reasons=reasons,
        doubts=doubts,
        messages=[run_messages(run.metadata) for run in runs],
        facts={term: [each.get(term, "not recorded") for each in facts] for term in dict.fromkeys([*facts[0], *facts[1]])},
        versions=[version_texts(run.metadata.get("versions")) for run in runs],
        gate=GATE,
        alike=ALIKE,
        as_alike=AS_ALIKE,
        as_much=AS_MUCH,
        around=AROUND_S,
        too_little=TOO_LITTLE,
        good_yaw=GOOD_YAW,
        acceptable_yaw=ACCEPTABLE_YAW,
    )


def quality_doubts(poses: Sequence[HeadPose | None], quality: Sequence[Row]) -> list[str]:
    """What is wrong with the recordings themselves, one sentence for each: frames without a face, a head turned to the side.

    Parameters
    ----------
    poses : sequence of HeadPose or None
        At visit 1 and visit 2.
    quality : sequence of Row
        From `quality_rows`.
    """
    found = []
    counts = {(row.of, row.measure): row for row in quality}
    shares = [_shares(counts[view, "decoded"], counts[view, "measured"]) for view in VIEW_WORDS if (view, "decoded") in counts]
    for visit, found_shares in enumerate(zip(*shares, strict=True), 1):
        if min(found_shares) < ENOUGH_FRAMES:
            found.append(f"At visit {visit} not all frames were measured: {100 * min(found_shares):.0f} % in the picture that has fewest.")
    for visit, pose in enumerate(poses, 1):
        if pose is None:
            found.append(f"How far the head was turned at visit {visit} is not known.")
        elif pose.median_deg > ACCEPTABLE_YAW:
            found.append(
                f"At visit {visit} the head was turned too far to the side (more than {ACCEPTABLE_YAW:.0f}° in the median frame): the "
                "camera did not see the two sides alike."
            )
    yaw = counts["head", "yaw"].change
    if yaw is not None and abs(yaw) > GOOD_YAW:
        found.append(f"The head was held differently: its turn to the side differs by {abs(yaw):.1f}° between the visits.")
    return found


def _shares(decoded: Row, measured: Row) -> list[float]:
    pairs = ((decoded.first, measured.first), (decoded.second, measured.second))
    return [(there or 0.0) / total if total else 0.0 for total, there in pairs]
