"""`face-mirror-au agreement`: two tables of one recording in OpenFace's columns, beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from face_mirror_au.cli.terminal import one_line_errors, say


@one_line_errors
def agreement(
    first: Annotated[Path, typer.Argument(metavar="OURS.csv", help="A table of `run` in the format openface.")],
    second: Annotated[Path, typer.Argument(metavar="THEIRS.csv", help="OpenFace's table of the same recording; plain or .gz.")],
    every: Annotated[bool, typer.Option("--every-column", help="A line for each landmark, not one for all 68.")] = False,
) -> None:
    """Compare two tables of the same recording: correlation, mean and largest difference of each column.

    Made for `run --profile openface` against the C++ program, and good for any two tables in OpenFace's columns. Rows belong together by
    their frame. Columns but success and confidence are compared where both tables have a success.
    """
    from face_mirror_au.tables.agreement import table_agreement
    from face_mirror_au.wording import counted

    found = table_agreement(first, second)
    say(f"{'column':<28}{'rows':>8}{'r':>9}{'mean':>11}{'largest':>11}{'equal':>9}")
    for each in found.columns if every else found.grouped():
        numbers = f"{each.correlation:>9.4f}{each.mean:>11.4g}{each.largest:>11.4g}{100 * each.equal:>7.1f} %"
        say(f"{each.column:<28}{each.rows:>8}{numbers}")
    say(f"{counted(found.rows, 'row')} in both; only in the first {found.rows_only[0]}, only in the second {found.rows_only[1]}")
    for where, names in zip(("first", "second"), found.columns_only, strict=True):
        if names:
            say(f"only in the {where}: {', '.join(names)}")
