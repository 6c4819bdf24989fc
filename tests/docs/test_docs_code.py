"""Code and commands in README and docs/ are what the program knows: code runs, commands are parsed, the tour is walked."""

from __future__ import annotations

import contextlib
import io

import pandas as pd
import pytest
import typer.main
from docs_pages import PAGES, command_lines, mentioned_commands, mentioned_options, python_blocks
from typer.testing import CliRunner

from face_mirror_au.cli.app import app

CLI = typer.main.get_command(app)
# What must be true after a page's code: patient.mp4 smiles on the left only. docs/hooks.md has a test of its own (tests/hooks).
OUTCOMES = {
    "README.md": "len(result.table) == 56 and result.table['AU12_r'].max() > 1 and result.page.exists()",
    "docs/tour.md": "left['AU12_r'].max() > 4 * right['AU12_r'].max() and table['frame'].iloc[0] == 1",
    "docs/researchers.md": "intensities.shape == (56, 17) and set(smile['view']) == {'original', 'left_mirrored', 'right_mirrored'}",
    "docs/python.md": "table['AU12_r'].max() > 1 and aus.intensity.shape == (56, 17)",
}


def commands(group=CLI, before=()):
    """Every command, its words before it."""
    if not hasattr(group, "commands"):
        yield before, group
        return
    for name, command in group.commands.items():
        yield from commands(command, (*before, name))


COMMANDS = dict(commands())
OPTIONS = {option for command in (CLI, *COMMANDS.values()) for each in command.params for option in (*each.opts, *each.secondary_opts)}


def parse(arguments, *, whole):
    """Let the command parse its arguments, and do nothing; `whole` says that none may be missing."""
    words = next((words for words in COMMANDS if tuple(arguments[: len(words)]) == words), None)
    if words is None:
        assert arguments[0] in OPTIONS or arguments == ["weights"], f"no such command: {arguments}"
        return
    try:
        with CLI.make_context("face-mirror-au", [], resilient_parsing=True) as parent, contextlib.redirect_stdout(io.StringIO()):
            COMMANDS[words].make_context(words[-1], list(arguments[len(words) :]), parent=parent)
    except Exception as error:
        # Typer's Click is a part of it or a package of its own, depending on the version: names instead of classes.
        if type(error).__name__ == "Exit" or (type(error).__name__ == "MissingParameter" and not whole):
            return
        raise AssertionError(f"face-mirror-au {' '.join(arguments)}: {error}") from error


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_on_a_page_exist(page):
    for line in command_lines(page):
        parse(line, whole=True)
    for mention in mentioned_commands(page):
        parse(mention, whole=False)
    assert mentioned_options(page) - OPTIONS == set()


def test_wrong_commands_and_options_would_be_noticed():
    assert sum(len(command_lines(page)) for page in PAGES) > 30
    for wrong in (["rum", "patient.mp4"], ["run", "patient.mp4", "--vews", "original"], ["compare"], ["live", "--camera", "x"]):
        with pytest.raises(AssertionError):
            parse(wrong, whole=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_tour_can_be_walked(tried):
    folder, said = tried
    assert "56 frames decoded, 56 rows, 0 failed" in said["run patient.mp4 -o results"]
    page = (folder / "results" / "patient" / "patient.report.html").read_text("utf-8")
    assert "smile on the left only" in page
    changed = pd.read_csv(folder / "compared" / "compare.csv").set_index(["sides", "of", "measure"]).sort_index().loc[("mirrored", "AU12")]
    assert changed.loc["right", "change"] > 1 > abs(changed.loc["left", "change"])
    assert pd.read_csv(folder / "results" / "batch.csv")["status"].tolist() == ["done"]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page) and page != "docs/hooks.md"])
def test_code_on_a_page_runs(page, inside):
    for line in command_lines(page):
        if line[0] == "convert":
            done = CliRunner().invoke(app, line)
            assert done.exit_code == 0, done.output
    names = {}
    for block in python_blocks(page):
        exec(compile(block, page, "exec"), names)  # noqa: S102 - our own documentation
    assert eval(OUTCOMES[page], names)  # noqa: S307
