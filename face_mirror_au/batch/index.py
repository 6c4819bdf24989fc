"""`index.html` beside `batch.csv`: a row for each recording with its quality, its answers, and a link to its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from face_mirror_au.asymmetry.measures import BEST, WHOLE_ZONE
from face_mirror_au.asymmetry.zones import ZONES
from face_mirror_au.batch.job import Results
from face_mirror_au.batch.table import Row
from face_mirror_au.errors import ResultError
from face_mirror_au.files import atomic_text, display_name
from face_mirror_au.report.quality import Badge, badge_on
from face_mirror_au.report.template import render_template
from face_mirror_au.results.names import ASYMMETRY, REPORT
from face_mirror_au.results.result_table import ResultTable
from face_mirror_au.wording import printable

INDEX_FILE = "index.html"
_COLUMNS = ("sides", "movement", "zone", "signal", "weaker")


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the page shows of one recording; `link` is empty without a page, `answers` by the zone's key."""

    row: Row
    name: str
    link: str
    badge: Badge | None
    answers: Mapping[str, str]


def write_index(rows: Sequence[Row], results: Results) -> Path | None:
    """Write the page into the batch's folder; return where it is, None where no result has a page. Raises OutputError."""
    entries = [_entry(row, results) for row in rows]
    if not any(entry.link for entry in entries):
        return None
    path = results.folder / INDEX_FILE
    text = render_template("batch.html.j2", entries=entries, zones=ZONES)
    with atomic_text(path) as handle:
        handle.write(text)
    return path


def _entry(row: Row, results: Results) -> _Entry:
    # No path of the machine: the page may be shown to others.
    name = printable(row.output) or display_name(Path(row.input))
    if not row.output:
        return _Entry(row, name, "", None, {})
    table = results.plan(row.output).csv
    page = table.with_name(table.stem + REPORT)
    if not page.is_file():
        return _Entry(row, name, "", None, {})
    link = quote(page.relative_to(results.folder).as_posix())
    return _Entry(row, name, link, badge_on(page), _answers(table.with_name(table.stem + ASYMMETRY)))


def _answers(path: Path) -> dict[str, str]:
    """Which side of each zone is weaker over the whole recording; nothing where that cannot be read."""
    try:
        table = ResultTable(path, _COLUMNS)
    except ResultError:
        return {}
    rows = zip(*(table.words(name) for name in _COLUMNS), strict=True)
    return {zone: weaker for sides, movement, zone, signal, weaker in rows if (sides, movement, signal) == (BEST, "0", WHOLE_ZONE)}
