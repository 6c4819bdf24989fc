"""What the double shall do: a JSON file that the test wrote."""

import json
import os
from pathlib import Path

JOB = json.loads(Path(os.environ["HOST_DOUBLE_JOB"]).read_text())
