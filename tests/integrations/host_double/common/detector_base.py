"""Landmarks from a file, for the frame whose number is written in its first pixel; smoothed over the last five calls, in call order."""

from pathlib import Path

import config
import numpy as np


def number(frame):
    """Video and frame of a stamped picture."""
    low, high, video = (int(value) for value in frame[0, 0])
    return video, low + 256 * high


class BaseDetector:
    def __init__(self):
        self.truth = [np.load(path)["landmarks"] for path in config.JOB["points"]]
        self.last_landmarks = None
        self.history = []
        self.returned = {}

    def smoothed(self, frame):
        video, index = number(frame)
        if video >= len(self.truth) or index >= len(self.truth[video]) or not frame.any():
            return None
        if config.now("no_face", index):
            return None
        if config.now("raises", index):
            raise ValueError("no landmarks today")
        before = [] if config.JOB.get("unsmoothed") else self.history[-4:]
        self.history = [*before, self.truth[video][index]]
        return np.mean(self.history, axis=0)

    def note(self, frame, points):
        self.returned.setdefault(number(frame), points)

    def reset_tracking_history(self):
        self.history = []
        self.returned = {}

    def cleanup_memory(self):
        for video in {video for video, _ in self.returned}:
            frames = sorted(index for found, index in self.returned if found == video)
            landmarks = np.stack([self.returned[video, index] for index in frames])
            label = Path(config.JOB["videos"][video]).stem
            np.savez(Path(config.JOB["recorded"]) / f"{label}.npz", frames=frames, landmarks=landmarks)
        self.reset_tracking_history()
