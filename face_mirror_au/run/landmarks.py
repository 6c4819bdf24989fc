"""Action units from landmarks that the user brings, with the video or images they belong to."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import LandmarksError, UsageError
from face_mirror_au.media.video import open_source
from face_mirror_au.models.openface_bank import AU_SET, OpenFaceBank
from face_mirror_au.numerics.au_bank import AUBank
from face_mirror_au.numerics.pose import PoseFit
from face_mirror_au.pipeline.describer import FaceDescriber
from face_mirror_au.pipeline.model_set import load_openface_describer
from face_mirror_au.pipeline.own_descriptor import described_frame
from face_mirror_au.pipeline.sequence import predict_image
from face_mirror_au.records import INTENSITY_AUS, PRESENCE_AUS, FaceDescriptor, FloatArray, Image, View, check_image
from face_mirror_au.run.measuring import Measurement
from face_mirror_au.tables.landmarks_csv import LandmarksTable, read_landmarks, read_pdm_params
from face_mirror_au.wording import counted
from face_mirror_weights import Store

VALUES = ("final", "online", "repredicted", "webcam")
MODELS = ("dynamic", "static", "image")


@dataclass(frozen=True)
class LandmarkAUs:
    """Action units of N rows, at full precision.

    Attributes
    ----------
    frame : ndarray, (N,) int64
        As in the landmarks file: 1-based.
    success : ndarray, (N,) bool
    intensity : ndarray, (N, 17) float64
        In the order of `INTENSITY_AUS`. Failed rows: NaN, or what OpenFace gives when strict.
    presence : ndarray, (N, 18) float64
    problems : tuple of str
        What went wrong without stopping the run (frames missing from a damaged video).
    """

    frame: NDArray[np.int64]
    success: NDArray[np.bool_]
    intensity: FloatArray
    presence: FloatArray
    problems: tuple[str, ...] = ()


def aus_from_landmarks(
    video: Path | str,
    landmarks: Path | str,
    *,
    models: str = "dynamic",
    values: str = "final",
    strict: bool = False,
    params: Path | str | None = None,
    image_index: Path | str | None = None,
    weights_dir: Path | str | None = None,
) -> LandmarkAUs:
    """OpenFace's action units for given landmarks.

    Parameters
    ----------
    video : path
        Video, image, or image folder. Row i of the landmarks belongs to its frame i.
    landmarks : path
        CSV (plain or .gz) with columns frame (1-based), success, x0..x67, y0..y67 in pixels; or x_0..x_67, y_0..y_67, as in the tables of
        OpenFace and of this project.
    models : str
        "dynamic" (a video, compared with its neutral face), "static" (static predictors on a sequence), "image" (every row for itself).
    values : str
        "final" (after the last frame), "online" (as predicted frame by frame), "repredicted" (with the final neutral face, unclipped) or
        "webcam" (OpenFace's corrected online value). "image" has only "final".
    strict : bool
        Read failed rows as OpenFace does, instead of leaving them empty.
    params : path, optional
        CSV with columns scale, rx, ry, rz, tx, ty, p_0..p_33: pose and shape to use instead of fitting them.
    image_index : path, optional
        For "image": CSV with columns row, image: which file of the folder `video` each landmark row belongs to.
    weights_dir : path, optional
        Folder with OpenFace's files; searched before the usual ones.

    Returns
    -------
    LandmarkAUs

    Raises
    ------
    UsageError, LandmarksError, VideoError, WeightsError, ModelFileError
    """
    if models not in MODELS:
        raise UsageError(f"must be one of {', '.join(MODELS)}, not {models!r}", "models")
    if values not in VALUES:
        raise UsageError(f"must be one of {', '.join(VALUES)}, not {values!r}", "values")
    if models == "image" and values != "final":
        raise UsageError(f"must be final for single images, not {values!r}", "values")
    if image_index is not None and models != "image":
        raise UsageError(f"is for models 'image', not {models!r}", "image_index", "--index")
    table = read_landmarks(Path(landmarks))
    fits = read_pdm_params(Path(params), len(table.frame)) if params is not None else None
    store = Store.default(Path(weights_dir) if weights_dir is not None else None)
    store.require_set(AU_SET)
    describer = load_openface_describer(store)
    bank = OpenFaceBank(store).au_bank("dynamic" if models == "dynamic" else "static")

    problems: list[str] = []
    if image_index is not None:
        images = _indexed_images(Path(video), Path(image_index), len(table.frame))
    else:
        images = _frames(Path(video), problems)
    descriptors = _describe(describer, images, table, fits, problems)
    if models == "image":
        return _image_values(bank, table, descriptors, strict, problems)
    with Measurement(bank, (View.ORIGINAL,), None, strict=strict) as measurement:
        return _sequence_values(measurement, table, descriptors, values, problems)


def _frames(video: Path, problems: list[str]) -> Iterator[Image | None]:
    with open_source(video) as source:
        for frame in source:
            yield None if frame.problem else frame.image
        problems.extend(source.problems)


def _indexed_images(folder: Path, index: Path, rows: int) -> Iterator[Image | None]:
    try:
        with index.open(newline="", encoding="utf-8") as file:
            names = {int(row["row"]): str(row["image"]) for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise LandmarksError(f"{index.name} is no image index: it needs the columns row (1-based) and image") from error
    for row in range(1, rows + 1):
        if row not in names:
            raise LandmarksError(f"{index.name} names no image for row {row}")
        with open_source(folder / names[row]) as source:
            frame = next(iter(source))
            yield None if frame.problem else frame.image


def _describe(
    describer: FaceDescriber,
    images: Iterator[Image | None],
    table: LandmarksTable,
    fits: tuple[FloatArray, FloatArray] | None,
    problems: list[str],
) -> Iterator[FaceDescriptor | None]:
    """One descriptor for each row; None for a row without success. The rest of the video after the last row is not decoded."""
    for row in range(len(table.frame)):
        try:
            image = next(images)
        except StopIteration:
            rows, frames = counted(len(table.frame), "row"), counted(row, "frame")
            message = f"the landmarks have {rows}, the video has {frames}; give the landmarks of this very video"
            if problems:
                problems.append(message)
                return
            raise LandmarksError(message) from None
        if not table.success[row] or image is None:
            yield None
            continue
        fit = PoseFit(fits[0][row], fits[1][row], 0.0, 0) if fits is not None else None
        try:
            descriptor = describer.describe(check_image(image), table.points[row], fit)
        except LandmarksError as error:
            raise LandmarksError(f"frame {table.frame[row]}: {error}; correct the landmarks, or set success to 0") from error
        yield descriptor
    if next(images, None) is not None:
        problems.append(f"the video has more frames than the {counted(len(table.frame), 'landmark row')}; the others were not measured")


def _sequence_values(
    measurement: Measurement, table: LandmarksTable, descriptors: Iterator[FaceDescriptor | None], values: str, problems: list[str]
) -> LandmarkAUs:
    success: list[bool] = []
    online = []
    for descriptor in descriptors:
        result = described_frame(len(success), descriptor)
        success.append(descriptor is not None)
        online.append(measurement.append(result)[View.ORIGINAL])
    if not online:
        raise LandmarksError("there is no landmark row with a frame to it")
    final = measurement.final_values()
    if values == "final":
        intensity, presence = final.intensity, final.presence
    elif values == "repredicted":
        intensity, presence = final.raw, final.raw_presence
    else:
        intensity = np.array([each.corrected if values == "webcam" else each.raw for each in online])
        presence = np.array([each.presence for each in online])
    if measurement.strict:
        intensity, presence = np.nan_to_num(intensity), np.nan_to_num(presence)
    return LandmarkAUs(table.frame[: len(success)], np.array(success), intensity, presence, tuple(problems))


def _image_values(
    bank: AUBank, table: LandmarksTable, descriptors: Iterator[FaceDescriptor | None], strict: bool, problems: list[str]
) -> LandmarkAUs:
    missing = 0.0 if strict else np.nan
    intensity: list[FloatArray] = []
    presence: list[FloatArray] = []
    success: list[bool] = []
    for descriptor in descriptors:
        success.append(descriptor is not None)
        if descriptor is None:
            intensity.append(np.full(len(INTENSITY_AUS), missing))
            presence.append(np.full(len(PRESENCE_AUS), missing))
            continue
        values, classes = predict_image(bank, descriptor.hog, descriptor.geometry)
        intensity.append(values)
        presence.append(classes)
    return LandmarkAUs(table.frame[: len(success)], np.array(success), np.array(intensity), np.array(presence), tuple(problems))
