"""Files of landmark experts in OpenFace's form, made here: small, with any numbers."""

from __future__ import annotations

import struct

import numpy as np

from fuzz.openface_stand_ins import F32, F64, I32, matrix


def head(scaling: float, yaws: tuple[float, ...], visible: tuple[tuple[int, ...], ...]) -> bytes:
    """Scaling, views, visibility."""
    centres = b"".join(matrix([[0.0], [yaw], [0.0]], F64) for yaw in yaws)
    return struct.pack("<di", scaling, len(yaws)) + centres + b"".join(matrix(np.array(row)[:, None], I32) for row in visible)


def neuron(weights: np.ndarray, norm: float, bias: float, alpha: float, kind: int = 2) -> bytes:
    """A neuron of a CCNF expert."""
    return struct.pack("<iiddd", kind, 0, norm, bias, alpha) + matrix(weights, F32)


def ccnf_expert(neurons: list[bytes], betas: tuple[float, ...], confidence: float) -> bytes:
    """An expert; without neurons, of a landmark that is not visible."""
    start = struct.pack("<4i", 5, 11, 11, len(neurons))
    return start + (b"".join(neurons) + struct.pack(f"<{len(betas) + 1}d", *betas, confidence) if neurons else struct.pack("<i", 0))


def ccnf(window: int = 3, alpha: float = 0.5, beta: float = 2.0, neurons: int = 2, scaling: float = 0.25, component: float = 2.0) -> bytes:
    """Two views of two landmarks, the second landmark only in the first view; one window of one component."""
    random = np.random.default_rng(0)
    cells = window**2
    likeness = np.diag(np.full(cells, component)) - np.diag(np.ones(cells - 1), 1) - np.diag(np.ones(cells - 1), -1)
    windows = struct.pack("<iii", 1, window, 1) + matrix(likeness, F32)
    expert = ccnf_expert([neuron(random.normal(size=(11, 11)), 1.5, 0.25, alpha) for _ in range(neurons)], (beta,), 0.75)
    return head(scaling, (0.0, -20.0), ((1, 1), (1, 0))) + windows + 3 * expert + ccnf_expert([], (), 0.0)


def layer(units: int, inputs: int, activation: int) -> bytes:
    """A layer of a CEN expert."""
    random = np.random.default_rng(units)
    weights = matrix(random.normal(0.0, 0.3, (units, inputs)), F32)
    return struct.pack("<i", activation) + matrix(random.normal(0.0, 0.3, units), F32) + weights


def cen_expert(sizes: tuple[int, ...] = (3, 1)) -> bytes:
    """An expert; without layers, one that its mirror image's stands in for."""
    inputs = (122, *sizes)[: len(sizes)]
    layers = b"".join(layer(units, wide, 2 if units > 1 else 0) for units, wide in zip(sizes, inputs, strict=True))
    return struct.pack("<4i", 6, 11, 11, len(sizes)) + layers + struct.pack("<d", 0.5)


def cen(mirror_points: tuple[int, ...] = (1, 0), mirror_views: tuple[int, ...] = (0, 2, 1), second: tuple[int, ...] = ()) -> bytes:
    """Three views of two landmarks that are mirror images: one expert in the first view, two in the second, none in the third."""
    mirrors = matrix(mirror_points, I32) + matrix(mirror_views, I32)
    experts = cen_expert() + cen_expert(second) + 2 * cen_expert() + 2 * cen_expert(())
    return head(1.0, (0.0, -20.0, 20.0), ((1, 1), (1, 1), (1, 1))) + mirrors + experts


def pdm(points: int, modes: int = 2) -> bytes:
    """A shape model that looks somewhat like a disc."""
    random = np.random.default_rng(points)
    angles = np.linspace(0.0, 6.0, points)
    mean = np.concatenate([60.0 * np.cos(angles), 60.0 * np.sin(angles), 10.0 * np.cos(2.0 * angles)])
    parts = {"mean": mean[:, None], "components": random.normal(0.0, 0.1, (3 * points, modes)), "eigenvalues": np.full((1, modes), 40.0)}
    return "".join(f"# {name}\n{a.shape[0]}\n{a.shape[1]}\n6\n{' '.join(map(str, a.ravel()))}\n" for name, a in parts.items()).encode()


def all_visible(n_points: int, scaling: float) -> bytes:
    """CCNF experts of one view that see every landmark."""
    expert = ccnf_expert([neuron(np.eye(11), 1.0, 0.0, 1.0)], (), 0.5)
    return head(scaling, (0.0,), ((1,) * n_points,)) + struct.pack("<i", 0) + n_points * expert


def detector(*lists: str) -> dict[str, bytes]:
    """All files of a landmark detector with two scales and an eye, by name; its main list has these names."""
    pairs = " ".join(f"{36 + i} {8 + 2 * i}" for i in range(6))
    main = f"LandmarkDetector list.txt\nLandmarkDetector_part eye/main.txt left_eye_28 {pairs}\nDetectionValidator v.txt"
    return {
        "pdm.txt": pdm(68),
        "coarse.dat": all_visible(68, 0.25),
        "fine.dat": all_visible(68, 0.5),
        "eye/pdm.txt": pdm(28),
        "eye/experts.dat": all_visible(28, 1.0),
        "eye/main.txt": b"LandmarkDetector list.txt",
        "eye/list.txt": b"PDM pdm.txt\nPatchesCCNF experts.dat",
        "list.txt": b"PDM pdm.txt\r\nTriangulations none.txt\r\nPatchesCCNF coarse.dat\r\nPatchesCCNF fine.dat",
        "early.txt": b"1 0 -9",
        **dict.fromkeys(lists, main.encode()),
    }
