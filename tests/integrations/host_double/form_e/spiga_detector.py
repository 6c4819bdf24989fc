"""The other detector of the newest form: 98 points inside, 68 outside, one caller at a time."""

import threading

import numpy as np
from detector_base import BaseDetector


class Detector(BaseDetector):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()

    def get_face_mesh(self, frame, detection_interval=None, use_cache=True):
        with self._lock:
            points = self.smoothed(frame)
            if points is None:
                return None, None
            points = points.astype(np.float32)
            self.note(frame, points.copy())
            return points, {"detector": "spiga", "confidence": 1.0}
