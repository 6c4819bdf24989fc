"""The AU stage of the double: writes a mark instead of a table."""

from pathlib import Path


class OpenFace3Processor:
    def process_video(self, video_path, output_csv_path, progress_callback=None):
        Path(output_csv_path).write_text("by the application itself\n")
        return 1

    def clear_cache(self):
        pass
