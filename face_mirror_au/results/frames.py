"""Rows of numbers as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def table_of(row: type[Any], rows: Iterable[Any]) -> pd.DataFrame:
    """Dataclasses of one kind as a table: NaN where there is no number."""
    columns = {column.name: column.type for column in fields(row)}
    numbers = [name for name, kind in columns.items() if kind == "float | None"]
    return frame_of(list(columns), map(astuple, rows), numbers)


def frame_of(columns: list[str], rows: Iterable[tuple[object, ...]], numbers: list[str]) -> pd.DataFrame:
    """Rows as a table, the columns `numbers` as float64."""
    import pandas as pd  # slow to import, and only needed here

    # Where all cells of a column are None, pandas would not know that it holds numbers.
    table: pd.DataFrame = pd.DataFrame(list(rows), columns=columns).astype(dict.fromkeys(numbers, float))
    return table
