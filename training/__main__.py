"""`python -m training --mesh ict.npz`: makes `weights/open/open_au.npz` anew."""

from __future__ import annotations

import logging
import platform
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from face_mirror_au.models.open_bank import write_open_bank
from face_mirror_au.records import ALL_AUS
from face_mirror_au.results.metadata import versions
from face_mirror_weights import open_models
from face_mirror_weights.folders import own_folder
from training.dataset import make_dataset
from training.fit import MESH_MODES, MIN_CORRELATION, PENALTY, VALIDATION_EVERY, fit_bank

NAME = "face-mirror-au open bank"
VERSION = "3"
SEED = 20261126
RECORDINGS = 1000

logger = logging.getLogger(__name__)


def train(
    mesh: Annotated[Path, typer.Option(help="ict.npz: arrays of ICT-FaceKit (MIT); training/render/ict.py says which.")],
    weights: Annotated[Path | None, typer.Option(help="Folder with the open models. Default: the usual ones.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where measured recordings are kept; a stopped run goes on there.")] = None,
    target: Annotated[Path, typer.Option(help="The bank's file.")] = open_models.BANK,
    recordings: Annotated[int, typer.Option(help="How many to render.")] = RECORDINGS,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bank.")] = SEED,
    workers: Annotated[int, typer.Option(help="Processes.")] = 2,
) -> None:
    """Render, measure and fit: about an hour on two cores."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = make_dataset(mesh, weights, folder or own_folder().parent / "training", seed, recordings, workers)
    logger.info("%d frames; fitting", len(data))
    fitted = fit_bank(data)
    description: dict[str, object] = {
        "name": NAME,
        "version": VERSION,
        "licence": "Apache-2.0; trained on renders of ICT-FaceKit (MIT)",
        "seed": seed,
        "recordings": recordings,
        "frames": len(data),
        "validation": f"every {VALIDATION_EVERY}th recording; an action unit below this correlation is left out: {MIN_CORRELATION}",
        "penalty": PENALTY,
        "mesh modes": MESH_MODES,
        "correlations": {
            form: {
                what: {name: round(float(value), 3) for name, value in zip(ALL_AUS, row, strict=True)}
                for what, row in zip(("whole", "sides"), rows, strict=True)
            }
            for form, rows in fitted.correlations.items()
        },
        "side errors": fitted.side_errors,
        "versions": versions() | {"machine": platform.machine()},
    }
    write_open_bank(target, description, fitted.arrays)
    for form, rows in fitted.correlations.items():
        worst = ", ".join(f"{name} {value:.2f}" for name, value in zip(ALL_AUS, rows[0], strict=True))
        logger.info("%s, whole face, validation: %s", form, worst)
    known = {form: int(np.sum(fitted.arrays[f"{form}_known"][0])) for form in fitted.correlations}
    logger.info("wrote %s: %s", target.name, ", ".join(f"{count} action units {form}" for form, count in known.items()))


if __name__ == "__main__":
    typer.run(train)
