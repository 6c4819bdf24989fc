"""The double's frame loop: threads, batches, any order, swallowed exceptions, encoders behind a queue."""

import queue
import random
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import config
import cv2

BATCH_SIZE = 20
SIDES = ("right_mirrored", "left_mirrored", "debug")


class Encoder:
    """As the application's: nobody looks whether it failed."""

    def __init__(self, path, width, height, fps):
        self.left = next((limit for video, limit in config.JOB.get("encoder_ends", []) if video == config.VIDEO), None)
        path.write_bytes(b"")
        self.writer = None
        if self.left != 0:
            self.writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, (width, height))

    def write(self, picture):
        if self.left is None or self.left > 0:
            self.writer.write(picture)
            self.left = None if self.left is None else self.left - 1

    def release(self):
        if self.writer is not None:
            self.writer.release()


class VideoProcessor:
    def __init__(self, landmark_detector, face_mirror, debug_mode=False, num_threads=6, progress_callback=None):
        self.landmark_detector = landmark_detector
        self.face_mirror = face_mirror
        self.num_threads = config.JOB.get("threads", num_threads)

    def _process_frame_batch(self, frame_data):
        frame_index, frame = frame_data
        if config.now("close_at", frame_index):
            config.WINDOW_CLOSED.set()
        try:
            time.sleep(random.random() * 0.02)  # noqa: S311
            landmarks, _ = self.landmark_detector.get_face_mesh(frame)
            if landmarks is None:
                return frame_index, frame.copy(), frame.copy(), frame.copy()
            right, left = self.face_mirror.create_mirrored_faces(frame, landmarks)
            return frame_index, right, left, self.face_mirror.create_debug_frame(frame, landmarks)
        except Exception:  # noqa: BLE001  (as the application does)
            return frame_index, frame.copy(), frame.copy(), frame.copy()

    def process_video(self, input_path, output_dir):
        self.landmark_detector.reset_tracking_history()
        input_path, output_dir = Path(input_path), Path(output_dir)
        combined = output_dir.parent / "Combined Data"
        for folder in (output_dir, combined):
            folder.mkdir(parents=True, exist_ok=True)
        source = combined / f"{input_path.stem}_source{input_path.suffix}"
        shutil.copyfile(input_path, source)
        capture = cv2.VideoCapture(str(source))
        if not capture.isOpened():
            raise RuntimeError("Error opening video file")
        size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        fps = int(capture.get(cv2.CAP_PROP_FPS))
        outputs = [output_dir / f"{input_path.stem}_{side}.mp4" for side in SIDES]
        encoders = [Encoder(path, *size, fps) for path in outputs]
        waiting = queue.Queue(maxsize=300)
        writer = threading.Thread(target=self.write, args=(waiting, encoders))
        writer.start()
        try:
            self.process_batches(capture, waiting)
        finally:
            waiting.put(None)
            writer.join()
            for encoder in encoders:
                encoder.release()
        return [*map(str, outputs), str(source)]

    def process_batches(self, capture, waiting):
        total = config.JOB.get("claimed_frames") or int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        executor = ThreadPoolExecutor(self.num_threads)
        count = 0
        while count < total:
            batch = []
            reader = threading.Thread(target=self.read, args=(capture, count, batch))
            reader.start()
            reader.join()
            if not batch:
                break
            count += len(batch)
            results = {}
            if config.JOB.get("first_alone") and batch[0][0] == 0:
                for _ in range(config.JOB["first_alone"]):
                    index, *pictures = self._process_frame_batch((0, batch[0][1].copy()))
                    results[index] = pictures
                batch = batch[1:]
            if config.JOB.get("shuffled"):
                random.shuffle(batch)
            batch = [data for data in batch if not config.now("left_out", data[0])]
            for future in as_completed([executor.submit(self._process_frame_batch, data) for data in batch]):
                index, *pictures = future.result()
                results[index] = pictures
            for index in sorted(results):
                if config.now("fails_at", index):
                    raise RuntimeError("FFmpeg encoder failed")
                waiting.put(results[index])
            if not config.JOB.get("first_alone"):
                executor.shutdown()
                executor = ThreadPoolExecutor(self.num_threads)
        executor.shutdown()

    def write(self, waiting, encoders):
        while (pictures := waiting.get()) is not None:
            for encoder, picture in zip(encoders, pictures, strict=True):
                encoder.write(picture)

    def read(self, capture, start, batch):
        for index in range(start, start + BATCH_SIZE):
            got, frame = capture.read()
            if not got:
                return
            batch.append((index, frame.copy()))
