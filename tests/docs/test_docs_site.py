"""The built site in a real browser: it asks nobody, fits a phone, is searched, and says nothing of the machine that built it.

`make docs` builds it and runs this; FACE_MIRROR_AU_SITE says where it is.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest
from docs_pages import ROOT

SITE = os.environ.get("FACE_MIRROR_AU_SITE")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(SITE is None, reason="the site is tried by `make docs`, which builds it"),
]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    return (ROOT / SITE).resolve()


@pytest.fixture(scope="module")
def address(site):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def pages(site):
    return [path.relative_to(site).as_posix().removesuffix("index.html") for path in sorted(site.rglob("index.html"))]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "there is no Chromium here; install one (Debian: apt-get install chromium)"
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def test_pages_ask_nobody_else_complain_of_nothing_and_fit_a_phone(browser, address, pages):
    assert len(pages) > 18
    page = browser.new_page(viewport={"width": 360, "height": 800})
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    wide = []
    for name in pages:
        page.goto(address + name, wait_until="networkidle")
        if page.evaluate("document.documentElement.scrollWidth") > 360:
            wide.append(name)
    page.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert said == []
    assert wide == []


# What axe finds in the theme itself: its search dialog, its buttons for copying, and pandas' tables in notebooks.
THEIRS = {"aria-dialog-name", "landmark-unique", "empty-table-header"}


@pytest.mark.parametrize("name", ["", "tour/", "clinicians/", "python/", "examples/one_patient/"])
def test_axe_finds_nothing_of_ours(browser, address, name):
    axe = (Path(pytest.importorskip("axe_playwright_python").__file__).parent / "axe.min.js").read_text("utf-8")
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(address + name, wait_until="networkidle")
    found = page.evaluate(axe + "\n;axe.run(document)")
    page.close()
    assert len(found["passes"]) > 20, "axe has looked"
    assert [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"] if each["id"] not in THEIRS] == []


def test_a_search_finds_its_page(browser, address):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(address)
    page.locator("input.md-search__input").fill("synkinesis")
    results = page.locator(".md-search-result__link")
    results.first.wait_for()
    found = [results.nth(number).get_attribute("href") for number in range(results.count())]
    assert any("outputs/" in link for link in found), found
    page.close()


def test_the_notebooks_were_run(browser, address):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(address + "examples/one_patient/", wait_until="networkidle")
    figures = page.eval_on_selector_all("article img", "images => images.map(image => image.naturalWidth)")
    assert len(figures) == 2
    assert min(figures) > 300
    text = page.locator("article").inner_text()
    assert "mouth_corner" in text
    assert "Traceback" not in text
    page.close()


def test_every_command_has_a_heading(browser, address):
    from face_mirror_au.cli.app import app

    page = browser.new_page()
    page.goto(address + "command-line/")
    headings = set(page.locator("article h3 code, article h4 code").all_inner_texts())
    page.close()
    names = {command.name for command in app.registered_commands}
    assert len(names) > 10
    assert {f"face-mirror-au {name}" for name in names} <= headings


def test_it_does_not_say_where_it_was_built(site):
    texts = {path: path.read_text("utf-8") for path in site.rglob("*") if path.suffix in {".html", ".json", ".xml", ".css"}}
    assert len(texts) > 20
    for place in (str(ROOT), f"{Path.home()}/", "face-mirror-au-docs-"):
        assert [path.name for path, text in texts.items() if place in text] == []
