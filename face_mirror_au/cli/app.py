"""All commands, and what the process does when it starts and ends."""

from __future__ import annotations

import os
from itertools import takewhile
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from face_mirror_au import __version__
from face_mirror_au.cli import weights
from face_mirror_au.cli.agreement import agreement
from face_mirror_au.cli.batch import batch
from face_mirror_au.cli.compare import compare
from face_mirror_au.cli.convert import convert
from face_mirror_au.cli.demo import demo
from face_mirror_au.cli.host import host
from face_mirror_au.cli.info import info
from face_mirror_au.cli.landmarks import au_from_landmarks
from face_mirror_au.cli.live import live
from face_mirror_au.cli.movements import movements
from face_mirror_au.cli.plugins import plugins
from face_mirror_au.cli.recover import recover
from face_mirror_au.cli.report import report
from face_mirror_au.cli.run import mirror, quiet_library_logs, run
from face_mirror_au.wording import printable


class _Commands(TyperGroup):
    """The commands. A file whose name begins with a dash is told from an option that does not exist."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        found = super().resolve_command(ctx, args)
        _, command, words = found
        known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} if command is not None else set()
        for word in takewhile(lambda word: word != "--", words):
            if word.startswith("-") and word not in known and os.path.lexists(word):
                ctx.fail(f"'{printable(word)}' begins with a dash, as options do; say './{printable(word)}'")
        return found


app = typer.Typer(
    name="face-mirror-au",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Facial action units of videos, for facial palsy, left against right. Research use; not a medical device.",
)
app.command("run")(run)
app.command("mirror")(mirror)
app.command("batch")(batch)
app.command("live")(live)
app.command("au-from-landmarks")(au_from_landmarks)
app.command("recover")(recover)
app.command("report")(report)
app.command("compare")(compare)
app.command("agreement")(agreement)
app.command("convert")(convert)
app.command("movements")(movements)
app.command("demo")(demo)
app.command("plugins")(plugins)
app.command("host")(host)
app.command("info")(info)
app.add_typer(weights.app, name="weights")


def _show_version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    quiet_library_logs()
