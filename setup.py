"""The compiled kernels. They are optional: without a C compiler the package installs and uses their NumPy twins."""

import os

from setuptools import Extension, setup

KERNELS = ("pose", "running_median", "mask", "fhog", "responses", "stage")
FOLDER = "face_mirror_au/numerics/_kernels"
# Sums keep their order and are not fused: the same bits on every processor.
# Python's own flags say -fwrapv, with which compilers leave loops over int as they are, number by number.
# Who sets a level of their own in CFLAGS gets it: tests that only ask what a wheel holds do not wait for the optimiser.
LEVEL = [] if "-O" in os.environ.get("CFLAGS", "") else ["-O3"]
FLAGS = [*LEVEL, "-ffp-contract=off", "-fno-trapping-math", "-fno-math-errno", "-fno-wrapv", "-g0"]
REQUIRED = os.environ.get("FACE_MIRROR_AU_REQUIRE_KERNELS") == "1"

extensions = [
    Extension(
        f"{FOLDER.replace('/', '.')}.{name}",
        [f"{FOLDER}/{name}.pyx"],
        extra_compile_args=[] if os.name == "nt" else FLAGS,
        optional=not REQUIRED,
    )
    for name in KERNELS
]

setup(ext_modules=extensions)
