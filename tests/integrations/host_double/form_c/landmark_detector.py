"""98 points, whole numbers, no lock."""

import numpy as np
from detector_base import BaseDetector

IBUG_IN_WFLW = [*range(0, 33, 2), *range(33, 38), *range(42, 47), *range(51, 60), 60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75]
IBUG_IN_WFLW += range(76, 96)


class Detector(BaseDetector):
    def get_face_mesh(self, frame):
        points = self.smoothed(frame)
        if points is not None:
            wflw = np.full((98, 2), -1000.0)
            wflw[IBUG_IN_WFLW] = points
            points = wflw.astype(np.int32)
            self.note(frame, points[IBUG_IN_WFLW].astype(np.float32))
        return points, None
