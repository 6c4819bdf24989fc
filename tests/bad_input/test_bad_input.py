"""What fuzzing began with and what it found, once more: bad input gives one of our errors with one line, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_mirror_au.media.images import _natural
from fuzz.contract import CORPUS, FINDINGS, run
from fuzz.targets import TARGETS

SLOW = {"metadata", "result_table", "tracking", "open_bank"}


def inputs(folder: Path, name: str) -> list[Path]:
    return sorted((folder / name).iterdir()) if (folder / name).is_dir() else []


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_is_taken_or_refused_in_one_line(name):
    found = inputs(CORPUS, name)
    assert len(found) >= 2
    refused = [run(TARGETS[name], path.read_bytes()) for path in found]
    assert None in refused, "a corpus without any good input tries the first check only"


@pytest.mark.parametrize("path", [pytest.param(path, id=f"{name}-{path.name}") for name in TARGETS for path in inputs(FINDINGS, name)])
def test_what_was_found_stays_mended(path):
    run(TARGETS[path.parent.name], path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs(name):
    """A few changes of each seed, as a reminder of `make fuzz`: bytes replaced, left out and put in."""
    starts = [path.read_bytes() for path in inputs(CORPUS, name)]
    few = settings(max_examples=10 if name in SLOW else 40, suppress_health_check=list(HealthCheck))

    @few
    @given(st.sampled_from(starts), st.floats(0, 1), st.binary(max_size=8), st.integers(0, 8))
    def change(start, where, put_in, left_out):
        place = int(where * len(start))
        run(TARGETS[name], start[:place] + put_in + start[place + left_out :])

    change()


@settings(max_examples=100)
@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=20), max_size=8))
def test_any_names_of_images_have_an_order(names):
    paths = [Path(f"{name}.png") for name in [*names, "2", "10"]]
    backwards, ordered = paths[::-1], sorted(paths, key=_natural)
    assert ordered == sorted(backwards, key=_natural), "whatever the order in which the system lists them"
    assert ordered.index(Path("2.png")) < ordered.index(Path("10.png"))
