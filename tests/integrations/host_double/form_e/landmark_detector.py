"""68 points, float32, behind a lock; the landmarks of an earlier frame where there is no face."""

import threading

import numpy as np
from detector_base import BaseDetector


class Detector(BaseDetector):
    def __init__(self):
        super().__init__()
        self._detector_lock = threading.Lock()

    def get_face_mesh(self, frame, detection_interval=30):
        with self._detector_lock:
            points = self.smoothed(frame)
            if points is None:
                if self.last_landmarks is None:
                    return None, {"valid": False, "reason": "No face detected"}
                return self.last_landmarks.copy(), {"valid": True, "reused": True}
            points = points.astype(np.float32)
            self.last_landmarks = points.copy()
            self.note(frame, points.copy())
            return points, {"valid": True}
