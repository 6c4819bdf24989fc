"""One face in one picture becomes one descriptor: pose, alignment, FHOG, geometry. Stateless; runs in the workers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_mirror_au.errors import LandmarksError
from face_mirror_au.numerics.alignment import Aligner
from face_mirror_au.numerics.fhog import OWN, extract_fhog
from face_mirror_au.numerics.geometry import geometry_features
from face_mirror_au.numerics.head_pose import Camera, estimate_head_pose
from face_mirror_au.numerics.mesh_shape import MeshShape
from face_mirror_au.numerics.pdm import PDM
from face_mirror_au.numerics.pose import PoseFit, PoseFitter
from face_mirror_au.pipeline.signal import Sight
from face_mirror_au.pipeline.signals import measure_signals
from face_mirror_au.records import FaceDescriptor, Float32Array, FloatArray, Image, View


class FaceDescriber:
    """Describes faces, each frame from scratch.

    Parameters
    ----------
    pdm : PDM
    triangles : ndarray, (t, 3) int32
        Face mask.
    pose_fitter : PoseFitter, optional
        Of the same PDM: the tracker's, which has the fit of the landmarks already.
    mesh_shape : MeshShape, optional
        Adds the mesh's shape parameters to the geometry; every face must have a mesh then.
    fhog : str
        Which program computes FHOG; see `extract_fhog`.
    more_signals : bool
        Whether the signals are measured that OpenFace does not have.
    """

    def __init__(
        self,
        pdm: PDM,
        triangles: NDArray[np.int32],
        pose_fitter: PoseFitter | None = None,
        mesh_shape: MeshShape | None = None,
        fhog: str = OWN,
        *,
        more_signals: bool = True,
    ) -> None:
        self.pdm = pdm
        self._mesh_shape = mesh_shape
        self._fhog = fhog
        self._more_signals = more_signals
        self.pose_fitter = pose_fitter or PoseFitter(pdm)
        self._aligner = Aligner(pdm, triangles)

    def fit(self, landmarks: FloatArray | Float32Array) -> PoseFit:
        """Pose and shape of landmarks, (68, 2) pixels. Raises LandmarksError when no pose fits."""
        return self.pose_fitter.fit(np.asarray(landmarks, dtype=np.float64))

    def describe(
        self,
        image: Image,
        landmarks: FloatArray | Float32Array,
        fit: PoseFit | None = None,
        mesh: Float32Array | None = None,
        view: View = View.ORIGINAL,
    ) -> FaceDescriptor:
        """Describe the face at `landmarks`.

        Parameters
        ----------
        image : ndarray, (H, W, 3) uint8
            BGR, contiguous.
        landmarks : ndarray, (68, 2)
            Pixels, iBUG order.
        fit : PoseFit, optional
            Of these landmarks, when it was already made.
        mesh : ndarray, (478, 3) float32, optional
            Pixels; all points of a mesh model.
        view : View
            The picture that it is in: some signals are measured in the original one only.

        Returns
        -------
        FaceDescriptor

        Raises
        ------
        LandmarksError
            When no pose fits the landmarks, or a mesh is needed and there is none.
        """
        fit = fit or self.fit(landmarks)
        aligned = self._aligner.align(image, landmarks, fit.pose)
        height, width = image.shape[:2]
        camera = Camera.for_size(width, height)
        head_pose = estimate_head_pose(self.pdm, landmarks, fit.pose, fit.local, camera)
        facing = None if self._mesh_shape is None or mesh is None else self._mesh_shape.facing(mesh)
        return FaceDescriptor(
            hog=extract_fhog(aligned, self._fhog),
            geometry=self._geometry(fit, facing),
            pose=fit.pose,
            head_pose=head_pose,
            signals=measure_signals(Sight(image, landmarks, mesh, facing, fit, head_pose, self.pdm, camera, view))
            if self._more_signals
            else {},
        )

    def _geometry(self, fit: PoseFit, facing: FloatArray | None) -> FloatArray:
        """What the PDM says of the shape, and the mesh that looks straight ahead, where the bank looks at it."""
        of_pdm = geometry_features(self.pdm, fit.local)
        if self._mesh_shape is None:
            return of_pdm
        if facing is None:
            raise LandmarksError(
                "the open AU bank measures the 478 points of the attention mesh, and these landmarks came without; "
                "leave out the plugin that locates landmarks, or choose profile hybrid or openface"
            )
        return np.concatenate([of_pdm, self._mesh_shape.parameters_facing(facing)])
