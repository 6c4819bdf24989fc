"""How straight the head must be held for left against right."""

from __future__ import annotations

# Degrees of yaw. A face turned to the side shows one half smaller: what that does to left against right is no asymmetry of the face.
GOOD_YAW = 3.0
ACCEPTABLE_YAW = 5.0
