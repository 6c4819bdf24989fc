"""Frames in shared memory, by every way there is to make it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from multiprocessing import Pipe

import numpy as np
import pytest
from loop_tasks import FakeFactory, essence, expected, frames_of, shared_memory_names

from face_mirror_au.loop import ring as ring_module
from face_mirror_au.loop.frames import process_frames_in_workers
from face_mirror_au.loop.messages import receive
from face_mirror_au.loop.pool import WorkerPool
from face_mirror_au.loop.ring import Block, FrameRing, attach_memory, picture

WAYS = ["memfd", "unlinked", "file", "named"]


@pytest.fixture(params=WAYS)
def named(request, monkeypatch):
    """Whether to ask for named memory; of the anonymous kinds, the right one is in place."""
    if request.param == "memfd" and sys.platform != "linux":
        pytest.skip("Linux has it")
    if request.param == "unlinked":
        monkeypatch.setattr(ring_module, "_anonymous_descriptor", ring_module.unlinked_descriptor)
    if request.param == "file":
        monkeypatch.setattr(ring_module, "_anonymous_descriptor", ring_module._file_descriptor)
    return request.param == "named"


def test_what_goes_in_comes_out_read_only(named):
    frames = frames_of(5, 31, 17)
    block = Block(10_000, named=named)
    references = [block.append(frame, 5 - frame.index) for frame in frames]
    ours, theirs = Pipe()
    with ours, theirs:
        block.send(ours, os.getpid())
        memory = attach_memory(receive(theirs), theirs)
    assert getattr(memory, "descriptor", -1) == -1, "the map needs it no more"
    for frame, reference in zip(frames, references, strict=True):
        image = picture(memory, reference)
        assert np.array_equal(image, frame.image)
        assert image.flags.c_contiguous
        assert not image.flags.writeable
        assert image.ctypes.data % 64 == 0
        with pytest.raises(ValueError, match="read-only"):
            image[...] = 0
    del image
    memory.close()
    block.close()


def test_it_grows_and_keeps_what_it_has(named):
    small, large = frames_of(2, 10, 10), frames_of(2, 200, 300)
    block = Block(4096, named=named)
    number = block.number
    references = [block.append(replace(frame, index=index), 4 - index) for index, frame in enumerate([*small, *large])]
    assert block.number != number, "workers must be told that the memory is another"
    for frame, reference in zip([*small, *large], references, strict=True):
        assert np.array_equal(picture(block._memory, reference), frame.image)
    block.close()


def test_nothing_has_a_name(monkeypatch):
    for make in (ring_module.unlinked_descriptor, ring_module._file_descriptor):
        before = shared_memory_names()
        monkeypatch.setattr(ring_module, "_anonymous_descriptor", make)
        block = Block(4096, named=False)
        assert shared_memory_names() <= before
        block.close()


def test_through_workers(named):
    frames = frames_of(60)
    with WorkerPool(FakeFactory(), workers=2, start_method="spawn") as pool:
        records = process_frames_in_workers(frames, pool, detect_every=8, ring=FrameRing(4, named=named))
        assert essence(records) == essence(expected(frames, 8))


def test_blocks_are_used_again():
    ring = FrameRing(2)
    first, second = ring.take(100), ring.take(100)
    assert not ring.has_room
    ring.give_back(first)
    assert ring.has_room
    assert ring.take(100) is first
    ring.give_back(second)
    assert ring.bytes == first.size + second.size
    ring.close()


def test_a_map_outlives_the_block_while_an_array_looks_at_it():
    block = Block(4096, named=False)
    reference = block.append(frames_of(1, 5, 5)[0], 1)
    image = picture(block._memory, reference)
    block.close()
    assert image.sum() > 0
