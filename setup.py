"""The compiled kernels. They are optional: without a C compiler the package installs and uses their NumPy twins."""

import os

from setuptools import Extension, setup

KERNELS = ("pose", "running_median", "mask", "fhog", "responses", "stage")
FOLDER = "face_mirror_au/numerics/_kernels"
REQUIRED = os.environ.get("FACE_MIRROR_AU_REQUIRE_KERNELS") == "1"

extensions = [
    Extension(
        f"{FOLDER.replace('/', '.')}.{name}",
        [f"{FOLDER}/{name}.pyx"],
        extra_compile_args=[] if os.name == "nt" else ["-O3", "-ffp-contract=off", "-fno-trapping-math", "-fno-math-errno", "-g0"],
        optional=not REQUIRED,
    )
    for name in KERNELS
]

setup(ext_modules=extensions)
