"""A whole run against C++ OpenFace's whole run: `python -m benchmarks.end_to_end`. Needs ../shared."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import ROOT

sys.path.insert(0, str(ROOT / "tests" / "truth"))

from agreement import compare_runs

SHARED = ROOT.parent / "shared"
COMMAND = Path(sys.executable).with_name("face-mirror-au")


def main() -> None:
    """Print, for each profile and clip: correlation with the C++ run for each AU that moves, and the landmark distance."""
    with tempfile.TemporaryDirectory() as folder:
        for profile in ("openface-pfld", "hybrid"):
            for clip in ("default", "changeLighting"):
                output = Path(folder) / f"{clip}-{profile}.csv"
                subprocess.run(
                    [COMMAND, "run", SHARED / "media" / f"{clip}.wmv", "--output", output, "--profile", profile, "--quiet"],
                    env={**os.environ, "FACE_MIRROR_AU_WEIGHTS": str(SHARED / "weights")},
                    check=True,
                )
                found = compare_runs(output, SHARED / "truth" / clip / "feature_extraction.csv.gz")
                print(
                    f"{clip}.wmv, profile {profile}: mean correlation {found.mean_correlation:.4f} over {len(found.correlations)} AUs "
                    f"that move, mean landmark distance {found.landmark_distance:.4f} of the outer-eye distance"
                )
                print("  " + "  ".join(f"{name} {value:.2f}" for name, value in found.correlations.items()))


if __name__ == "__main__":
    main()
