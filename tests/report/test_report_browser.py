"""The page in a real browser: it loads without a complaint, shows something, and is not wider than a phone."""

from __future__ import annotations

import subprocess

import cv2
import numpy as np
import pytest
from report_folder import BUMP, find_chromium, make_run, values

from face_mirror_au.report.write import write_report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def browser():
    return find_chromium()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    # As full as a page can be: both sections, a gap, an empty unit, a warning, a picture.
    _, picture = cv2.imencode(".png", np.full((120, 160, 3), (40, 160, 90), np.uint8))
    folder = make_run(
        tmp_path_factory.mktemp("browser"), "a <b>name", failed=(6, 7), empty=("AU20",), warnings=["a second face was seen"],
        sides=(values(AU12=BUMP), values(AU12=BUMP / 2)),
    )  # fmt: skip
    return write_report(folder, "a <b>name", pictures={"the peak": picture.tobytes()})


def run(browser, tmp_path, *arguments):
    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        *quiet,
        "--enable-logging=stderr",
        f"--user-data-dir={tmp_path}/profile",
    ]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, complaints


def screenshot(browser, tmp_path, url, width, height):
    path = tmp_path / "shot.png"
    _, complaints = run(browser, tmp_path, f"--window-size={width},{height}", f"--screenshot={path}", url)
    assert complaints == []
    return cv2.imread(str(path)).astype(int)


def test_complaints_of_the_browser_are_heard(browser, tmp_path):
    """Else the other tests would say nothing."""
    wrong = tmp_path / "wrong.html"
    wrong.write_text(
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\"><img src='other.png'><script>alert(1)</script>"
    )
    assert run(browser, tmp_path, "--dump-dom", wrong.as_uri())[1]


def test_it_loads_without_a_complaint_and_is_whole(browser, tmp_path, page):
    dom, complaints = run(browser, tmp_path, "--dump-dom", page.as_uri())
    assert complaints == []
    assert "<h1>a &lt;b&gt;name <span" in dom
    assert dom.count("<svg") == page.read_text(encoding="utf-8").count("<svg")
    assert 'id="versions"' in dom


def test_something_is_seen(browser, tmp_path, page):
    shot = screenshot(browser, tmp_path, page.as_uri(), 1200, 4000)
    inked = (shot.min(axis=2) < 128).mean(axis=1)
    bands = [float(band.mean()) for band in np.array_split(inked, 8)]
    assert min(bands) > 0.002, "every eighth of the page has ink"
    assert max(bands) < 0.4
    blue, vermilion = (np.abs(shot - colour).sum(axis=2).min() for colour in ((0x8F, 0x58, 0x00), (0x00, 0x4A, 0xB0)))
    assert blue < 12
    assert vermilion < 12
    green = (np.abs(shot - (90, 160, 40)[::-1]).sum(axis=2) < 12).sum()
    assert green > 5_000, "the picture"


def test_it_fits_a_phone(browser, tmp_path, page):
    # Headless windows are at least 500 px wide: the phone is a frame of 360 px in one. What is wider than it would move its right edge.
    frame = tmp_path / "phone.html"
    frame.write_text(
        f"<body style='margin:0;background:#f0f'><iframe src='{page.as_uri()}' style='width:360px;height:3000px;border:0'></iframe>"
        "<style>body{overflow:hidden}</style>"
    )
    shot = screenshot(browser, tmp_path, frame.as_uri(), 600, 3000)
    inside = shot[:, :360]
    margin = inside[:, 352:]
    assert (inside.min(axis=2) < 128).mean() > 0.02, "the page is there"
    assert (margin.min(axis=2) > 230).all(), "nothing runs over the right margin"
