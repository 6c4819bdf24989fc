"""Pages whose every outside text is an attack, in a real browser: nothing of it runs, becomes an element or asks for anything."""

from __future__ import annotations

import json

import pytest
from report_folder import BUMP, launched_chromium, make_run, values

from face_mirror_au.report.compare import write_comparison
from face_mirror_au.report.write import write_report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RUN = "document.documentElement.dataset.ran='yes'"
ATTACKS = (
    f"<script>{RUN}</script>",
    f'"><img src=x onerror="{RUN}">',
    f'\'><svg onload="{RUN}">',
    f"</style></title></svg><script>{RUN}</script>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'>",
    "<link rel=stylesheet href=http://127.0.0.1:9/a.css><meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<form action=http://127.0.0.1:9/><button autofocus>x</button></form><base href=http://127.0.0.1:9/>",
    "{{ 7*7 }}{% raise %}${7*7}",
    "]]><!--",
)
EVIL = " ".join(ATTACKS)
STEM = f"x<svg onload={RUN}><img src=http:&&127.0.0.1:9&p.png onerror={RUN}>&lt;b&gt;\"'"
FOREIGN = "script, iframe, form, button, base, object, embed, img:not([src^='data:']), link:not([href^='data:']), meta[http-equiv=refresh]"


def evil(content):
    """Every text of nested metadata with an attack behind it, and as a key, too."""
    if isinstance(content, dict):
        return {key: evil(value) for key, value in content.items()}
    if isinstance(content, list):
        return [evil(value) for value in content] or [EVIL]
    return f"{content} {EVIL}" if isinstance(content, str) else content


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    root = tmp_path_factory.mktemp("evil")
    left, right = values(AU12=BUMP, AU45=BUMP * 0.8), values(AU12=BUMP / 3, AU45=BUMP / 4)
    for visit in ("first", "second"):
        folder = make_run(
            root / visit / STEM, STEM, left=left, right=right, failed=(6,), sides=(left, right), problems=[EVIL], warnings=[EVIL]
        )
        path = folder / f"{STEM}.metadata.json"
        told = json.loads(path.read_text(encoding="utf-8"))
        told = {key: value if key == "frames" else evil(value) for key, value in told.items()}
        for view in ("original", "left_mirrored", "right_mirrored"):
            told["frames"][view]["reasons"] = {EVIL: 1}
        told["versions"] |= {EVIL: EVIL}
        told["settings"][EVIL] = EVIL
        path.write_text(json.dumps(told), encoding="utf-8")
    first, second = root / "first" / STEM, root / "second" / STEM
    (first / f"{STEM}.movements.csv").write_text("start_s,end_s,action\n0.2,0.8,SS\n", encoding="utf-8")
    return {
        "report": write_report(first, STEM, pictures={EVIL: b"\xff\xd8\xff\xd9"}),
        "compare": write_comparison([first, second], root / "both", anyway=True)[0],
    }


@pytest.fixture(scope="module")
def chromium():
    with launched_chromium() as browser:
        yield browser


# Once as it is, once without the page's own policy, which must not be all that stands between.
@pytest.mark.parametrize("policy", ["with its policy", "without its policy"])
@pytest.mark.parametrize("name", ["report", "compare"])
def test_texts_stay_texts(chromium, pages, name, policy):
    context = chromium.new_context(bypass_csp=policy == "without its policy")
    page, asked, said = context.new_page(), [], []
    context.route("**/*", lambda route: (asked.append(route.request.url), route.continue_()))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: said.append(str(error)))
    address = pages[name].as_uri()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    shown = page.locator("body").inner_text()
    assert "<script>" in shown, "the attack is on the page, to be read"
    assert "{{ 7*7 }}" in shown
    assert page.evaluate("document.documentElement.dataset.ran ?? 'no'") == "no"
    assert page.locator(FOREIGN).count() == 0
    handlers = "[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length"
    assert page.evaluate(handlers) == 0
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert said == []
    assert page.url == address
    context.close()


def test_the_attack_works_where_nothing_is_escaped(chromium, tmp_path):
    """Else the test above would say nothing."""
    context = chromium.new_context()
    page, wrong = context.new_page(), tmp_path / "wrong.html"
    for attack in ATTACKS[:3]:
        wrong.write_text(f"<html><body>{attack}</body></html>", encoding="utf-8")
        page.goto(wrong.as_uri())
        assert page.evaluate("document.documentElement.dataset.ran") == "yes"
        assert page.locator(FOREIGN).count() or "svg" in attack
    context.close()


@pytest.mark.parametrize("name", ["report", "compare"])
def test_the_page_forbids_itself_everything_but_styles_and_pictures_in_it(pages, name):
    text = pages[name].read_text(encoding="utf-8")
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
    assert text.count(policy) == 1
    assert text.index(policy) < text.index("<title>"), "it stands before the first text from outside"
    assert '<meta name="referrer" content="no-referrer">' in text
