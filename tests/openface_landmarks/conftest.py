"""The stand-ins of OpenFace's files are no part of the package: they lie beside it, with the targets of `make fuzz`."""

from __future__ import annotations

import sys
from pathlib import Path

# Behind what is installed: that is what the tests are of.
sys.path.append(str(Path(__file__).resolve().parents[2]))
