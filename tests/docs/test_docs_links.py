"""Links between the files of the repository lead somewhere. (Those of the site are checked when it is built: `make docs`.)"""

from __future__ import annotations

import re

import pytest
from docs_pages import PAGES, ROOT

FILES = {**PAGES, **{name: (ROOT / name).read_text("utf-8") for name in ("CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/RESULTS.md")}}


def anchors(text):
    """As GitHub and MkDocs name the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(name):
    # A link may be broken over two lines.
    return re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", FILES[name])


@pytest.mark.parametrize("name", FILES)
def test_links_lead_somewhere(name):
    for link in links(name):
        target, _, anchor = link.partition("#")
        if target.startswith(("https:", "http:", "mailto:")):
            continue
        path = ((ROOT / name).parent / target).resolve() if target else ROOT / name
        assert path.exists(), f"{name}: {link}"
        assert path.is_relative_to(ROOT), f"{name}: {link} leaves the repository"
        if anchor:
            assert anchor in anchors(path.read_text("utf-8")), f"{name}: {link}"


def test_there_are_links():
    assert sum(len(links(name)) for name in FILES) > 60
    assert "what-a-number-means" in anchors(PAGES["docs/models/open-au.md"])
