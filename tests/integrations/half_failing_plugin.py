"""A plugin that fails at every second frame."""

from face_mirror_hooks import hookimpl


class HalfFailingPlugin:
    @hookimpl
    def detect_faces(self, frame):
        if frame.index % 2:
            raise ValueError("not today")

    @hookimpl
    def locate_landmarks(self, frame):
        if frame.index % 2:
            raise ValueError("not today")
