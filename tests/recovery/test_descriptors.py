"""The file of descriptors: what is read back is what was written, and a damaged file is one clear error."""

from __future__ import annotations

import json
import random
from contextlib import suppress

import numpy as np
import pytest

from face_mirror_au.errors import FaceMirrorAUError, ResultError
from face_mirror_au.pipeline.own_descriptor import AU_PLUGIN, descriptor_of, failure_reason
from face_mirror_au.records import Face, FaceDescriptor, View
from face_mirror_au.results.descriptors import DescriptorLog, StoredDescriptors, record_type
from face_mirror_hooks.records import PluginFailure, ViewResult

GEOMETRY = 238
VIEWS = (View.ORIGINAL, View.LEFT_MIRRORED)


def described(view, seed):
    random_ = np.random.default_rng(seed)
    face = Face(np.ones(4, np.float32), 0.9, random_.random((68, 2), np.float32), "pfld")
    descriptor = FaceDescriptor(random_.random(4464, np.float32), random_.random(GEOMETRY), random_.random(6), random_.random(6))
    return ViewResult(view, face, True, 0.25 + seed, "", {AU_PLUGIN: descriptor})


def failed(view, face=None):
    return ViewResult(view, face, face is not None, 0.0, "" if face else "no face found", {AU_PLUGIN: PluginFailure("p", "h", "ü")})


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "p.descriptors"
    with DescriptorLog(path, {"run": {"ü": 1}}, VIEWS, GEOMETRY) as log:
        log.append(0, 0.0, described(VIEWS[0], 1))
        log.append(0, 0.0, failed(VIEWS[1]))
        log.append(1, 0.04, described(VIEWS[0], 2))
        log.append(1, 0.04, failed(VIEWS[1], described(VIEWS[1], 3).face))
        log.append(2, 0.08, described(VIEWS[0], 4))  # the second view is not there: not a whole frame
    return path


def test_all_that_the_values_come_from_is_read_back(path):
    stored = StoredDescriptors.open(path)
    assert (stored.views, stored.geometry, stored.count, stored.header["run"]) == (VIEWS, GEOMETRY, 2, {"ü": 1})
    first, second = stored.frames()
    assert (first.index, second.index, second.time_s) == (0, 1, 0.04)
    for seed, frame in ((1, first), (2, second)):
        found, wanted = frame.views[0], described(VIEWS[0], seed)
        assert (found.success, found.confidence, failure_reason(found)) == (True, wanted.confidence, "")
        np.testing.assert_array_equal(found.face.landmarks, wanted.face.landmarks)
        for name in ("hog", "geometry", "pose", "head_pose"):
            ours, theirs = getattr(descriptor_of(found), name), getattr(descriptor_of(wanted), name)
            np.testing.assert_array_equal(ours, theirs)
            assert np.asarray(ours).dtype == np.asarray(theirs).dtype
    assert (first.views[1].face, failure_reason(first.views[1])) == (None, "no face found")
    assert failure_reason(second.views[1]) == "plugin p failed in h: ü"
    assert second.views[1].face is not None


def test_a_file_without_a_record_does_not_appear(tmp_path):
    with DescriptorLog(tmp_path / "p.descriptors", {}, VIEWS, GEOMETRY):
        pass
    assert not list(tmp_path.iterdir())


def with_header(path, header):
    text = json.dumps(header).encode()
    path.write_bytes(b"face-mirror-au descriptors 3\n" + len(text).to_bytes(8, "little") + text + bytes(1000))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({}, "does not say which views"),
        ([], "header is cut off"),
        ({"views": ["original"], "geometry": 10**18}, "values of geometry"),
        ({"views": ["original"], "geometry": float("inf")}, "does not say which views"),
        ({"views": ["original"] * 2, "geometry": 238}, "names 2 views"),
        ({"views": ["behind"], "geometry": 238}, "does not say which views"),
    ],
)
def test_a_header_that_cannot_be_is_refused(tmp_path, header, message):
    path = tmp_path / "p.descriptors"
    with_header(path, header)
    with pytest.raises(ResultError, match=message):
        StoredDescriptors.open(path)


@pytest.mark.parametrize(("start", "message"), [(b"\x80\x04\x95pickle", "holds no descriptors"), (None, "cannot be so long")])
def test_sizes_are_checked_before_anything_is_read(tmp_path, start, message):
    path = tmp_path / "p.descriptors"
    path.write_bytes(start or b"face-mirror-au descriptors 3\n" + b"\xff" * 8)
    with pytest.raises(ResultError, match=message):
        StoredDescriptors.open(path)


@pytest.mark.parametrize("field", ["frame", "view", "time_s", "hog", "success"])
def test_a_record_that_is_none_is_told_with_its_frame(path, field):
    stored = StoredDescriptors.open(path)
    dtype = record_type(GEOMETRY, stored.signals)
    start = stored._start + 2 * dtype.itemsize  # the second frame
    content = bytearray(path.read_bytes())
    place = start + dtype.fields[field][1]
    content[place : place + 8] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(ResultError, match="is damaged: the record of frame 2 is not one"):
        list(StoredDescriptors.open(path).frames())


def test_whatever_bytes_are_wrong_it_is_an_error_of_ours_or_none(path):
    whole, chosen = path.read_bytes(), random.Random(7)  # noqa: S311 - no secret
    start = StoredDescriptors.open(path)._start
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(chosen.randint(1, 4)):
            content[chosen.randrange(start + 60)] = chosen.randrange(256)
        path.write_bytes(content[: chosen.randrange(len(content))] if chosen.random() < 0.3 else content)
        with suppress(FaceMirrorAUError):
            assert len(list(StoredDescriptors.open(path).frames())) <= 6
