"""`face-mirror-au convert`: tables in another form, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from face_mirror_au.cli.terminal import one_line_errors, say
from face_mirror_au.errors import UsageError


@one_line_errors
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A table (CSV or Parquet) that this program wrote, or the folder of a run.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="FILE.csv, FILE.parquet, or, of a run, FILE.xlsx.")],
    to: Annotated[str | None, typer.Option("--to", help="Columns: openface, minimal or face-mirror. Default: those of IN.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Lose what the other format has no columns or decimals for.")] = False,
) -> None:
    """Write a table as CSV or Parquet, in its own format or another one; a whole run as one tidy Parquet table or as an Excel workbook.

    From CSV to Parquet and back nothing is lost: the same bytes come out. Parquet keeps the run's metadata and what each column means.
    A workbook has a sheet for each table of the run; none of its cells is a formula.
    Parquet needs pyarrow (pip install pyarrow), Excel needs XlsxWriter (pip install xlsxwriter).
    """
    if not source.is_dir():
        from face_mirror_au.results.convert import convert_table

        say(str(convert_table(source, output, to, drop=drop)))
        return
    from face_mirror_au.results.result import find_result
    from face_mirror_au.results.tidy import write_tidy
    from face_mirror_au.results.workbook import is_workbook, write_workbook

    if to is not None or drop:
        raise UsageError("--to and --drop are for a single table; a whole run becomes one tidy Parquet table, or a workbook")
    if is_workbook(output):
        say(str(write_workbook(source, output)))
        return
    say(str(write_tidy(*find_result(source), output)))
