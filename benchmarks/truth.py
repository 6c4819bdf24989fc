"""How far our values lie from C++ OpenFace 2.2, from the same landmarks and video. Needs ../shared."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields

from benchmarks import ROOT

sys.path.insert(0, str(ROOT / "tests" / "truth"))

import truth_cases

from face_mirror_au.numerics import _kernels


def main() -> int:
    """Print both tables, with the compiled kernels and again with their NumPy twins; return 1 when a limit is passed."""
    print(f"kernels: {_kernels.loaded}")
    print(f"\n{'case':<36}{'truth':<28}{'frames':>7}{'max':>10}{'p99.9':>10}{'min r':>11}{'_c equal':>10}  limits")
    missed = 0
    for case in truth_cases.CASES:
        found = truth_cases.compare(case)
        p999, correlation = truth_cases.limits(case, found.frames)
        good = (
            found.maximum <= truth_cases.MAX_DIFFERENCE
            and found.equal >= truth_cases.MIN_EQUAL
            and found.p999 <= p999
            and not (found.frames >= 40 and found.correlation < correlation)
        )
        missed += not good
        print(
            f"{case.name:<36}{case.truth:<28}{found.frames:>7}{found.maximum:>10.5f}{found.p999:>10.5f}{found.correlation:>11.7f}"
            f"{found.equal:>9.3%}  {'ok' if good else 'MISSED'} (p99.9 <= {p999}, r >= {correlation})"
        )
    print("\nper stage, largest difference from the C++ program")
    for clip, found in truth_cases.stages():
        print(f"  {clip}")
        for field in fields(found):
            print(f"    {field.name:<20}{getattr(found, field.name):.3g}")
    if "numpy" not in _kernels.loaded.values():
        print("\n--- the same with the NumPy twins ---\n", flush=True)
        missed += subprocess.run(
            [sys.executable, "-m", "benchmarks.truth"], env={**os.environ, "FACE_MIRROR_AU_KERNELS": "off"}, cwd=ROOT, check=False
        ).returncode
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
