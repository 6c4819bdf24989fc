"""The AU stage of the double, from a package."""

from pyfaceau.processor import OpenFaceProcessor


class OpenFace3Processor(OpenFaceProcessor):
    def process_video(self, video_path, output_csv=None, progress_callback=None):
        return super().process_video(video_path, output_csv, progress_callback)
