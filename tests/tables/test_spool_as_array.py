"""Whatever is appended, in whatever pieces: a spool reads as the array of all records."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_mirror_au.tables import spool
from face_mirror_au.tables.spool import Spool

RECORD = np.dtype([("frame", np.int64), ("pair", np.float32, (2,)), ("success", np.bool_)])

steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.just(1)),
        st.tuples(st.just("extend"), st.integers(0, 12)),
        st.tuples(st.just("flush"), st.just(0)),
        st.tuples(st.just("read"), st.tuples(*[st.one_of(st.none(), st.integers(-40, 40))] * 2)),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(steps, st.integers(1, 9))
def test_it_is_the_array(history, records_in_buffer):
    made = np.zeros(400, RECORD)
    made["frame"] = np.arange(400)
    made["pair"] = np.random.default_rng(0).normal(size=(400, 2))
    made["success"] = made["frame"] % 3 == 0
    count = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "BUFFER_BYTES", records_in_buffer * RECORD.itemsize)
        with Spool(RECORD, Path(tempfile.gettempdir())) as store:
            for step, what in history:
                if step == "append":
                    store.append(made[count])
                elif step == "extend":
                    store.extend(made[count : count + what])
                elif step == "flush":
                    store.flush()
                else:
                    rows = slice(*what)
                    assert np.array_equal(store.read(rows.start, rows.stop), made[:count][rows])
                    assert np.array_equal(store.column("pair")[rows], made[:count]["pair"][rows])
                count += what if step in {"append", "extend"} else 0
                assert len(store) == count
            assert np.array_equal(store.read(), made[:count])
            assert np.array_equal(np.asarray(store.column("frame")), np.arange(count))
