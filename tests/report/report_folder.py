"""A run's folder made by hand, and a reader of the page that comes out."""

from __future__ import annotations

import csv
import json
import os
import shutil
from contextlib import contextmanager
from html.parser import HTMLParser

import numpy as np
import pytest

from face_mirror_au.records import INTENSITY_AUS

N = 12
SIDELESS = ("AU17", "AU26")
VOID = {"meta", "link", "img", "br", "hr", "input"}


def column(au):
    return INTENSITY_AUS.index(au)


def values(**units):
    """(N, 17) intensities: zeros, and what is given."""
    table = np.zeros((N, len(INTENSITY_AUS)))
    for au, given in units.items():
        table[:, column(au)] = given
    return table


BUMP = np.array([0, 0, 0.5, 1.25, 2.5, 3.75, 2.5, 1.25, 0.5, 0, 0, 0])


def metadata(**changes):
    content = {
        "versions": {"face-mirror-au": "0.1.0", "python": "3.12.1", "pyfhog": None},
        "input": {"kind": "video", "width": 640, "height": 480, "timestamps": "container", "flipped_input": False, "sha256": "ab" * 32},
        "models": {
            "profile": "hybrid", "reason": "asked for", "detector": "blazeface", "landmarks": "attention_mesh", "au_bank": "OpenFace 2.2",
            "au_bank_version": "2.2.0", "au_models": "dynamic",
        },
        "baseline": "own",
        "settings": {"format": "openface"},
        "frames": {"decoded": N, "original": {"rows": N, "failed": 0, "reasons": {}}},
        "problems": [], "warnings": [], "notes": [], "worker_losses": [], "files": [".csv"],
    }  # fmt: skip
    return content | changes


def cell(value):
    return "" if np.isnan(value) else f"{value:.2f}"


def write_rows(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        writer.writerows(rows)


def make_run(folder, stem="p", *, left=None, right=None, failed=(), empty=(), yaw_deg=1.0, strict=False, sides=None, **changes):
    """Write the files of a run; `failed` are rows (from 0) without a face, `empty` the action units that the bank does not have."""
    left = values(AU12=BUMP) if left is None else left
    right = values(AU12=BUMP / 3) if right is None else right
    time = np.arange(N) / 10
    success = [int(row not in failed) for row in range(N)]
    gone = 0.0 if strict else np.nan

    def shown(table):
        table = table.copy()
        for au in empty:
            table[:, column(au)] = np.nan
        table[list(failed)] = gone
        return table

    folder.mkdir(parents=True, exist_ok=True)
    header = ["frame", "timestamp", "success", *(f"{au}_r" for au in INTENSITY_AUS)]
    for name, table in ((f"{stem}_left_mirrored.csv", left), (f"{stem}_right_mirrored.csv", right)):
        rows = [[i + 1, f"{time[i]:.3f}", success[i], *map(cell, shown(table)[i])] for i in range(N)]
        write_rows(folder / name, header, rows)
    yaw = np.broadcast_to(np.radians(yaw_deg), (N,))
    write_rows(
        folder / f"{stem}.csv",
        ["frame", "timestamp", "success", "pose_Ry"],
        [[i + 1, f"{time[i]:.3f}", success[i], f"{yaw[i]:.3f}" if success[i] else "0" if strict else ""] for i in range(N)],
    )
    views = ("original", "left_mirrored", "right_mirrored")
    write_rows(
        folder / f"{stem}.raw.csv",
        ["frame", "timestamp", "view", "success", *(f"{au}_raw" for au in INTENSITY_AUS), "reason"],
        [
            [i + 1, f"{time[i]:.6f}", view, success[i], *[""] * len(INTENSITY_AUS), "" if success[i] else "no face"]
            for i in range(N)
            for view in views
        ],
    )
    counts = {"rows": N, "failed": len(failed), "reasons": {"no face": len(failed)} if failed else {}}
    content = metadata(**({"frames": {"decoded": N} | dict.fromkeys(views, counts)} | changes))
    (folder / f"{stem}.metadata.json").write_text(json.dumps(content), encoding="utf-8")
    if sides is not None:
        write_sides(folder / f"{stem}.sides.csv", *sides, time, success)
    return folder


def write_sides(path, left, right, time, success):
    """`<stem>.sides.csv`, columns of the chin and the jaw empty."""
    header = ["frame", "timestamp", "success"]
    for au in INTENSITY_AUS:
        header += [f"{au}_left", f"{au}_right", f"{au}_left_raw", f"{au}_right_raw"]
    rows = []
    for i in range(N):
        row = [i + 1, f"{time[i]:.3f}", success[i]]
        for au in INTENSITY_AUS:
            pair = [left[i, column(au)], right[i, column(au)]]
            there = success[i] and au not in SIDELESS
            row += [f"{value:.2f}" for value in pair] + [f"{value - 0.3:.6f}" for value in pair] if there else [""] * 4
        rows.append(row)
    write_rows(path, header, rows)


class Page(HTMLParser):
    """What a test asks of a page: its elements, its words, and the numbers by section, unit and measure."""

    def __init__(self, text):
        super().__init__()
        self.text = text
        self.elements = []
        self.numbers = {}
        self.words = []
        self.open = []
        self.sections = {}
        self._section = None
        self._cell = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self._section = found["id"]
        if "data-measure" in found:
            self._cell = (self._section, found["data-of"], found["data-measure"])
            self.numbers[self._cell] = (found.get("data-value"), "")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        if tag == "td":
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            value, shown = self.numbers[self._cell]
            self.numbers[self._cell] = (value, shown + data)
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words.append(data)
            self.sections.setdefault(self._section, []).append(data)

    @property
    def said(self):
        return " ".join(" ".join(self.words).split())

    def said_in(self, section):
        return " ".join(" ".join(self.sections[section]).split())

    def number(self, of, measure, section="mirrored"):
        return float(self.numbers[section, of, measure][0])

    def shown(self, of, measure, section="mirrored"):
        return self.numbers[section, of, measure][1].strip()


def find_chromium():
    """Path of a browser; without one the test is skipped, in CI it fails."""
    found = next(
        (path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")) if path),
        None,
    )
    if found is None:
        message = "there is no Chromium here; install one (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


@contextmanager
def launched_chromium():
    """A browser that playwright drives; without either the test is skipped, in CI a missing browser fails it."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
