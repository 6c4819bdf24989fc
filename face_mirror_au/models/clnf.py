"""OpenFace 2.2's landmark detectors, CLNF and CE-CLM, put together from their lists of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path, PurePosixPath

import numpy as np

from face_mirror_au.models.binary_file import damaged, read_bytes
from face_mirror_au.models.expert_files import read_ccnf, read_cen
from face_mirror_au.models.openface_files import read_pdm
from face_mirror_au.numerics.clnf.experts import MAX_WINDOW, Experts
from face_mirror_au.numerics.clnf.face import EarlyTermination, FaceModel, Validator
from face_mirror_au.numerics.clnf.fit import FitSettings, LandmarkModel
from face_mirror_au.numerics.clnf.parts import Part
from face_mirror_au.numerics.clnf.shape import ShapeModel
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.numerics.pose import PoseFitter
from face_mirror_au.records import N_LANDMARKS

CLNF_LIST = "main_clnf_general.txt"
CECLM_LIST = "main_ceclm_general.txt"

Resolve = Callable[[str], Path]
"""Gives the path of a file by its name relative to the models' folder; raises when it is missing."""

_MAX_TEXT_BYTES = 1_000_000
_MAX_NAME = 255
_MAX_ENTRIES = 64
_MAX_NUMBER = 1e6
# OpenFace 2.2 multiplies these for its CE-CLM models, which it knows by the name of their list.
_CECLM_SIGMA, _CECLM_REGULARISATION = 1.5, 0.9


@dataclass(frozen=True)
class ClnfSettings:
    """How OpenFace fits the main model.

    Attributes
    ----------
    sigma, regularisation, weight_factor, iterations
        See `FitSettings`.
    first_windows, next_windows : tuple of int
        Sides of the response maps by scale; 0 passes a scale over.
    """

    sigma: float = 1.5
    regularisation: float = 25.0
    weight_factor: float = 0.0
    iterations: int = 5
    first_windows: tuple[int, ...] = (11, 9, 7, 5)
    next_windows: tuple[int, ...] = (0, 9, 7, 0)

    def __post_init__(self) -> None:
        sides = (*self.first_windows, *self.next_windows)
        if not all(side == 0 or (side % 2 == 1 and 0 < side <= MAX_WINDOW) for side in sides) or not self.first_windows[0]:
            raise ValueError(f"windows {sides} are not all 0 or odd, at most {MAX_WINDOW}, the first one above 0")


DEFAULT = ClnfSettings()
WILD = ClnfSettings(1.25, 35.0, 2.5, 10, first_windows=(15, 13, 11, 11))
"""OpenFace's `-wild`; in images it also tries several rotations."""

# OpenFace 2.2: windows by scale, and how a part is fitted.
_EYE = (3, 5, 9), FitSettings(1.0, 0.5, 0.0, 5, refined=False)
_PARTS = {"inner": ((9,), FitSettings(1.75, 2.5, 2.5, 5, refined=False)), "left_eye_28": _EYE, "right_eye_28": _EYE}
_PART_SIZES = {"inner": 51, "left_eye_28": 28, "right_eye_28": 28}


@dataclass(frozen=True)
class _Entries:
    """A list file: words by keyword, in order."""

    path: Path
    folder: PurePosixPath
    lines: tuple[tuple[str, ...], ...]

    def of(self, keyword: str) -> list[tuple[str, ...]]:
        return [line[1:] for line in self.lines if line[0] == keyword]

    def one(self, keyword: str) -> str:
        """The name of the file that the list gives for this keyword."""
        found = self.of(keyword)
        if not found or not found[0]:
            raise damaged(self.path, f"it names no {keyword}")
        return self.name(found[0][0])

    def name(self, relative: str) -> str:
        """A name in the list, relative to the models' folder."""
        if not relative.isprintable() or not relative or len(relative) > _MAX_NAME:
            raise damaged(self.path, f"entry {relative[:_MAX_NAME]!r} is no name of a file")
        path = PurePosixPath(relative.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in relative:
            raise damaged(self.path, f"entry {relative!r} points outside its folder")
        return str(self.folder / path)


def read_face_model(list_name: str, resolve: Resolve, validator: Validator, settings: ClnfSettings = DEFAULT) -> FaceModel:
    """Read a landmark detector with everything that its list names, except the validator.

    Parameters
    ----------
    list_name : str
        `CLNF_LIST` or `CECLM_LIST`.
    resolve : callable
    validator : callable
        Made from the file that `validator_name` gives.
    settings : ClnfSettings
        `DEFAULT` or `WILD`.

    Raises
    ------
    ModelFileError
    """
    entries = _read_list(list_name, resolve)
    detector = _read_list(entries.one("LandmarkDetector"), resolve)
    pdm, scales = _read_model(detector, resolve, N_LANDMARKS)
    early = _read_early(resolve(detector.one("EarlyTermination")), len(scales[0].views)) if detector.of("EarlyTermination") else None
    ceclm = PurePosixPath(list_name).stem == PurePosixPath(CECLM_LIST).stem
    fit_settings = FitSettings(
        settings.sigma * (_CECLM_SIGMA if ceclm else 1.0),
        settings.regularisation * (_CECLM_REGULARISATION if ceclm else 1.0),
        settings.weight_factor,
        settings.iterations,
        refined=True,
    )
    main = LandmarkModel(ShapeModel.of(pdm), scales, fit_settings)
    parts = tuple(_read_part(entries, words, resolve) for words in entries.of("LandmarkDetector_part"))
    return FaceModel(main, PoseFitter(pdm), parts, validator, settings.first_windows, settings.next_windows, early)


def validator_name(list_name: str, resolve: Resolve) -> str:
    """Name of the validator's file that belongs to a landmark detector, relative to the models' folder."""
    return _read_list(list_name, resolve).one("DetectionValidator")


def _read_list(name: str, resolve: Resolve) -> _Entries:
    path = resolve(name)
    text = read_bytes(path, _MAX_TEXT_BYTES).decode("ascii", "replace")
    lines = tuple(tuple(line.split()) for line in text.splitlines() if line.strip())
    if not lines or len(lines) > _MAX_ENTRIES:
        raise damaged(path, f"it has {len(lines)} lines; it should list 1 to {_MAX_ENTRIES} files")
    return _Entries(path, PurePosixPath(name).parent, lines)


def _read_model(entries: _Entries, resolve: Resolve, n_points: int) -> tuple[PDM, tuple[Experts, ...]]:
    """The shape model and the experts, coarse to fine."""
    pdm_path = resolve(entries.one("PDM"))
    pdm = read_pdm(pdm_path, n_points)
    scales: list[Experts] = []
    for keyword, read in (("PatchesCCNF", read_ccnf), ("PatchesCEN", read_cen)):
        for words in entries.of(keyword):
            if not words:
                raise damaged(entries.path, f"a line {keyword} names no file")
            scales.append(read(resolve(entries.name(words[0])), n_points))
    if not scales:
        raise damaged(entries.path, "it names no experts (PatchesCCNF or PatchesCEN)")
    if any(len(experts.views) != len(scales[0].views) for experts in scales):
        raise damaged(entries.path, "the experts of its scales have different numbers of views")
    return pdm, tuple(scales)


def _read_part(entries: _Entries, words: Sequence[str], resolve: Resolve) -> Part:
    if len(words) < 4 or len(words) % 2 or words[1] not in _PARTS:
        raise damaged(entries.path, f"a part is not 'list name landmark landmark ...' with one of the names {', '.join(_PARTS)}")
    name = words[1]
    windows, settings = _PARTS[name]
    n_points = _PART_SIZES[name]
    try:
        pairs = np.array([int(word) for word in words[2:]], np.intp).reshape(-1, 2)
    except (ValueError, OverflowError) as error:
        raise damaged(entries.path, f"the landmarks of part {name} are no numbers") from error
    for column, limit in enumerate((N_LANDMARKS, n_points)):
        points = pairs[:, column]
        if len(pairs) < 3 or (points < 0).any() or (points >= limit).any() or np.unique(points).size != points.size:
            raise damaged(entries.path, f"the landmarks of part {name} are not 3 or more different ones of 0..{limit - 1}")
    part_list = _read_list(entries.name(words[0]), resolve)
    pdm, scales = _read_model(_read_list(part_list.one("LandmarkDetector"), resolve), resolve, n_points)
    return Part(name, LandmarkModel(ShapeModel.of(pdm), scales, settings), windows, pdm, pairs[:, 0].copy(), pairs[:, 1].copy())


def _read_early(path: Path, n_views: int) -> EarlyTermination:
    words = read_bytes(path, _MAX_TEXT_BYTES).decode("ascii", "replace").split()
    try:
        numbers = tuple(float(word) for word in words)
    except ValueError as error:
        raise damaged(path, "it holds something that is no number") from error
    if len(numbers) != 3 * n_views or not all(isfinite(number) and abs(number) <= _MAX_NUMBER for number in numbers):
        raise damaged(path, f"it has {len(numbers)} numbers; three for each of {n_views} views belong there")
    return EarlyTermination(numbers[:n_views], numbers[n_views : 2 * n_views], numbers[2 * n_views :])
