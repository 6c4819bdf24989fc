"""A stand-in for the application: its interface and its bad manners, without windows and networks. Written from a description of it."""

import gc
import json
import multiprocessing
import os
import sys
import threading
import traceback
from pathlib import Path

import config
from face_splitter import StableFaceSplitter
from openface_integration import OpenFace3Processor

if __name__ == "__main__":
    multiprocessing.set_start_method("fork", force=True)


def process_single_video(path, output_dir, processor, done):
    splitter = StableFaceSplitter()
    outputs = splitter.process_video(path, output_dir)
    combined = Path(output_dir).parent / "Combined Data"
    for video in [name for name in outputs if "mirrored" in name and "debug" not in name]:
        calls = []

        def progress(current_frame, total_frames, processing_fps, calls=calls):
            calls.append((current_frame, total_frames))

        csv = combined / (Path(video).stem + ".csv")
        count = processor.process_video(Path(video), csv, progress_callback=progress)
        done.append({"csv": csv.name, "count": count, "progress": calls})
        processor.clear_cache()
    splitter.landmark_detector.cleanup_memory()


def work(done):
    processor = OpenFace3Processor()
    output_dir = Path(config.JOB["output"]) / "Face Mirror 1.0 Output"
    try:
        for path in config.JOB["videos"]:
            process_single_video(path, output_dir, processor, done)
    except Exception:  # noqa: BLE001  (as the application does)
        done.append({"error": traceback.format_exc()})


def main():
    if config.JOB.get("no_stdout"):
        sys.stdout = None
    gc.freeze()
    os.chdir("/")  # and never back
    done = []
    thread = threading.Thread(target=work, args=(done,))
    thread.start()
    thread.join()
    Path(config.JOB["result"]).write_text(json.dumps({"au": done, "modules": sorted(set(sys.modules) & {"onnxruntime"})}))
    sys.exit(0)


if __name__ == "__main__":
    main()
