"""Writes a mark instead of a table."""

from pathlib import Path


class OpenFaceProcessor:
    def process_video(self, video_path, output_csv=None, progress_callback=None):
        Path(output_csv).write_text("by the application itself\n")
        return 1

    def clear_cache(self):
        pass
