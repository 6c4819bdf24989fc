"""`index.html` of a batch: quality, answers and a link for each recording."""

from __future__ import annotations

from pathlib import Path

from face_mirror_au.batch.index import write_index
from face_mirror_au.batch.job import Results
from face_mirror_au.batch.table import Row

HEAD = "sides,movement,zone,signal,weaker\n"


def test_each_recording_has_its_row(tmp_path):
    results = Results(tmp_path, "openface", (), write_videos=False, page=True, keep_descriptors=False)
    csv = results.plan("a b#").csv
    csv.parent.mkdir(parents=True)
    csv.with_name(f"{csv.stem}.report.html").write_text('<p data-badge="care">', encoding="utf-8")
    answers = (
        "mirrored,0,mouth,zone,left\nbest,0,mouth,zone,right\nbest,1,mouth,zone,left\nbest,0,mouth,AU12,left\nbest,0,eye,zone,unclear\n"
    )
    csv.with_name(f"{csv.stem}.asymmetry.csv").write_text(HEAD + answers, encoding="utf-8")
    rows = [Row("/secret/x.mp4", "done", output="a b#"), Row("broken.mp4", "failed", "no video <in it>"), Row("/secret/<b>.mp4")]
    text = write_index(rows, results).read_text(encoding="utf-8")
    assert "&lt;b&gt;.mp4" in text
    assert "<b>" not in text
    assert "secret" not in text, "no folder of the machine"
    link = text.split('href="')[2].split('"')[0]
    assert "%20" in link
    assert "%23" in link
    assert 'data-badge="care">Usable with care.' in text
    first = text.split("<tr data-status")[1]
    assert first.count("<strong>right</strong>") == 1
    assert "<strong>left</strong>" not in first
    assert "unclear" in first
    assert "no video &lt;in it&gt;" in text
    assert "pending" in text
    assert Path(tmp_path / "index.html").is_file()
