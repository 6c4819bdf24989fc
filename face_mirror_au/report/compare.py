"""From the results of visits to the page and the tables that compare them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from datetime import date
from pathlib import Path
from typing import NamedTuple

from face_mirror_au import __version__
from face_mirror_au.asymmetry.change import ChangeRow
from face_mirror_au.asymmetry.comparison import GATE
from face_mirror_au.asymmetry.trends import TrendRow
from face_mirror_au.asymmetry.whole import TOO_LITTLE
from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, GOOD_YAW
from face_mirror_au.asymmetry.zones import ZONES
from face_mirror_au.files import atomic_text, make_output_folder
from face_mirror_au.report.change_words import AS_ALIKE, AS_MUCH, state_words
from face_mirror_au.report.page import recording_facts, version_texts
from face_mirror_au.report.quality import VIEW_WORDS, run_messages
from face_mirror_au.report.svg import figure_settings
from face_mirror_au.report.template import render_template
from face_mirror_au.report.visit_figures import AROUND_S
from face_mirror_au.report.visits import draw_trend, draw_visits, visit_pictures
from face_mirror_au.report.words import ALIKE, signal_label
from face_mirror_au.results.visits import ComparedResults, compare_visits
from face_mirror_au.wording import printable

PAGE, TABLE, ANSWERS = "compare.html", "compare.csv", "compare.answers.csv"
# Of the visits and the change, so many beside each other in one table: more do not fit a page of paper.
_BESIDE = 4


class WrittenComparison(NamedTuple):
    """What `write_comparison` wrote, and the warnings at the top of its page."""

    page: Path
    table: Path
    answers: Path
    warnings: list[str]


def write_comparison(
    results: Sequence[Path], output: Path, *, dates: Sequence[date | str] | None = None, anyway: bool = False, faces: bool = True
) -> WrittenComparison:
    """Compare results of visits; write `compare.html`, `compare.csv` and `compare.answers.csv` into a folder.

    Parameters
    ----------
    results, dates, anyway
        As for `compare_visits`; with `anyway`, the page says at its top what the numbers are not.
    output : Path
        Folder for the files; it is made where it is not there. An earlier comparison in it is replaced.
    faces : bool
        Whether pictures of the face may be on the page; they come from the mirrored videos of the runs.

    Raises
    ------
    UsageError, ResultError, MovementsError
        As from `compare_visits`.
    OutputError
        When a file cannot be written.
    """
    compared = compare_visits(*results, dates=dates, anyway=anyway)
    text = render_comparison(compared, faces=faces)
    make_output_folder(output)
    page, table, answers = (output / name for name in (PAGE, TABLE, ANSWERS))
    write_compare_csv(table, len(compared.visits), compared.change.rows())
    _write_rows(answers, (column.name for column in fields(TrendRow)), map(astuple, compared.answer_rows))
    with atomic_text(page) as handle:
        handle.write(text)
    return WrittenComparison(page, table, answers, [*compared.reasons, *compared.doubts])


def write_compare_csv(path: Path, visits: int, rows: Iterable[ChangeRow]) -> None:
    """Write the numbers of the page in full precision; an empty cell where there is none, and why in `note`.

    Raises
    ------
    OutputError
    """
    _write_rows(path, ChangeRow.columns(visits), (row.cells for row in rows))


def _write_rows(path: Path, header: Iterable[str], rows: Iterable[tuple[object, ...]]) -> None:
    with atomic_text(path) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        # The writer gives floats as `repr`, and None as an empty cell.
        writer.writerows(rows)


def render_comparison(compared: ComparedResults, *, faces: bool = True) -> str:
    """Draw a comparison and return the page as HTML; with `faces`, pictures where the runs wrote mirrored videos."""
    runs, change = [visit.result for visit in compared.visits], compared.change
    numbers = range(1, len(runs) + 1)
    with figure_settings():
        sections = [draw_visits(runs, sides) for sides in change.sides if sides.measured]
        trends = [draw_trend(trend) for trend in compared.trends]
    facts = [recording_facts(run) for run in runs]
    columns = [*(str(number) for number in numbers), "change"]
    return render_template(
        "compare.html.j2",
        written_by=__version__,
        labels=[printable(run.stem) for run in runs],
        dates=["" if visit.date is None else visit.date.isoformat() for visit in compared.visits],
        dated=compared.dated,
        zones=ZONES,
        sections=sections,
        trends=trends,
        known=any(trend.figure for trend in trends),
        pictures=visit_pictures(compared.visits, compared.trends) if faces else {},
        state_words=state_words,
        column_groups=[columns[start : start + _BESIDE] for start in range(0, len(columns), _BESIDE)],
        signal_label=signal_label,
        frames={row.of: row for row in change.quality if row.measure == "decoded"},
        measured={row.of: row for row in change.quality if row.measure == "measured"},
        view_words=VIEW_WORDS,
        poses=change.poses,
        reasons=compared.reasons,
        doubts=compared.doubts,
        messages=[run_messages(run.metadata) for run in runs],
        facts={term: [each.get(term, "not recorded") for each in facts] for term in dict.fromkeys(term for each in facts for term in each)},
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
