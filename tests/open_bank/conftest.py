from __future__ import annotations

import pytest

from face_mirror_weights import Store


@pytest.fixture
def store(shared_file):
    return Store([shared_file("weights")])
