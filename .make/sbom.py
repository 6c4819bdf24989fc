"""Write a bill of materials, CycloneDX JSON, of what the installed project needs to run: `sbom.py TARGET`.

cyclonedx-py describes the whole environment, with what developers have in it; what is not needed to run is taken out again.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROJECT = "face-mirror-au"


def plain(name: str) -> str:
    """One form of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required(name: str) -> list[str]:
    """Names of the packages that an installed one needs here, without extras."""
    from packaging.requirements import Requirement

    given = [Requirement(text) for text in metadata.requires(name) or ()]
    return [plain(each.name) for each in given if each.marker is None or each.marker.evaluate({"extra": ""})]


def closure(names: Iterable[str]) -> set[str]:
    """The packages, and all that they need in turn."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += required(name)
    return found


def only(bill: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The bill with these packages alone.

    Raises
    ------
    SystemExit
        When one of them is not in it.
    """
    components = [each for each in bill["components"] if plain(each["name"]) in names]
    missing = names - {plain(each["name"]) for each in components}
    if missing:
        raise SystemExit(f"the bill of materials lacks {', '.join(sorted(missing))}; install the project again and repeat")
    kept = {each["bom-ref"] for each in components} | {bill.get("metadata", {}).get("component", {}).get("bom-ref")}
    relations = [
        {**each, "dependsOn": [ref for ref in each.get("dependsOn", ()) if ref in kept]}
        for each in bill.get("dependencies", ())
        if each["ref"] in kept
    ]
    return {**bill, "components": components, "dependencies": relations}


def main(target: Path) -> None:
    """Write it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    tool = [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application"]
    whole = subprocess.run([*tool, "--output-reproducible", "--of", "JSON", sys.prefix], check=True, capture_output=True, text=True)
    bill = only(json.loads(whole.stdout), closure(required(PROJECT)))
    target.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    print(f"{len(bill['components'])} packages: {target}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
