"""Scripts that measure and print a table. Run them from the project's root: `python -m benchmarks.truth`.

What they measure is the installed package. The root itself comes last on the path, because its folder face_mirror_au holds no compiled
kernels; `training` is found there.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:] = [*(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT), str(ROOT)]
