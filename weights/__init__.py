"""The model store: what model files exist, finding, fetching, importing and verifying them.

`Store` is what the rest of the project uses; the command line of it is ``face-mirror-au weights``.
"""

from face_mirror_weights.errors import FaceMirrorAUError, LicenceNotAcceptedError, WeightsError
from face_mirror_weights.manifest import Manifest, load_manifest
from face_mirror_weights.store import Store

__all__ = ["FaceMirrorAUError", "LicenceNotAcceptedError", "Manifest", "Store", "WeightsError", "load_manifest"]
