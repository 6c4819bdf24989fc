"""One exception class per kind of mistake, all under `FaceMirrorAUError`. Every message says what, where, and what to do."""

from __future__ import annotations

from face_mirror_weights.errors import FaceMirrorAUError, LicenceNotAcceptedError, WeightsError

__all__ = [
    "CameraError",
    "ClusterError",
    "ExcelMissingError",
    "FaceMirrorAUError",
    "FrameError",
    "KernelsMissingError",
    "LandmarksError",
    "LicenceNotAcceptedError",
    "ModelFileError",
    "ModelRunError",
    "MovementsError",
    "NoDisplayError",
    "OpenCVMissingError",
    "OutputError",
    "ParquetMissingError",
    "PluginProblemError",
    "ResultError",
    "TableError",
    "UsageError",
    "VideoError",
    "WeightsError",
]


class FrameError(FaceMirrorAUError):
    """An image is not (H, W, 3) uint8, or is empty."""


class LandmarksError(FaceMirrorAUError):
    """Landmarks have the wrong shape or are not finite, or a landmarks file does not hold what it must."""


class ModelFileError(FaceMirrorAUError):
    """A model file (.dat, PDM, triangles, ONNX) is cut short, has a wrong type, or asks for absurd sizes."""


class ModelRunError(FaceMirrorAUError):
    """A network could not be loaded or failed on an input."""


class VideoError(FaceMirrorAUError):
    """A video or image is missing, empty, not a video, or has no picture in it."""


class CameraError(FaceMirrorAUError):
    """A camera cannot be opened, gives no pictures, or has gone."""


class NoDisplayError(FaceMirrorAUError):
    """A preview window cannot be opened."""


class MovementsError(FaceMirrorAUError):
    """A table of movements cannot be read, or a row of it is no movement of the recording."""


class OutputError(FaceMirrorAUError):
    """An output could not be written (folder read-only, disk full, file in use)."""


class PluginProblemError(FaceMirrorAUError):
    """A plugin cannot be loaded, does not fit the hooks, or is not there."""


class ResultError(FaceMirrorAUError):
    """A folder does not hold the result of a run, or a file of the result is missing, damaged, or of another run."""


class TableError(FaceMirrorAUError):
    """A table is not one of this program's, is damaged, or cannot become what was asked for."""


class ParquetMissingError(FaceMirrorAUError):
    """A Parquet file is to be read or written, and pyarrow is not installed."""


class ExcelMissingError(FaceMirrorAUError):
    """An Excel workbook is to be written, and XlsxWriter is not installed."""


class UsageError(FaceMirrorAUError):
    """Options that contradict each other or name something that does not exist.

    Parameters
    ----------
    message : str
    parameter : str, optional
        Name of the Python parameter that is wrong, put before the message. The command line names its option instead.
    option : str, optional
        That option, where it has another name than the parameter.
    """

    def __init__(self, message: str, parameter: str | None = None, option: str | None = None) -> None:
        super().__init__(message if parameter is None else f"{parameter} {message}")
        self._message = message
        self._option = option or (parameter and "--" + parameter.replace("_", "-"))

    def for_command_line(self) -> str:
        """The message with the option's name instead of the parameter's."""
        return str(self) if self._option is None else f"{self._option} {self._message}"


class ClusterError(FaceMirrorAUError):
    """A Dask scheduler cannot be reached, Dask is not installed, or a worker is not like this machine."""


class KernelsMissingError(FaceMirrorAUError):
    """FACE_MIRROR_AU_REQUIRE_KERNELS=1 is set and a compiled kernel could not be loaded."""


class OpenCVMissingError(FaceMirrorAUError):
    """`import cv2` failed, nearly always for want of the system library libGL."""
