"""All targets, the quick ones first."""

from __future__ import annotations

from fuzz import landmark_models, media, model_files, networks, openface_landmarks, recovering, results, tables
from fuzz.contract import Target

TARGETS: dict[str, Target] = {
    function.__name__: function
    for function in (
        model_files.predictor,
        model_files.au_list,
        model_files.triangles,
        model_files.pdm,
        model_files.manifest,
        model_files.open_bank,
        model_files.wheel,
        tables.movements_csv,
        tables.landmarks_csv,
        tables.table_csv,
        tables.batch_list,
        openface_landmarks.mtcnn_files,
        openface_landmarks.mtcnn_list,
        openface_landmarks.validating,
        landmark_models.ccnf_experts,
        landmark_models.cen_experts,
        landmark_models.landmark_lists,
        networks.retinaface,
        networks.blazeface,
        networks.pfld,
        networks.attention_mesh,
        networks.describing,
        networks.tracking,
        results.metadata,
        results.result_table,
        recovering.descriptors,
        tables.tidy,
        tables.table_parquet,
        media.completeness,
        media.image_times,
        media.image,
        media.heif,
        media.animation,
        media.video,
    )
}
