"""`python -m fuzz.keep`: of all inputs that fuzzing has grown, put the shortest of each kind into the corpus, one for each refusal."""

from __future__ import annotations

import hashlib
import re
import sys

from fuzz.__main__ import GROWN
from fuzz.contract import CORPUS, run
from fuzz.targets import TARGETS

# A target's corpus is to stay small: it is replayed with the tests.
MOST, MOST_BYTES = 16, 2048


def kinds(name: str) -> dict[str, bytes]:
    """The shortest input of each kind: what the message says, whatever numbers and words of the input it repeats."""
    found: dict[str, bytes] = {}
    for path in sorted((GROWN / name).iterdir()):
        data = path.read_bytes()
        error = run(TARGETS[name], data)
        kind = "taken" if error is None else re.sub(r"'[^']*'|\"[^\"]*\"|[-+.\w]*\d[-+.\w]*", "#", str(error))
        if len(data) <= MOST_BYTES and (kind not in found or len(data) < len(found[kind])):
            found[kind] = data
    return found


def main() -> None:
    """Write them; what else lies in the corpus stays."""
    for name in TARGETS:
        if (GROWN / name).is_dir():
            for data in sorted(kinds(name).values(), key=len)[:MOST]:
                (CORPUS / name / f"kept-{hashlib.sha1(data).hexdigest()[:12]}").write_bytes(data)  # noqa: S324 - a name


if __name__ == "__main__":
    sys.exit(main())
