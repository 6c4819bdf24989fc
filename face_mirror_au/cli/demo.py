"""`face-mirror-au demo`: a real face clip through the whole pipeline, a look at the rows, and the report page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from face_mirror_au.cli.options import Weights, open_store
from face_mirror_au.cli.run import mirror
from face_mirror_au.cli.terminal import ExitCode, one_line_errors, say, say_table

if TYPE_CHECKING:
    import pandas as pd

LABEL = "demo"
SHOWN_AUS = ("AU01", "AU04", "AU06", "AU12", "AU25", "AU45")
SHOWN_ROWS = 13


@one_line_errors
def demo(
    output_dir: Annotated[Path, typer.Option("-o", "--output-dir", metavar="DIR", help="Where the files go.")] = Path("demo-out"),
    clip: Annotated[Path | None, typer.Option(metavar="VIDEO", help="Another clip than the one of `weights fetch demo-clip`.")] = None,
    profile: Annotated[str, typer.Option(help="Model set; open is the one that anyone may use.")] = "open",
    weights: Weights = None,
) -> None:
    """Run the demo clip (a face from neutral to a smile) in three views, print some rows, write the report. Needs `weights fetch open`."""
    video = clip or open_store(weights).require("demo_clip", fetch="open demo-clip")
    code: int = ExitCode.OK
    try:
        mirror(videos=[video], output_dir=output_dir, subject=LABEL, profile=profile, weights=weights)
    except typer.Exit as done:
        code = done.exit_code
    if code in {ExitCode.OK, ExitCode.PARTIAL}:
        _show(output_dir / LABEL)
    raise typer.Exit(code)


def _show(folder: Path) -> None:
    import numpy as np
    import pandas as pd

    views = {view: pd.read_csv(folder / f"{LABEL}{ending}.csv") for view, ending in _VIEWS.items()}
    columns = [f"{au}_r" for au in SHOWN_AUS]
    _print("Every few frames of the demo clip: action units of the whole face, 0 to 5", views["whole face"], columns)
    peak = int(np.nanargmax(views["whole face"]["AU12_r"].to_numpy()))
    at_peak = pd.DataFrame([rows.iloc[peak] for rows in views.values()], index=list(views))
    _print(f"The three views at the largest smile, frame {peak + 1}", at_peak, columns, labels=True)
    sides = folder / f"{LABEL}.sides.csv"
    if sides.exists():
        row = pd.read_csv(sides).iloc[peak]
        table = pd.DataFrame(
            [{f"{au}_r": row[f"{au}_{side}"] for au in SHOWN_AUS} for side in ("left", "right")],
            index=["the subject's left", "the subject's right"],
        )
        _print(f"The two sides of the unmirrored face, the same frame (AUxx_left, AUxx_right of {sides.name})", table, columns, labels=True)
    say(f"All columns and rows: {folder / f'{LABEL}.csv'}")
    say(f"Left against right, open it in a browser: {folder / f'{LABEL}.report.html'}")


_VIEWS = {"whole face": "", "left half twice": "_left_mirrored", "right half twice": "_right_mirrored"}


def _print(title: str, rows: pd.DataFrame, columns: list[str], *, labels: bool = False) -> None:
    from rich.table import Table

    first = [] if labels else [name for name in ("frame", "timestamp", "success", "confidence") if name in rows]
    shown = [name.removesuffix("_r") for name in columns] if labels else columns
    table = Table(*([""] if labels else []), *first, *shown, title=title)
    step = max(1, len(rows) // SHOWN_ROWS)
    for position in range(0, len(rows), step):
        row = rows.iloc[position]
        table.add_row(*([str(rows.index[position])] if labels else []), *(_cell(row, name) for name in (*first, *columns)))
    say_table(table)


def _cell(row: pd.Series, name: str) -> str:
    value = row[name]
    if math.isnan(value):  # not measured
        return ""
    return f"{value:.0f}" if name in {"frame", "success"} else f"{value:.2f}"
