"""The frame loop: frames in, records out, in frame order."""
