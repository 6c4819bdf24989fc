"""From two runs' folders to the page and the table that compare them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path
from typing import NamedTuple

from face_mirror_au import __version__
from face_mirror_au.asymmetry.change import NOT_AT, TOO_LITTLE, ChangeRow
from face_mirror_au.asymmetry.comparison import GATE
from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, GOOD_YAW
from face_mirror_au.asymmetry.zones import ZONES
from face_mirror_au.files import atomic_text, make_output_folder
from face_mirror_au.report.change_words import AS_ALIKE, AS_MUCH
from face_mirror_au.report.page import recording_facts, version_texts
from face_mirror_au.report.quality import VIEW_WORDS, run_messages
from face_mirror_au.report.svg import figure_settings
from face_mirror_au.report.template import render_template
from face_mirror_au.report.visit_figures import AROUND_S
from face_mirror_au.report.visits import draw_visits
from face_mirror_au.report.words import ALIKE, signal_label
from face_mirror_au.results.asymmetry import ComparedResults, compare_visits
from face_mirror_au.wording import printable

PAGE, TABLE = "compare.html", "compare.csv"


class WrittenComparison(NamedTuple):
    """What `write_comparison` wrote, and the warnings at the top of its page."""

    page: Path
    table: Path
    warnings: list[str]


def write_comparison(first: Path, second: Path, output: Path, *, anyway: bool = False) -> WrittenComparison:
    """Compare two runs; write `compare.html` and `compare.csv` into a folder.

    Parameters
    ----------
    first, second, anyway
        As for `compare_visits`; with `anyway`, the page says at its top what the numbers are not.
    output : Path
        Folder for the two files; it is made where it is not there. An earlier comparison in it is replaced.

    Raises
    ------
    UsageError, ResultError
        As from `compare_visits`.
    OutputError
        When a file cannot be written.
    """
    compared = compare_visits(first, second, anyway=anyway)
    text = render_comparison(compared)
    make_output_folder(output)
    page, table = output / PAGE, output / TABLE
    write_compare_csv(table, compared.change.rows())
    with atomic_text(page) as handle:
        handle.write(text)
    return WrittenComparison(page, table, [*compared.reasons, *compared.doubts])


def write_compare_csv(path: Path, rows: Iterable[ChangeRow]) -> None:
    """Write the numbers of the page in full precision; an empty cell where there is none, and why in `note`.

    Raises
    ------
    OutputError
    """
    with atomic_text(path) as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(column.name for column in fields(ChangeRow))
        # The writer gives floats as `repr`, and None as an empty cell.
        writer.writerows(map(astuple, rows))


def render_comparison(compared: ComparedResults) -> str:
    """Draw a comparison and return the page as HTML."""
    runs, change = (compared.first, compared.second), compared.change
    with figure_settings():
        sections = [draw_visits(*runs, sides) for sides in change.sides if sides.measured]
    facts = [recording_facts(run) for run in runs]
    return render_template(
        "compare.html.j2",
        written_by=__version__,
        labels=[printable(run.stem) for run in runs],
        zones=ZONES,
        sections=sections,
        signal_label=signal_label,
        not_at=NOT_AT,
        frames={row.of: row for row in change.quality if row.measure == "decoded"},
        measured={row.of: row for row in change.quality if row.measure == "measured"},
        view_words=VIEW_WORDS,
        poses=change.poses,
        reasons=compared.reasons,
        doubts=compared.doubts,
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
