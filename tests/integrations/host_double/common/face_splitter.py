"""Makes the parts of a video's run anew."""

import config
import numpy as np
from detector_base import number
from landmark_detector import Detector
from video_processor import VideoProcessor

if config.LANDMARK_DETECTOR == "spiga":
    from spiga_detector import Detector


class FaceMirror:
    def create_mirrored_faces(self, frame, landmarks):
        middle = int(np.clip(landmarks[:, 0].mean(), 1, frame.shape[1] - 1))
        right, left = frame.copy(), frame.copy()
        width = min(middle, frame.shape[1] - middle)
        right[:, middle : middle + width] = frame[:, middle - width : middle][:, ::-1]
        left[:, middle - width : middle] = frame[:, middle : middle + width][:, ::-1]
        for picture in (right, left):  # which video it is, so that it can be told from the file
            picture[:16, :16] = 16 * number(frame)[0]
        return right, left

    def create_debug_frame(self, frame, landmarks):
        frame[::7, ::7] = (0, 255, 0)  # on the frame itself
        return frame


class StableFaceSplitter:
    def __init__(self, progress_callback=None):
        self.landmark_detector = Detector()
        self.landmark_detector.get_face_mesh(np.zeros((480, 640, 3), np.uint8))  # warms up
        self.face_mirror = FaceMirror()
        self.video_processor = VideoProcessor(self.landmark_detector, self.face_mirror)

    def process_video(self, input_path, output_dir):
        return self.video_processor.process_video(input_path, output_dir)
