"""Open a window and close it, in a process of its own: a display that does not answer ends the process that asks, without an exception."""

from __future__ import annotations

from face_mirror_au.opencv import opencv

if __name__ == "__main__":
    cv2 = opencv()
    cv2.namedWindow("face-mirror-au")
    cv2.destroyAllWindows()
