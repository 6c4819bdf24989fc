"""`face-mirror-au weights`: the model files, seen, fetched, imported and verified from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table

from face_mirror_au.cli.terminal import ExitCode, error_console, one_line_errors, print_error, say, say_block, say_table
from face_mirror_au.models.catalogue import PROFILES
from face_mirror_au.wording import counted
from face_mirror_weights import folders
from face_mirror_weights.download import Progress as ProgressCallback
from face_mirror_weights.fetch import MIRROR_VARIABLE, fetch_set
from face_mirror_weights.import_folder import import_files, plan_import
from face_mirror_weights.manifest import Licence, Manifest, load_manifest
from face_mirror_weights.store import Store
from face_mirror_weights.verify import verify_store

app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Model files: what there is, where it is, and how to get it.\n\n"
        f"Searched in this order, any layout, six levels deep: --weights DIR, {folders.WEIGHTS_VARIABLE}, {folders.OPENFACE_VARIABLE}, "
        "pyfaceau's default folder, our own data folder. `fetch` and `import` write to our own data folder, or to --to DIR."
    ),
)

_WEIGHTS_DIR = "face_mirror_au.weights_dir"  # in typer's Context.meta, which nested commands share

_Weights = Annotated[Path | None, typer.Option("--weights", metavar="DIR", help="Look in this folder first.")]
_To = Annotated[
    Path | None,
    typer.Option("--to", metavar="DIR", help="Write to this folder; without it, to our own data folder (`weights path` shows it)."),
]
_Accept = Annotated[
    bool,
    typer.Option(
        "--accept-license", help="You have read and accept the licences (`weights licenses`); for scripts, in place of typing YES."
    ),
]


@app.callback()
def _options(
    context: typer.Context,
    weights: _Weights = None,
) -> None:
    if weights is not None:
        context.meta[_WEIGHTS_DIR] = weights


@app.command("list")
@one_line_errors
def list_sets(
    context: typer.Context,
    files: Annotated[bool, typer.Option("--files", help="One line for each file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON on stdout.")] = False,
    weights: _Weights = None,
) -> None:
    """Show the model sets: what is there, where it was found, and under which licence.

    States, here and elsewhere: complete; incomplete (files are missing); damaged (a file has a model's name and another content); absent.
    """
    store = _store(context, weights)
    if as_json:
        say_block(json.dumps(_as_json(store), indent=2))
    elif files:
        say_table(_files_table(store))
    else:
        say_table(_sets_table(store))


@app.command("path")
@one_line_errors
def show_path(context: typer.Context, weights: _Weights = None) -> None:
    """Print our own data folder (first line), then the folders that are searched, in order."""
    say(str(folders.own_folder()))
    for folder in _store(context, weights).folders:
        say(f"  searched: {folder}{'' if folder.is_dir() else '  (absent)'}")


@app.command("fetch")
@one_line_errors
def fetch(
    sets: Annotated[
        list[str], typer.Argument(metavar="SET...", help="Sets to fetch, e.g. `openface` or `open` (`weights list` shows all).")
    ],
    to: _To = None,
    accept_license: _Accept = False,
    base_url: Annotated[str | None, typer.Option("--base-url", envvar=MIRROR_VARIABLE, hidden=True)] = None,
) -> None:
    """Fetch model sets: resumed where it was cut off, every file checked, installed only when all of a set is there.

    Proxies are taken from the usual environment variables. FACE_MIRROR_AU_MIRROR names the address of an internal copy of a weights folder.
    """
    manifest = load_manifest()
    if unknown := [name for name in sets if name not in manifest.sets]:
        raise typer.BadParameter(f"there is no model set {unknown[0]!r}; choose from: {', '.join(manifest.sets)}", param_hint="SET")
    for name in sets:
        manifest.require_fetchable(name)
    licences = {licence.id: licence for name in sets for licence in manifest.licences_of(name)}
    accepted = _ask(list(licences.values()), given=accept_license)
    target = _target(to)
    for name in sets:
        with _progress() as progress:
            result = fetch_set(name, target, licence_accepted=accepted, mirror=base_url, progress=progress)
        left_out = f"; not got, and not needed: {', '.join(result.left_out)}" if result.left_out else ""
        say(f"{name}: {counted(len(result.installed), 'file')} fetched, {len(result.present)} there before, in {target}{left_out}")


@app.command("import")
@one_line_errors
def import_from(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="An OpenFace checkout, a pyfaceau folder, any folder with the files.")],
    to: _To = None,
    accept_license: _Accept = False,
) -> None:
    """Copy model files that you have already. They are known by content, up to six levels deep; TFLite models are converted.

    Exit codes: 0 all done; 1 failed; 3 done, but a set of which files came is left incomplete.
    """
    manifest = load_manifest()
    plan = plan_import(folder)
    accepted = _ask(plan.licences, given=accept_license)
    target = _target(to)
    result = import_files(plan, target, licence_accepted=accepted)
    say(f"{counted(len(result.installed), 'file')} imported, {len(result.present)} there before, in {target}")
    for damaged in plan.damaged:
        print_error(
            f"{damaged.path} ({counted(damaged.size, 'byte')}) has a model's name, another content: not imported",
            "warning",
            "yellow",
        )
    if _warn_of_incomplete(manifest, target):
        raise typer.Exit(ExitCode.PARTIAL)


@app.command("verify")
@one_line_errors
def verify(context: typer.Context, weights: _Weights = None) -> None:
    """Read every model file anew, in all folders that are searched, and compare it with its SHA-256.

    One line for each set: complete; incomplete: files are missing, they are named; damaged: a file has a model's name and another content,
    and no good one lies elsewhere; absent: nothing of it is here, which is no error. Nothing is changed: `weights fetch SET` gets anew what
    is damaged or missing. Exit code 1 when a set is damaged or incomplete, else 0.
    """
    store = _store(context, weights)
    reports = verify_store(store)
    for report in reports:
        say(f"{report.name}: {report.state}, {len(report.good)} of {counted(len(report.good) + len(report.missing), 'file')} good")
        for damaged in report.damaged:
            spare = "" if damaged.key in report.missing else "  (not used, a good one lies elsewhere)"
            say(f"  damaged: {damaged.path} ({counted(damaged.size, 'byte')}){spare}")
        if report.state in ("damaged", "incomplete"):
            unnamed = {each.key for each in report.damaged}
            for key in (key for key in report.missing if key not in unnamed):
                say(f"  missing: {key}")
    bad = [report.name for report in reports if report.state in ("damaged", "incomplete")]
    if bad:
        print_error(f"to get them anew, {store.manifest.remedies(bad)}", "error")
        raise typer.Exit(ExitCode.FAILED)


@app.command("licenses")
@one_line_errors
def licenses(context: typer.Context, weights: _Weights = None) -> None:
    """Print the licence of every set, where its full text is, and what each profile serves."""
    store = _store(context, weights)
    for model_set in store.manifest.sets.values():
        if model_set.licence is None:
            continue
        say(f"{model_set.name}: {model_set.title}")
        say_block(_licence_text(model_set.licence))
        text = store.find("OpenFace-license.txt") if model_set.licence.id == "openface" else None
        if text is not None:
            say(f"Full text on this machine: {text}")
        say()
    say("Which profile (`--profile`) serves what:")
    for name, profile in PROFILES.items():
        say(f"  {name}: {profile.serves}")


def _store(context: typer.Context, weights: Path | None) -> Store:
    """The store; `--weights` may stand before the command or behind it."""
    return Store.default(weights or context.meta.get(_WEIGHTS_DIR), origin="--weights")


def _target(to: Path | None) -> Path:
    return (to or folders.own_folder()).expanduser().absolute()


def _ask(licences: Sequence[Licence], *, given: bool) -> bool:
    """Show the licences that ask for acceptance and have YES typed; False when it was not, or when nobody is there to ask."""
    asking = [licence for licence in licences if licence.ask]
    if not asking or given:
        return given
    for licence in asking:
        say_block(_licence_text(licence) + "\n", err=True)
    if not _somebody_to_ask():
        say("No terminal to answer on.", err=True)
        return False
    answer: str = typer.prompt("Type YES to accept, anything else to stop", default="no", show_default=False, err=True)
    return answer.strip() == "YES"


def _somebody_to_ask() -> bool:
    return sys.stdin.isatty()


def _licence_text(licence: Licence) -> str:
    return f"Licence: {licence.name}\n{licence.summary}\n{licence.url}"


def _warn_of_incomplete(manifest: Manifest, target: Path) -> bool:
    """Name the sets of which an import brought a part only; whether there are any."""
    store = Store([target])
    found = False
    for model_set in manifest.sets.values():
        missing = store.missing(model_set.name)
        total = store.total(model_set.name)
        if store.state(model_set.name) in ("incomplete", "damaged") and not model_set.sets:
            found = True
            named = missing[0] if len(missing) == 1 else f"{missing[0]} and {len(missing) - 1} more"
            print_error(
                f"{model_set.name} is incomplete, {len(missing)} of {counted(total, 'file')} missing ({named}): "
                f"{manifest.remedies([model_set.name])}, or import another folder",
                "partial",
                "yellow",
            )
    return found


def _sets_table(store: Store) -> Table:
    table = Table("set", "state", "files", "where", "licence", "what it is")
    for model_set in store.manifest.sets.values():
        required = [file for file in store.manifest.files_of(model_set.name) if file.required]
        found = [found for file in required if (found := store.locate(file.key))]
        where = "\n".join(dict.fromkeys(str(each.folder) for each in found)) or "-"
        count = f"{len(found)} of {len(required)}"
        licence = model_set.licence.name if model_set.licence else f"= {' + '.join(model_set.sets)}"
        table.add_row(model_set.name, store.state(model_set.name), count, escape(where), licence, model_set.title)
    _fold(table)
    return table


def _files_table(store: Store) -> Table:
    table = Table("set", "file", "where")
    for file in store.manifest.files.values():
        table.add_row(file.set_name, file.key, escape(str(store.find(file.key) or ("-" if file.required else "- (not needed)"))))
    _fold(table)
    return table


def _fold(table: Table) -> None:
    """Break long paths instead of cutting them off: a path must be readable in full."""
    for column in table.columns:
        column.overflow = "fold"


def _as_json(store: Store) -> dict[str, Any]:
    manifest = store.manifest
    return {
        "folders": [str(folder) for folder in store.folders],
        "sets": {
            model_set.name: {
                "title": model_set.title,
                "licence": model_set.licence.name if model_set.licence else None,
                "sets": list(model_set.sets),
                "state": store.state(model_set.name),
                "complete": store.has_set(model_set.name),
                "missing": store.missing(model_set.name),
            }
            for model_set in manifest.sets.values()
        },
        "files": {
            file.key: {
                "set": file.set_name,
                "required": file.required,
                "path": str(found.path) if (found := store.locate(file.key)) else None,
                "sha256": found.sha256 if found else None,
            }
            for file in manifest.files.values()
        },
    }


@contextmanager
def _progress() -> Iterator[ProgressCallback | None]:
    """A bar for each file on a terminal; nothing in a pipe."""
    console = error_console()
    if not console.is_terminal:
        yield None
        return
    tasks: dict[str, TaskID] = {}
    with Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=console, transient=True) as bars:

        def report(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(escape(label), total=total)
            bars.update(tasks[label], completed=done, visible=done < total)

        yield report
