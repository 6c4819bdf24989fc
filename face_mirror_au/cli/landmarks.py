"""`face-mirror-au au-from-landmarks`: bring your own landmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from face_mirror_au.cli.options import Weights, open_store
from face_mirror_au.cli.terminal import ExitCode, one_line_errors, print_error, say


@one_line_errors
def au_from_landmarks(
    video: Annotated[
        Path, typer.Argument(metavar="VIDEO", help="Video, image, or folder of images (one recording, in order of the names).")
    ],
    landmarks: Annotated[
        Path,
        typer.Argument(
            metavar="LANDMARKS.csv",
            help="Columns frame (from 1), success, x0..x67, y0..y67 (or x_0.., as OpenFace and `run` write) in pixels; plain or .gz.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT.csv",
            help="Full-precision table: frame, success, AUxx_r, AUxx_c. OUT.columns.csv beside it explains them.",
        ),
    ],
    values: Annotated[
        str,
        typer.Option(help="final; online (frame by frame, raw); repredicted (with the final neutral face, raw); webcam (corrected)."),
    ] = "final",
    models: Annotated[str, typer.Option(help="dynamic, static (on a sequence), image (every row for itself).")] = "dynamic",
    params: Annotated[
        Path | None, typer.Option(metavar="PARAMS.csv", help="Pose and shape (scale, rx .. ty, p_0 .. p_33) instead of fitting them.")
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(metavar="INDEX.csv", help="With --models image and a folder: columns row, image: the image of each landmark row."),
    ] = None,
    openface_strict: Annotated[bool, typer.Option("--openface-strict", help="Failed rows as OpenFace has them, instead of empty.")] = False,
    weights: Weights = None,
) -> None:
    """OpenFace's action units for landmarks that you have: equal to the C++ program to rounding.

    Exit codes: 0 all done; 1 failed; 2 wrong usage; 3 done, but not every landmark row has a frame or not every frame a row.
    """
    from face_mirror_au.files import check_output_file, check_output_folder, check_output_name, make_output_folder
    from face_mirror_au.models.openface_bank import OPENFACE_BANK
    from face_mirror_au.run.landmarks import aus_from_landmarks
    from face_mirror_au.tables.dictionary import write_dictionary
    from face_mirror_au.tables.formats import AUS, write_aus
    from face_mirror_au.wording import counted

    dictionary = output.with_name(f"{output.stem}.columns.csv")
    check_output_name(output.stem, ".columns.csv")
    check_output_folder(output.parent)
    for path in (output, dictionary):
        check_output_file(path)
    open_store(weights)
    found = aus_from_landmarks(
        video,
        landmarks,
        models=models,
        values=values,
        strict=openface_strict,
        params=params,
        image_index=index,
        weights_dir=weights,
    )
    make_output_folder(output.parent)
    write_aus(output, found.frame, found.success, found.intensity, found.presence)
    failed = int((~found.success).sum())
    write_dictionary(dictionary, [(output.name, AUS)], OPENFACE_BANK)
    say(f"{counted(len(found.frame), 'row')}, {failed} without success: {output}")
    say(f"  beside it: {dictionary.name}")
    for problem in found.problems:
        print_error(problem, "partial", "yellow")
    if found.problems:
        raise typer.Exit(ExitCode.PARTIAL)
