"""A plugin that takes its time over every face."""

import time

from face_mirror_hooks import hookimpl


class SlowPlugin:
    @hookimpl
    def describe_face(self) -> None:
        time.sleep(0.1)
