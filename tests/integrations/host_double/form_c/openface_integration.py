"""The AU stage of the double: writes a mark instead of a table, after looking at all frames."""

from pathlib import Path

import cv2


class OpenFace3Processor:
    def process_video(self, video_path, output_csv_path, progress_callback=None):
        capture = cv2.VideoCapture(str(video_path))
        if not capture.isOpened():
            raise RuntimeError("cannot open the video")
        count = 0
        while capture.read()[0]:
            count += 1
        Path(output_csv_path).write_text("by the application itself\n")
        return count

    def clear_cache(self):
        pass
