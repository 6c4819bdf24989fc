"""Report page and comparison as people use them: a screen reader (axe-core), the keyboard alone, a phone, paper, no network."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from report_folder import BUMP, N, launched_chromium, make_run, metadata, values

from face_mirror_au.asymmetry.comparison import compare_units, compare_zones
from face_mirror_au.report.compare import write_comparison
from face_mirror_au.report.write import write_report
from face_mirror_au.results.result import read_result

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_PAGES = ("report", "compare", "compare-anyway", "compare-many")
A4_INSIDE = 688  # px: 210 mm without the margins of 14 mm, at 96 px an inch


@pytest.fixture(scope="module")
def chromium():
    with launched_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def axe():
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two visits, as full as pages can be: both kinds of sides, a gap, an empty unit, warnings, a turned head, an odd name."""
    root = tmp_path_factory.mktemp("pages")
    left, right = values(AU12=BUMP, AU45=BUMP * 0.8, AU06=BUMP / 2), values(AU12=BUMP / 3, AU45=BUMP / 4)
    make_run(root / "first", "a <b>name", left=left, right=right, empty=("AU20",), sides=(values(AU12=BUMP), values(AU12=BUMP / 2)))
    later = values(AU12=np.roll(BUMP, 2) * 0.6, AU45=BUMP / 4)
    make_run(
        root / "second", "a <b>name", left=left, right=later, failed=(6, 7, 8), empty=("AU20",), yaw_deg=7.0,
        warnings=["a second face was seen"], problems=["the end could not be decoded"], sides=(values(AU12=BUMP), values(AU12=BUMP)),
        models={
            "profile": "openface-pfld", "detector": "retinaface", "landmarks": "pfld", "au_bank": "OpenFace 2.2", "au_models": "static",
        },
        baseline="shared", settings={"strict": True}, versions={"face-mirror-au": "0.2.0", "numpy": "2.0"},
    )  # fmt: skip
    make_run(
        root / "third", "a long name without any blank in it_2026-04-17_visit_3", left=right, right=later, failed=(1,), sides=(left, later)
    )
    errors = metadata()["models"] | {"side_errors": {"AU12": 0.5, "AU45": 0.4}}
    for number in range(1, 6):
        sides = (left, values(AU12=BUMP * number / 5, AU45=BUMP / 4))
        run = make_run(root / f"visit{number}", f"a <b>name_2026-0{number}-01", left=left, right=later, sides=sides, models=errors)
        (run / f"a <b>name_2026-0{number}-01.movements.csv").write_text("start_s,end_s,action\n0.1,0.95,BS\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def paths(folder):
    _, picture = cv2.imencode(".png", np.full((120, 160, 3), (40, 160, 90), np.uint8))
    return {
        "report": write_report(folder / "second", "a <b>name", pictures={"the peak": picture.tobytes()}),
        "compare": write_comparison([folder / "first", folder / "third"], folder / "compared")[0],
        "compare-anyway": write_comparison([folder / "first", folder / "second"], folder / "anyway", anyway=True)[0],
        "compare-many": write_comparison([folder / f"visit{number}" for number in range(1, 6)], folder / "many")[0],
    }


class Opened:
    """A page in a window, and what the browser said and asked for."""

    def __init__(self, chromium, path, *, width=1200, height=900, bypass_csp=False):
        self.context = chromium.new_context(viewport={"width": width, "height": height}, bypass_csp=bypass_csp)
        self.page = self.context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.mark.parametrize("name", _PAGES)
@pytest.mark.parametrize("width", [1200, 360])
def test_axe_finds_nothing(chromium, axe, paths, name, width):
    # axe is put into the page by the test; the page's own policy would refuse it.
    with Opened(chromium, paths[name], width=width, bypass_csp=True) as opened:
        found = opened.page.evaluate(axe + "\n;axe.run(document)")
    assert len(found["passes"]) > 20, "axe has looked"
    told = [f"{each['impact']}: {each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]
    assert told == []


def test_axe_hears_what_is_wrong(chromium, axe, tmp_path):
    """Else the test above would say nothing."""
    wrong = tmp_path / "wrong.html"
    wrong.write_text("<html><body><img src='data:,'><p style='color:#ccc;background:#fff'>pale</p></body></html>")
    with Opened(chromium, wrong) as opened:
        found = opened.page.evaluate(axe + "\n;axe.run(document)")
    assert {"image-alt", "color-contrast", "html-has-lang"} <= {each["id"] for each in found["violations"]}


@pytest.mark.parametrize("name", _PAGES)
def test_it_opens_without_a_complaint_and_asks_nobody(chromium, paths, name):
    with Opened(chromium, paths[name]) as opened:
        opened.page.wait_for_load_state("networkidle")
        assert opened.said == []
        assert [url for url in opened.asked if not url.startswith("data:")] == [paths[name].as_uri()]
        assert opened.page.locator("script").count() == 0
        assert opened.page.locator("h1").inner_text().startswith("a <b>name")


@pytest.mark.parametrize("name", _PAGES)
def test_every_link_leads_to_something_on_the_page(chromium, paths, name):
    with Opened(chromium, paths[name]) as opened:
        targets = opened.page.eval_on_selector_all("a", "links => links.map(a => a.getAttribute('href'))")
        assert len(targets) > 5
        assert [target for target in targets if opened.page.locator(f"[id='{target.removeprefix('#')}']").count() != 1] == []


@pytest.mark.parametrize("name", _PAGES)
def test_the_keyboard_reaches_the_skip_link_first_and_every_link_and_table(chromium, paths, name):
    with Opened(chromium, paths[name], width=360) as opened:
        page = opened.page
        wanted = page.locator("a[href], [tabindex='0']").count()
        order = []
        for _ in range(wanted):
            page.keyboard.press("Tab")
            order.append(
                page.evaluate("[document.activeElement.outerHTML.slice(0, 120), document.activeElement.matches(':focus-visible')]")
            )
            if len(order) == 1:
                box = page.locator(".skip").bounding_box()
                assert box["x"] >= 0, "the skip link is seen when it has the focus"
        assert order[0][0].startswith('<a class="skip"')
        assert all(visible for _, visible in order)
        assert len({html for html, _ in order}) >= len(page.query_selector_all("nav a")) + len(page.query_selector_all(".wide")) + 1
        page.evaluate("document.activeElement.blur()")
        page.reload()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('main').contains(document.activeElement)"), "Enter on it skips the list of sections"


@pytest.mark.parametrize("name", _PAGES)
def test_a_wide_table_scrolls_with_the_arrow_keys(chromium, paths, name):
    with Opened(chromium, paths[name], width=360) as opened:
        page = opened.page
        region = page.locator(".wide:has(.symmetry)").first
        region.focus()
        page.keyboard.press("ArrowRight")
        for _ in range(50):  # the page's policy refuses wait_for_function's script
            page.wait_for_timeout(100)
            if scrolled := page.evaluate("document.activeElement.scrollLeft"):
                break
        assert scrolled > 0


@pytest.mark.parametrize("name", _PAGES)
@pytest.mark.parametrize("width", [320, 360, 768, 1200])
def test_no_screen_scrolls_sideways(chromium, paths, name, width):
    with Opened(chromium, paths[name], width=width) as opened:
        page = opened.page
        assert page.evaluate("window.innerWidth") == width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        over = page.evaluate(
            """[...document.querySelectorAll('body *')].filter(e => !e.closest('.wide') && !e.closest('svg') && !e.matches('.skip, .hidden')
               && e.getBoundingClientRect().right > window.innerWidth + 0.5).map(e => e.outerHTML.slice(0, 100))"""
        )
        assert over == []


@pytest.mark.parametrize("name", _PAGES)
def test_on_a4_no_table_is_cut_off(chromium, paths, name, tmp_path):
    with Opened(chromium, paths[name], width=A4_INSIDE) as opened:
        page = opened.page
        page.emulate_media(media="print")
        edge = page.evaluate(
            "Math.max(...[...document.querySelectorAll('table, svg, dl, li, p')].map(e => e.getBoundingClientRect().right))"
        )
        assert 0 < edge <= A4_INSIDE + 0.5
        assert page.evaluate("[...document.querySelectorAll('.wide')].every(e => e.scrollWidth <= e.clientWidth)")
        page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    printed = (tmp_path / "page.pdf").read_bytes()
    boxes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", printed)
    assert 2 <= len(boxes) <= 12
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {(595, 842)}


ASYMMETRY_NUMBERS = ("start_s", "end_s", "left", "right", "difference", "ratio")


def _numbers(page):
    """(section, of, measure) to (value in full precision, what is seen)."""
    cells = page.eval_on_selector_all(
        "[data-value]",
        "all => all.map(e => [e.closest('section').id, e.dataset.of, e.dataset.measure, e.dataset.value, e.innerText])",
    )
    found = {(section, of, measure): (float(value), seen.strip()) for section, of, measure, value, seen in cells}
    assert len(found) == len(cells), "no number stands there twice"
    return found


def _decimals(seen):
    return len(seen.partition(".")[2])


@pytest.mark.parametrize(("name", "table"), [("compare", "compared"), ("compare-anyway", "anyway"), ("compare-many", "many")])
def test_every_number_of_the_comparison_is_that_of_its_table_and_none_is_missing(chromium, paths, folder, name, table):
    with Opened(chromium, paths[name]) as opened:
        shown = _numbers(opened.page)
    with (folder / table / "compare.csv").open(newline="", encoding="utf-8") as handle:
        rows = {(row["sides"], row["of"], row["measure"]): row for row in csv.DictReader(handle)}
    columns = next(iter(rows.values()))
    visits = {"change": "change"} | {name.removeprefix("visit_"): name for name in columns if name.startswith("visit_")}
    for (section, of, measure), (value, seen) in shown.items():
        visit, _, what = measure.partition("-")
        cell = rows[section, of, what][visits[visit]]
        assert float(cell) == value
        assert float(seen) == pytest.approx(value, abs=0.5 * 10.0 ** -_decimals(seen) + 1e-12)
    wanted = {
        (sides, of, f"{visit}-{measure}")
        for (sides, of, measure), row in rows.items() if sides != "quality"
        for visit, column in visits.items() if row[column]
    }  # fmt: skip
    assert wanted <= set(shown)
    assert len(wanted) > 150


def test_every_number_of_the_report_is_that_of_the_runs_tables(chromium, paths, folder):
    with Opened(chromium, paths["report"]) as opened:
        shown = _numbers(opened.page)
    run = read_result(folder / "second", "a <b>name")
    checked = 0
    for key, sides in run.sides.items():
        measures = {**compare_units(run.time_s, sides.left, sides.right)}
        measures |= {zone: found and found.sides for zone, found in compare_zones(run.time_s, sides.left, sides.right).items()}
        for of, found in measures.items():
            if found is None:
                continue
            expected = {
                "peak-left": found.left.peak, "peak-right": found.right.peak, "time-left": found.left.time_s,
                "time-right": found.right.time_s,
                "area-left": found.left.area, "area-right": found.right.area, "difference": found.difference, "ratio": found.ratio,
            }  # fmt: skip
            for measure, value in expected.items():
                if (key, of, measure) in shown:
                    assert shown[key, of, measure][0] == value
                    checked += 1
    with (folder / "second" / "a <b>name.asymmetry.csv").open(newline="", encoding="utf-8") as handle:
        in_table = {float(cell) for row in csv.DictReader(handle) for name, cell in row.items() if name in ASYMMETRY_NUMBERS and cell}
    by_movement = {key: value for key, (value, _) in shown.items() if key[0] in {"movements", "landmarks"}}
    assert set(by_movement.values()) <= in_table
    checked += len(by_movement)
    counts = [(what, key) for (section, key, what) in shown if section == "quality"]
    assert shown["quality", "original", "decoded"][0] == N
    assert shown["quality", "original", "failed"][0] == 3
    assert checked + len(counts) == len(shown), "each number was looked at"
    for value, seen in shown.values():
        assert float(seen) == pytest.approx(value, abs=0.5 * 10.0 ** -_decimals(seen) + 1e-12)
