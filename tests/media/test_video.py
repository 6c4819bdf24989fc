"""Every decoded frame once, upright, with the container's time; what is damaged is said."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from io_clips import MIRRORED, QUARTERS, corner_names, corners_picture, moving_pictures, set_display_matrix, write_clip, write_sound

from face_mirror_au.errors import VideoError
from face_mirror_au.media.video import open_source


def read_all(path: Path):
    with open_source(path) as source:
        frames = list(source)
        return source.info, frames, source.problems, source.notes


def error_of(path: Path) -> str:
    with pytest.raises(VideoError) as caught, open_source(path):
        pass
    message = str(caught.value)
    assert "\n" not in message
    assert str(path.parent) not in message
    return message


@pytest.mark.parametrize(
    ("rotation", "corners"),
    [
        (0, ["blue", "green", "red", "white"]),
        (90, ["red", "blue", "white", "green"]),
        (180, ["white", "red", "green", "blue"]),
        (270, ["green", "white", "blue", "red"]),
    ],
)
def test_rotation_is_applied_once(tmp_path, rotation, corners):
    path = set_display_matrix(write_clip(tmp_path / "turned.mp4", [corners_picture(96, 64)] * 3), QUARTERS[rotation])
    info, frames, problems, _ = read_all(path)
    size = (96, 64) if rotation in {0, 180} else (64, 96)
    assert (info.rotation, info.mirrored, (info.width, info.height)) == (rotation, False, size)
    assert [frame.image.shape for frame in frames] == [(size[1], size[0], 3)] * 3
    assert all(frame.image.flags.c_contiguous and frame.image.dtype == np.uint8 for frame in frames)
    assert [corner_names(frame.image) for frame in frames] == [corners] * 3
    assert problems == []
    # OpenCV turns by the same matrix, with its own code; 4.11 reads the matrix but does not apply it.
    if int(cv2.__version__.split(".")[1]) >= 14:
        assert corner_names(cv2.VideoCapture(str(path)).read()[1]) == corners


@pytest.mark.parametrize(("rotation", "corners"), [(0, ["green", "blue", "white", "red"]), (90, ["blue", "red", "green", "white"])])
def test_a_mirroring_matrix_is_applied_and_recorded(tmp_path, rotation, corners):
    a, b, c, d = QUARTERS[rotation]
    path = set_display_matrix(write_clip(tmp_path / "selfie.mp4", [corners_picture(96, 64)]), (MIRRORED[0] * a, b, MIRRORED[0] * c, d))
    info, frames, _, _ = read_all(path)
    assert (info.rotation, info.mirrored) == (rotation, True)
    assert corner_names(frames[0].image) == corners


def test_irregular_timestamps_are_kept(tmp_path):
    pts = [3000, 3100, 6000, 6001, 9000, 20011, 20500]
    path = write_clip(tmp_path / "vfr.mkv", moving_pictures(7), pts=[p - 3000 for p in pts], time_base=Fraction(1, 1000))
    info, frames, problems, notes = read_all(path)
    assert info.timestamps == "container"
    assert [frame.time_s for frame in frames] == pytest.approx([(p - 3000) / 1000 for p in pts], abs=1e-6)
    assert [frame.index for frame in frames] == list(range(7))
    assert problems == notes == []


def test_irregular_timestamps_in_mp4_count_from_the_first_frame(tmp_path):
    pts = [500, 512, 700, 701, 1500]
    path = write_clip(tmp_path / "vfr.mp4", moving_pictures(5), codec="libx264", pts=pts, time_base=Fraction(1, 12800))
    _, frames, _, _ = read_all(path)
    assert [frame.time_s for frame in frames] == pytest.approx([(p - 500) / 12800 for p in pts], abs=1e-6)


def test_a_stream_without_timestamps_counts_by_its_rate(tmp_path):
    path = write_clip(tmp_path / "raw.m4v", moving_pictures(6))
    _, frames, problems, _ = read_all(path)
    times = [frame.time_s for frame in frames]
    assert len(frames) == 6
    assert times == pytest.approx([i / 25 for i in range(6)])
    assert problems == []


def test_delayed_frames_come_at_the_end(tmp_path):
    # libx264 with B-frames: the decoder holds frames back until it is emptied.
    path = tmp_path / "b_frames.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.max_b_frames = 3
        for picture in moving_pictures(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    info, frames, problems, _ = read_all(path)
    assert (info.expected_frames, len(frames)) == (20, 20)
    assert np.all(np.diff([frame.time_s for frame in frames]) > 0)
    assert problems == []


def test_pixels_equal_opencv(shared_file):
    path = shared_file("media/default.wmv")
    capture = cv2.VideoCapture(str(path))
    count = 0
    with open_source(path) as source:
        for frame in source:
            assert np.array_equal(frame.image, capture.read()[1])
            count += 1
    assert count == 288
    assert not capture.read()[0]


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix"),
    [
        ("ffv1", "gray", "mkv"),
        ("ffv1", "yuv420p10le", "mkv"),
        ("png", "rgb24", "mov"),
        ("mjpeg", "yuvj420p", "avi"),
        ("libx264", "yuv420p10le", "mp4"),
    ],
)
def test_other_pixel_formats_become_bgr(tmp_path, codec, pixel_format, suffix):
    picture = corners_picture(96, 64)
    info, frames, problems, _ = read_all(write_clip(tmp_path / f"clip.{suffix}", [picture] * 2, codec=codec, pixel_format=pixel_format))
    assert info.codec == {"libx264": "h264"}.get(codec, codec)
    assert [frame.image.shape for frame in frames] == [(64, 96, 3)] * 2
    expected = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR) if pixel_format == "gray" else picture
    assert np.abs(frames[1].image[30:34, 40:50].astype(int) - expected[30:34, 40:50]).max() <= 6
    assert np.abs(frames[1].image[4:8, 4:8].astype(int) - expected[4:8, 4:8]).max() <= 12
    assert problems == []


def test_odd_sizes_stay_as_they_are(tmp_path):
    picture = corners_picture(97, 63)
    info, frames, _, notes = read_all(write_clip(tmp_path / "odd.mkv", [picture] * 2, codec="ffv1", pixel_format="yuv444p"))
    assert (info.width, info.height, info.pixel_aspect) == (97, 63, None)
    assert np.abs(frames[1].image.astype(int) - picture).max() <= 3
    assert notes == []


def test_long_pixels_become_square(tmp_path):
    info, frames, problems, notes = read_all(write_clip(tmp_path / "wide.mp4", [corners_picture(96, 64)] * 2, aspect=Fraction(4, 3)))
    assert (info.width, info.height, info.pixel_aspect) == (128, 64, Fraction(4, 3))
    assert frames[1].image.shape == (64, 128, 3)
    assert corner_names(frames[1].image) == ["blue", "green", "red", "white"]
    assert notes == ["pixels are not square (4:3): pictures of 96 x 64 were scaled to 128 x 64"]
    assert problems == []


def test_sound_is_ignored(tmp_path):
    _, frames, problems, _ = read_all(write_clip(tmp_path / "sound.mp4", moving_pictures(10), audio=True))
    assert len(frames) == 10
    assert problems == []


def test_a_cover_picture_is_not_a_video(tmp_path):
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=16000)
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 96, 64, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(corners_picture(96, 64), format="bgr24")))
        container.mux(cover.encode())
        write_sound(container, sound)
    with av.open(str(path)) as container:
        assert container.streams.video, "the file must have its cover"
    assert "no video stream" in error_of(path)


def test_an_audio_file_is_refused(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        write_sound(container, container.add_stream("aac", rate=16000))
    assert error_of(path) == "'sound.mp4' has no video stream (only audio); give the file that holds the picture"


def test_a_video_without_a_frame_is_refused(tmp_path):
    # Announced, never sent: an AVI header with a video stream and no packet.
    path = tmp_path / "none.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    assert "no frame that can be decoded" in error_of(path)


def test_what_is_no_video_is_refused(tmp_path):
    assert "does not exist" in error_of(tmp_path / "missing.mp4")
    (tmp_path / "empty.mp4").touch()
    assert "empty file" in error_of(tmp_path / "empty.mp4")
    for name, text in (("notes.txt", "hello\n"), ("notes.mp4", "hello\n"), ("list.m3u8", "#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/x.ts\n")):
        (tmp_path / name).write_text(text * 20)
        assert "text file" in error_of(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "archive.mp4", "w") as archive:
        archive.writestr("a", "b" * 999)
    assert "not a video" in error_of(tmp_path / "archive.mp4")
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(50_000))
    assert "not a video" in error_of(tmp_path / "noise.mp4")


def test_an_unknown_codec_is_refused(tmp_path):
    path = write_clip(tmp_path / "clip.avi", moving_pictures(3), codec="mjpeg", pixel_format="yuvj420p")
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"QQQQ"))
    assert "'clip.avi'" in error_of(path)


def test_a_device_is_refused():
    if not Path("/dev/null").exists():
        pytest.skip("no device files here")
    with pytest.raises(VideoError, match="not an ordinary file"), open_source(Path("/dev/null")):
        pass


def test_an_mp4_cut_short_has_no_index(tmp_path):
    path = write_clip(tmp_path / "cut.mp4", moving_pictures(30))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "cut short" in error_of(path)


@pytest.mark.parametrize(("suffix", "options"), [("avi", {}), ("mp4", {"movflags": "faststart"}), ("mkv", {})])
def test_frames_before_the_cut_are_kept(tmp_path, suffix, options):
    pictures = moving_pictures(60)
    path = write_clip(tmp_path / f"whole.{suffix}", pictures, options=options)
    _, whole, problems, _ = read_all(path)
    assert (len(whole), problems) == (60, [])
    cut = tmp_path / f"cut.{suffix}"
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][35]
    cut.write_bytes(path.read_bytes()[: packet.pos + packet.size // 2])
    _, frames, problems, _ = read_all(cut)
    assert 35 <= len(frames) <= 36
    for frame, same in zip(frames[:-1], whole, strict=False):
        assert frame.problem is None
        assert np.array_equal(frame.image, same.image)
    if suffix != "mkv":  # Matroska announces no number of frames: see the next test
        assert problems[-1] == f"the file ends in the middle of a frame after {len(frames)} frames"


def test_a_cut_between_two_frames_is_told_from_the_announced_number(tmp_path):
    path = write_clip(tmp_path / "clip.avi", moving_pictures(60))
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][35]
    path.write_bytes(path.read_bytes()[: packet.pos])
    _, frames, problems, _ = read_all(path)
    assert len(frames) == 35
    assert problems == ["the file is cut short: 60 frames are announced, 35 could be decoded"]


@pytest.mark.parametrize(("kept", "told"), [(0.5, True), (1.0, False)])
def test_matroska_that_ends_before_its_time_is_told(tmp_path, kept, told):
    path = write_clip(tmp_path / "a.mkv", moving_pictures(150))
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    _, frames, problems, _ = read_all(path)
    assert (len(frames) < 120) is told
    assert any("6.0 s are announced" in problem or "in the middle of a frame" in problem for problem in problems) is told


def test_a_longer_sound_is_no_cut(tmp_path):
    _, _, problems, _ = read_all(write_clip(tmp_path / "a.mkv", moving_pictures(10), audio=True))
    assert problems == []


def test_damage_in_the_middle_marks_frames_up_to_the_next_key_frame(tmp_path):
    path = write_clip(tmp_path / "clip.avi", moving_pictures(60))
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][30]
    start = packet.pos + 40
    data[start : start + packet.size // 2] = np.random.default_rng(3).bytes(packet.size // 2)
    (tmp_path / "damaged.avi").write_bytes(data)
    _, whole, _, _ = read_all(path)
    _, frames, problems, _ = read_all(tmp_path / "damaged.avi")
    marked = [frame.index for frame in frames if frame.problem]
    assert marked == list(range(30, 36))  # key frames: 24, 36
    assert all(np.array_equal(frames[i].image, whole[i].image) for i in (*range(30), *range(36, 60)))
    assert problems == ["6 of 60 frames show damaged data, up to the next key frame"]


def test_a_packet_that_cannot_be_decoded_is_counted(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", moving_pictures(40), codec="libx264")
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][20]
    data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path.write_bytes(data)
    _, frames, problems, _ = read_all(path)
    assert len(frames) == 39
    assert [frame.index for frame in frames if frame.problem] == list(range(20, 23))  # the next key frame is 24, now number 23
    assert problems[0] == "1 packet could not be decoded near 0.8 s"
    assert "39 of 40 announced frames could be decoded" in problems


def test_each_part_of_a_video_that_changes_its_size_has_its_own(tmp_path):
    sizes = ((96, 64), (192, 128))
    parts = [write_clip(tmp_path / f"{w}.mkv", [corners_picture(w, h)] * 3, codec="mjpeg", pixel_format="yuvj420p") for w, h in sizes]
    path = tmp_path / "both.mjpeg"
    with path.open("wb") as joined:
        for part in parts:
            with av.open(str(part)) as container:
                joined.writelines(bytes(packet) for packet in container.demux(video=0) if packet.size)
    _, frames, _, notes = read_all(path)
    assert [frame.image.shape for frame in frames] == [(64, 96, 3)] * 3 + [(128, 192, 3)] * 3
    assert corner_names(frames[5].image) == ["blue", "green", "red", "white"]
    assert notes == ["the video changes its size or rotation once: each part was measured as it is shown"]


@pytest.mark.parametrize("name", ["with space.mp4", 'it\'s "quoted".mp4', "-leading.mp4", "Müller 顔.mp4", "pipe:0.mp4", "%03d.mp4"])
def test_file_names_are_only_names(tmp_path, name):
    path = write_clip(tmp_path / "plain.mp4", moving_pictures(2))
    try:
        path = path.rename(tmp_path / name)
    except OSError:
        pytest.skip("this file system does not allow the name")
    assert len(read_all(path)[1]) == 2


def test_a_relative_name_with_a_dash_or_colon_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "plain.mp4", moving_pictures(2)).rename("-x.mp4")
    assert len(read_all(Path("-x.mp4"))[1]) == 2


def test_a_line_end_in_a_name_stays_out_of_the_message(tmp_path):
    assert error_of(tmp_path / "two\nlines.mp4").startswith("'two?lines.mp4'")


def test_importing_loads_no_heavy_library():
    names = ("media.video", "tables.formats", "tables.raw_log", "results.metadata", "tables.landmarks_csv", "tables.spool")
    modules = ", ".join(f"face_mirror_au.{name}" for name in names)
    code = f"import sys, {modules}; print(sorted({{'av', 'cv2', 'pandas', 'onnxruntime'}} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
