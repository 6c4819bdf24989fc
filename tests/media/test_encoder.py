"""Every frame and every timestamp of the source comes back out of the video; a failure leaves no file."""

from __future__ import annotations

import itertools
import stat
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from io_clips import moving_pictures, write_clip

from face_mirror_au.errors import FrameError, OutputError, UsageError
from face_mirror_au.media import encoder as video_out
from face_mirror_au.media.encoder import VideoWriter
from face_mirror_au.media.video import open_source


def smooth_pictures(count: int, width: int, height: int):
    """Pictures that 4:2:0 can hold: a coloured gradient with a disc that moves."""
    y, x = np.mgrid[:height, :width]
    pictures = []
    for i in range(count):
        picture = np.stack([x * 255 / width, y * 255 / height, 255 - x * 255 / width], axis=-1).astype(np.uint8)
        cv2.circle(picture, (width // 4 + 3 * i, height // 2), height // 5, (60, 90, 200), -1, cv2.LINE_AA)
        pictures.append(picture)
    return pictures


def times_of(path: Path) -> list[Fraction]:
    """Exact presentation times from the first frame, as PyAV reads them."""
    with av.open(str(path)) as container:
        frames = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    return [time - frames[0] for time in frames]


def time_base_of(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        return container.streams.video[0].time_base


def copy(source: Path, target: Path, time_base: Fraction | None, limit: int | None = None) -> VideoWriter:
    with open_source(source) as opened:
        info = opened.info
        with VideoWriter(target, info.width, info.height, rate=info.rate, time_base=time_base) as writer:
            for frame in opened:
                if frame.index == limit:
                    break
                writer.append(frame.image, frame.time_s)
    return writer


def write(path: Path, pictures, times, *, error: BaseException | None = None, given: list[float] | None = None) -> None:
    """Write pictures of 64 x 48, raise `error` in the block after them; `given` collects the times that were taken."""
    with VideoWriter(path, 64, 48, rate=Fraction(25)) as writer:
        for picture, time in zip(pictures, times, strict=True):
            writer.append(picture, time)
            if given is not None:
                given.append(time)
        if error is not None:
            raise error


def psnr(first, second) -> float:
    return float(cv2.PSNR(first, second))


@pytest.mark.parametrize("knows_time_base", [True, False])
def test_constant_ntsc_rate(tmp_path, knows_time_base):
    source = write_clip(
        tmp_path / "a.mkv", moving_pictures(31), codec="libx264", pts=[1001 * i for i in range(31)], time_base=Fraction(1, 30000)
    )
    # Matroska rounds to 1 ms; an mp4 keeps 1001/30000 s.
    exact = write_clip(
        tmp_path / "b.mp4", moving_pictures(31), codec="libx264", pts=[1001 * i for i in range(31)], time_base=Fraction(1, 30000)
    )
    for clip in (source, exact):
        target = tmp_path / f"out-{clip.stem}.mp4"
        writer = copy(clip, target, time_base_of(clip) if knows_time_base else None)
        assert times_of(target) == times_of(clip)
        assert writer.frames == 31
        assert writer.notes == []


def test_the_average_rate_is_the_sources(tmp_path):
    target = tmp_path / "out.mp4"
    with VideoWriter(target, 64, 48, rate=Fraction(30000, 1001)) as writer:
        for i, picture in enumerate(moving_pictures(31)):
            writer.append(picture, float(i * Fraction(1001, 30000)))
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert (stream.average_rate, stream.frames) == (Fraction(30000, 1001), 31)
    assert cv2.VideoCapture(str(target)).get(cv2.CAP_PROP_FPS) == pytest.approx(30000 / 1001)


@pytest.mark.parametrize("knows_time_base", [True, False])
def test_a_recording_of_15_frames_a_second(tmp_path, shared_file, knows_time_base):
    source = shared_file("media/default.wmv")
    target = tmp_path / "out.mp4"
    writer = copy(source, target, time_base_of(source) if knows_time_base else None)
    assert len(times_of(target)) == 288
    assert times_of(target) == times_of(source)
    assert writer.notes == []
    with open_source(source) as first, open_source(target) as second:
        pairs = list(zip(first, second, strict=True))
        assert (second.problems, second.notes) == ([], [])
    assert [one.time_s for one, _ in pairs] == pytest.approx([two.time_s for _, two in pairs], abs=1e-9)
    assert min(psnr(one.image, two.image) for one, two in pairs[::20]) > 36.0
    reader, count = cv2.VideoCapture(str(target)), 0
    while (read := reader.read())[0]:
        if count % 40 == 0:
            assert psnr(pairs[count][0].image, read[1]) > 36.0
        count += 1
    assert count == 288


def test_a_variable_rate_is_kept(tmp_path):
    pts = [0, 100, 3000, 3001, 6000, 17011, 17500]
    source = write_clip(tmp_path / "vfr.mp4", moving_pictures(7), codec="libx264", pts=pts, time_base=Fraction(1, 12800))
    target = tmp_path / "out.mp4"
    writer = copy(source, target, time_base_of(source))
    assert times_of(target) == times_of(source) == [Fraction(p, 12800) for p in pts]
    assert writer.notes == []


def test_without_a_time_base_a_variable_rate_is_rounded_and_said(tmp_path):
    times = [0.0, 1 / 7, 0.5, 0.500001, 3.0]
    target = tmp_path / "out.mp4"
    with VideoWriter(target, 64, 48, rate=None) as writer:
        for picture, time in zip(moving_pictures(5), times, strict=True):
            writer.append(picture, time)
    written = times_of(target)
    assert [float(time) for time in written] == pytest.approx(times, abs=1 / 90000 + 1e-9)
    assert all(late > early for early, late in itertools.pairwise(written))
    assert writer.notes == ["2 of 5 timestamps were rounded to multiples of 1/90000 s"]


@pytest.mark.parametrize(
    ("size", "padded", "note"),
    [
        ((64, 48), (64, 48), None),
        ((63, 48), (64, 48), "one repeated column at the right"),
        ((64, 47), (64, 48), "one repeated row at the bottom"),
        ((63, 47), (64, 48), "one repeated column at the right and one row at the bottom"),
    ],
)
def test_odd_sizes_grow_by_a_repeated_edge(tmp_path, size, padded, note):
    width, height = size
    pictures = smooth_pictures(4, width, height)
    target = tmp_path / "out.mp4"
    with VideoWriter(target, width, height, rate=Fraction(25)) as writer:
        for i, picture in enumerate(pictures):
            writer.append(picture, i / 25)
    assert [note in line for line in writer.notes] == ([True] if note else [])
    with open_source(target) as source:
        frames = list(source)
    assert frames[0].image.shape == (padded[1], padded[0], 3)
    for picture, frame in zip(pictures, frames, strict=True):
        assert psnr(picture, np.ascontiguousarray(frame.image[:height, :width])) > 33.0
    last = frames[0].image.astype(int)
    assert np.abs(last[:, -1] - last[:, -2]).mean() < 6
    assert np.abs(last[-1] - last[-2]).mean() < 6


def test_pixels_and_colours_survive(tmp_path):
    pictures = smooth_pictures(10, 1280, 720)  # players guess other colours for large pictures unless the file tells
    target = tmp_path / "out.mp4"
    with VideoWriter(target, 1280, 720, rate=Fraction(25)) as writer:
        for i, picture in enumerate(pictures):
            writer.append(picture, i / 25)
    reader = cv2.VideoCapture(str(target))
    with open_source(target) as source:
        for picture, frame in zip(pictures, source, strict=True):
            by_opencv = reader.read()[1]
            for image in (frame.image, by_opencv):
                assert psnr(picture, image) > 38.0
                assert np.abs((image.astype(int) - picture).mean(axis=(0, 1))).max() < 2.0
    with av.open(str(target)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.colorspace, context.color_range) == ("h264", "yuv420p", 5, 1)
        assert not container.streams.audio


def test_the_file_is_private_and_appears_at_the_end(tmp_path):
    target = tmp_path / "out.mp4"
    with VideoWriter(target, 64, 48, rate=Fraction(25)) as writer:
        writer.append(moving_pictures(1)[0], 0.0)
        assert not target.exists()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [OSError(5, "of the caller"), KeyboardInterrupt(), ValueError("of the caller")])
def test_an_error_of_the_block_is_passed_on_and_leaves_nothing(tmp_path, error):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"older")
    with pytest.raises(type(error)) as caught:
        write(target, moving_pictures(3), [0.0, 0.1, 0.2], error=error)
    assert caught.value is error
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"older"


@pytest.mark.parametrize("frames", [400, 8])  # fails while pictures are added, or only at the end
def test_a_full_disk_gives_one_line_and_leaves_nothing(tmp_path, frames):
    resource = pytest.importorskip("resource")  # not on Windows
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (8, 48, 64, 3), dtype=np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on the size of files fails as a full disk does: in write().
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    given: list[float] = []
    try:
        with pytest.raises(OutputError) as caught:
            write(tmp_path / "out.mp4", pictures[np.arange(frames) % 8], [i / 25 for i in range(frames)], given=given)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (len(given) == frames) == (frames == 1)
    assert str(caught.value).startswith("'out.mp4' cannot be written: ")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_gives_one_line(tmp_path):
    with pytest.raises(OutputError, match="its folder does not exist"), VideoWriter(tmp_path / "no" / "out.mp4", 64, 48, rate=None):
        pass


def test_no_frame_gives_no_file(tmp_path):
    with pytest.raises(OutputError, match="no frame"), VideoWriter(tmp_path / "out.mp4", 64, 48, rate=None):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.0, 0.2, 0.2], r"frame 2 at 0.200000 s does not come after the frame before, at 0.200000 s"),
        ([0.0, 0.2, 0.1], "does not come after"),
        ([-0.1], "count from the first frame"),
        ([float("nan")], "count from the first frame"),
    ],
)
def test_times_must_grow(tmp_path, times, message):
    with pytest.raises(FrameError, match=message):
        write(tmp_path / "out.mp4", moving_pictures(len(times)), times)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_another_size_is_refused(tmp_path):
    with pytest.raises(FrameError, match="frame 0 has 48 x 64 pixels, the video 64 x 48"):
        write(tmp_path / "out.mp4", [np.zeros((64, 48, 3), np.uint8)], [0.0])


@pytest.mark.parametrize("options", [{"rate": Fraction(0)}, {"rate": None, "time_base": Fraction(-1)}, {"rate": None, "crf": 60}])
def test_nonsense_is_refused(tmp_path, options):
    with pytest.raises(UsageError, match="cannot be"):
        VideoWriter(tmp_path / "out.mp4", 64, 48, **options)


@pytest.mark.parametrize(("time_base", "rounded"), [(Fraction(1, 1000), False), (Fraction(1, 90000), True)])
def test_without_x264_there_is_still_a_video(tmp_path, monkeypatch, time_base, rounded):
    has_encoder = video_out._has_encoder
    monkeypatch.setattr(video_out, "_has_encoder", lambda name: name != "libx264" and has_encoder(name))
    ticks = [0, 33, 67, 100, 1333]
    pictures = smooth_pictures(5, 64, 48)
    with VideoWriter(tmp_path / "out.mp4", 64, 48, rate=Fraction(30), time_base=time_base) as writer:
        for tick, picture in zip(ticks, pictures, strict=True):
            writer.append(picture, float(tick * time_base))
    with open_source(tmp_path / "out.mp4") as source:
        assert source.info.codec == "mpeg4"
        frames = list(source)
    assert [frame.time_s for frame in frames] == pytest.approx([float(tick * time_base) for tick in ticks], abs=1e-5 if rounded else 1e-9)
    assert min(psnr(picture, frame.image) for picture, frame in zip(pictures, frames, strict=True)) > 33.0
    assert "no libx264" in writer.notes[0]
    assert len(writer.notes) == 1 + rounded


def test_an_encoder_name_that_does_not_exist():
    assert not video_out._has_encoder("no-such-encoder")
    assert video_out._has_encoder("mpeg4")
