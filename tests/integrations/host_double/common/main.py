"""A stand-in for the application: its interface and its bad manners, without windows and networks. Written from a description of it."""

import gc
import json
import logging
import multiprocessing
import os
import sys
import threading
import traceback
from pathlib import Path

import config

if __name__ == "__main__":
    if config.JOB.get("log"):
        logging.basicConfig(level=logging.DEBUG, filename=config.JOB["log"], force=True)
    if config.JOB.get("imports"):
        __import__(config.JOB["imports"])
    multiprocessing.set_start_method("fork", force=True)

from face_splitter import StableFaceSplitter
from openface_integration import OpenFace3Processor


def process_single_video(path, output_dir, processor, done):
    splitter = None
    try:
        splitter = StableFaceSplitter()
        outputs = splitter.process_video(path, output_dir)
        combined = Path(output_dir).parent / "Combined Data"
        # The words are looked for in the whole way to the file; a source that is called so is taken, too.
        for video in [name for name in outputs if "mirrored" in name and "debug" not in name]:
            calls = []

            def progress(current_frame, total_frames, processing_fps, calls=calls):
                calls.append((current_frame, total_frames))

            processor.clear_cache()
            csv = combined / (Path(video).stem + ".csv")
            try:
                count = processor.process_video(Path(video), csv, progress_callback=progress)
                done.append({"csv": csv.name, "count": count, "progress": calls})
            except Exception as error:  # noqa: BLE001  (as the application does)
                done.append({"csv": csv.name, "count": 0, "error": str(error)})
    except Exception:  # noqa: BLE001  (as the application does)
        done.append({"error": traceback.format_exc()})
    finally:
        if splitter is not None:
            splitter.landmark_detector.cleanup_memory()


def work(done, ended):
    processor = OpenFace3Processor()  # one for all videos
    output_dir = Path(config.JOB["output"]) / "Face Mirror 1.0 Output"
    for number, path in enumerate(config.JOB["videos"]):
        if config.WINDOW_CLOSED.is_set():
            break
        config.VIDEO = number
        process_single_video(path, output_dir, processor, done)
    ended.set()
    config.WINDOW_CLOSED.set()


def main():
    if config.JOB.get("no_stdout"):
        sys.stdout = None
    gc.freeze()
    os.chdir("/")  # and never back
    done, ended = [], threading.Event()
    thread = threading.Thread(target=work, args=(done, ended), daemon=not config.JOB.get("lives_on"))
    thread.start()
    config.WINDOW_CLOSED.wait()
    result = {"au": done, "whole": ended.is_set(), "modules": sorted(set(sys.modules) & {"onnxruntime"})}
    Path(config.JOB["result"]).write_text(json.dumps(result))
    sys.exit(0)  # a thread that works is ended with the process


if __name__ == "__main__":
    main()
