"""`face-mirror-au demo`: a real face clip through the whole pipeline, and a look at the rows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from face_mirror_au.cli.options import Weights, open_store
from face_mirror_au.cli.run import run
from face_mirror_au.cli.terminal import ExitCode, one_line_errors, say, say_table

if TYPE_CHECKING:
    import pandas as pd

SHOWN_AUS = ("AU01_r", "AU04_r", "AU06_r", "AU12_r", "AU25_r", "AU45_r")
SHOWN_ROWS = 13


@one_line_errors
def demo(
    output_dir: Annotated[Path, typer.Option("-o", "--output-dir", metavar="DIR", help="Where the files go.")] = Path("demo-out"),
    clip: Annotated[Path | None, typer.Option(metavar="VIDEO", help="Another clip than the one of `weights fetch demo-clip`.")] = None,
    weights: Weights = None,
) -> None:
    """Run the demo clip (a face from neutral to a smile) and print some of its rows. Needs `weights fetch open demo-clip` once."""
    video = clip or open_store(weights).require("demo_clip", fetch="open demo-clip")
    code: int = ExitCode.OK
    try:
        run(videos=[video], output_dir=output_dir, subject="demo", weights=weights)
    except typer.Exit as done:
        code = done.exit_code
    if code in {ExitCode.OK, ExitCode.PARTIAL}:
        _show(output_dir / "demo" / "demo.csv")
    raise typer.Exit(code)


def _show(csv: Path) -> None:
    import pandas as pd
    from rich.table import Table

    rows = pd.read_csv(csv)
    has_aus = bool(rows["AU12_r"].notna().any())
    shown = [name for name in SHOWN_AUS if name in rows] if has_aus else ["x_48", "y_48", "x_54", "y_54", "pose_Rx", "pose_Ry", "pose_Rz"]
    columns = ["frame", "timestamp", "success", "confidence", *shown]
    table = Table(*columns, title="Every few frames of the demo clip")
    step = max(1, len(rows) // SHOWN_ROWS)
    for position in range(0, len(rows), step):
        table.add_row(*(_cell(rows.iloc[position], name) for name in columns))
    say_table(table)
    if not has_aus:
        say("No action units yet: 'face-mirror-au weights fetch openface-au' adds OpenFace's models (non-commercial research only).")
    say(f"All columns and rows: {csv}")


def _cell(row: pd.Series, name: str) -> str:
    value = row[name]
    if math.isnan(value):  # not measured
        return ""
    return f"{value:.0f}" if name in {"frame", "success"} else f"{value:.2f}"
