"""68 points, whole numbers, no lock; after an exception those of an earlier call."""

import config
import numpy as np
from detector_base import BaseDetector, number


class Detector(BaseDetector):
    def get_face_mesh(self, frame, detection_interval=30):
        try:
            points = self.smoothed(frame)
        except ValueError:
            return (None if self.last_landmarks is None else self.last_landmarks.copy()), None
        if points is None:
            return None, {"validation_passed": False, "reason": "no face"}
        points = points.astype(np.int32)
        if config.now("unvalidated", number(frame)[1]):
            return points + 40, {"validation_passed": False, "reason": "unlikely shape"}
        self.last_landmarks = points.copy()
        self.note(frame, points.astype(np.float32))
        return points, {"validation_passed": True}
