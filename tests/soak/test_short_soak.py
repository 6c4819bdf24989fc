"""The soak in its short form, and that it notices what it is there for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEAK = """
import sys
from face_mirror_au.loop.ring import Block
from benchmarks.soak import main

append, kept = Block.append, []

def leaking(block, frame, room_for):
    kept.append(frame.image.copy())
    return append(block, frame, room_for)

Block.append = leaking
sys.exit(main())
"""
OPEN_RING = """
import sys
from face_mirror_au.loop.ring import FrameRing
from benchmarks.soak import main

FrameRing.close = lambda ring: kept.append(ring)
kept = []
sys.exit(main())
"""

pytestmark = [pytest.mark.release, pytest.mark.timeout(300), pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


@pytest.fixture
def soak(shared_file, tmp_path):
    shared_file("weights/openface-2.2.0")
    shared_file("media/2015-10-15-15-14.avi")

    def run(start, **settings):
        options = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        command = [sys.executable, *start, *options, "--no-pages", "--folder", str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        lines = re.findall(r"^(ok  |FAIL) (.*)$", done.stdout, re.MULTILINE)
        assert lines, done.stdout + done.stderr
        return done.returncode, [text for word, text in lines if word == "ok  "], [text for word, text in lines if word == "FAIL"]

    return run


def test_eight_videos_and_lost_workers_leave_nothing_behind(soak):
    code, kept, broken = soak(
        ["-m", "benchmarks.soak"], frames=600, videos=8, long_share=0.4, kill_every=100, sample_every=30, slack_mb=100
    )
    assert broken == []
    assert code == 0
    killed = next(text for text in kept if text.startswith("workers killed"))
    counts = [int(number) for number in re.findall(r"\d+", killed)]
    assert counts[0] == counts[1] >= 2, killed
    assert "frames: 600 of 600" in kept
    assert "tables of video 8 and of video 1: equal to the byte" in kept


def test_a_picture_kept_of_each_frame_is_noticed(soak):
    code, _, broken = soak(["-c", LEAK], frames=300, videos=5, long_share=0.4, kill_every=1000, sample_every=20, slack_mb=60)
    assert code == 1
    assert {text.split(":")[0] for text in broken} >= {"memory between videos, all processes", "memory between videos, parent"}
    assert not [text for text in broken if "descriptors" in text or "worker" in text]


def test_a_ring_that_stays_open_is_noticed(soak):
    code, _, broken = soak(["-c", OPEN_RING], frames=120, videos=4, long_share=0.4, kill_every=1000, sample_every=10, slack_mb=1000)
    assert code == 1
    assert {text.split(":")[0] for text in broken} >= {"open descriptors of the parent", "pieces of the ring still mapped between videos"}
