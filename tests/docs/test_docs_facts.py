"""What the documentation says of models, movements and limits is what the code has."""

from __future__ import annotations

import re

from docs_pages import PAGES

from face_mirror_au.asymmetry.actions import ACTIONS
from face_mirror_au.asymmetry.comparison import GATE
from face_mirror_au.asymmetry.yaw import ACCEPTABLE_YAW, GOOD_YAW
from face_mirror_au.pipeline.confidence import MIN_CONFIDENCE
from face_mirror_au.pipeline.sequence import MAX_REPREDICTED
from face_mirror_au.report.words import ALIKE
from face_mirror_au.run.runner import SHORT_RECORDING
from face_mirror_weights.manifest import load_manifest


def test_every_model_set_is_there_with_whether_it_asks():
    rows = dict(re.findall(r"^\| `([\w-]+)` \|.*\| (yes|no) \|$", PAGES["docs/licences.md"], re.MULTILINE))
    manifest = load_manifest()
    assert rows == {name: "yes" if any(licence.ask for licence in manifest.licences_of(name)) else "no" for name in manifest.sets}


def test_every_movement_of_the_protocol_is_there():
    codes = re.findall(r"\b([A-Z]{2}) \|", PAGES["docs/clinicians.md"])
    assert sorted(codes) == sorted(ACTIONS)


def test_limits_are_those_of_the_code():
    clinicians, researchers = (" ".join(PAGES[f"docs/{name}.md"].split()) for name in ("clinicians", "researchers"))
    assert f'beyond {GOOD_YAW:.0f}° of turn to the side the page says "acceptable", beyond {ACCEPTABLE_YAW:.0f}° "turned' in clinicians
    assert f"neither side reached {GATE}:" in clinicians
    assert f"a difference within {ALIKE:.2f} either way" in clinicians
    assert f"{SHORT_RECORDING - 1} frames only (or fewer)" in clinicians
    assert (
        f"below {MAX_REPREDICTED:,} frames ({MAX_REPREDICTED / 30:.0f} seconds at 30 a second, {MAX_REPREDICTED / 60:.0f} at 60)"
        in clinicians
    )
    assert f"above {MIN_CONFIDENCE} is a success" in researchers
    assert f"larger side is below {GATE};" in researchers
