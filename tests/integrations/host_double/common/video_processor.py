"""The double's frame loop: threads, batches, any order, swallowed exceptions."""

import random
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import config
import cv2

BATCH_SIZE = 20


class VideoProcessor:
    def __init__(self, landmark_detector, face_mirror, debug_mode=False, num_threads=6, progress_callback=None):
        self.landmark_detector = landmark_detector
        self.face_mirror = face_mirror
        self.num_threads = num_threads

    def _process_frame_batch(self, frame_data):
        frame_index, frame = frame_data
        try:
            time.sleep(random.random() * 0.02)  # noqa: S311
            landmarks, _ = self.landmark_detector.get_face_mesh(frame)
            if landmarks is None:
                return frame_index, frame.copy(), frame.copy(), frame.copy()
            right, left = self.face_mirror.create_mirrored_faces(frame, landmarks)
            return frame_index, right, left, self.face_mirror.create_debug_frame(frame, landmarks)
        except Exception:  # noqa: BLE001  (as the application does)
            return frame_index, frame.copy(), frame.copy(), frame.copy()

    def process_video(self, input_path, output_dir):  # noqa: C901  (as the application does)
        self.landmark_detector.reset_tracking_history()
        input_path, output_dir = Path(input_path), Path(output_dir)
        combined = output_dir.parent / "Combined Data"
        for folder in (output_dir, combined):
            folder.mkdir(parents=True, exist_ok=True)
        source = combined / f"{input_path.stem}_source{input_path.suffix}"
        shutil.copyfile(input_path, source)
        capture = cv2.VideoCapture(str(source))
        total = config.JOB.get("claimed_frames") or int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        names = [f"{input_path.stem}_{side}.mp4" for side in ("right_mirrored", "left_mirrored", "debug")]
        outputs = [output_dir / name for name in names]
        files = [path.open("wb") for path in outputs]
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
            batch = [data for data in batch if data[0] not in config.JOB.get("left_out", [])]
            for future in as_completed([executor.submit(self._process_frame_batch, data) for data in batch]):
                index, *pictures = future.result()
                results[index] = pictures
            for index in sorted(results):
                for file, picture in zip(files, results[index], strict=True):
                    file.write(picture.tobytes())
            if not config.JOB.get("first_alone"):
                executor.shutdown()
                executor = ThreadPoolExecutor(self.num_threads)
        executor.shutdown()
        for file in files:
            file.close()
        return [*map(str, outputs), str(source)]

    def read(self, capture, start, batch):
        for index in range(start, start + BATCH_SIZE):
            got, frame = capture.read()
            if not got:
                return
            batch.append((index, frame.copy()))
