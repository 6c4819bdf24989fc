"""A whole run against C++ OpenFace's whole run: `python -m benchmarks.end_to_end`. Needs ../shared."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import ROOT
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS
from face_mirror_au.tables.agreement import table_agreement

sys.path.insert(0, str(ROOT / "tests" / "truth"))

from agreement import compare_runs

SHARED = ROOT.parent / "shared"
COMMAND = Path(sys.executable).with_name("face-mirror-au")


def main() -> None:
    """Print, for each profile and clip, how the run agrees with C++ OpenFace's."""
    with tempfile.TemporaryDirectory() as folder:
        for profile in ("openface", "openface-pfld", "hybrid"):
            for clip in ("default", "changeLighting"):
                output, truth = Path(folder) / f"{clip}-{profile}.csv", SHARED / "truth" / clip / "feature_extraction.csv.gz"
                subprocess.run(
                    [COMMAND, "run", SHARED / "media" / f"{clip}.wmv", "--output", output, "--profile", profile, "--quiet"],
                    env={**os.environ, "FACE_MIRROR_AU_WEIGHTS": str(SHARED / "weights")},
                    check=True,
                )
                found = compare_runs(output, truth)
                print(
                    f"{clip}.wmv, profile {profile}: mean correlation {found.mean_correlation:.4f} over {len(found.correlations)} AUs "
                    f"that move, mean landmark distance {found.landmark_distance:.4f} of the outer-eye distance"
                )
                print("  " + "  ".join(f"{name} {value:.3f}" for name, value in found.correlations.items()))
                columns = table_agreement(output, truth)
                print(
                    f"  intensities: mean difference {np.mean([columns[f'{au}_r'].mean for au in INTENSITY_AUS]):.4f}; presences equal: "
                    f"{100 * np.mean([columns[f'{au}_c'].equal for au in PRESENCE_AUS]):.2f} %; success equal: "
                    f"{100 * columns['success'].equal:.1f} %; confidence equal: {100 * columns['confidence'].equal:.1f} %"
                )


if __name__ == "__main__":
    main()
