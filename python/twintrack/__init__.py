"""TwinTrack: tumour maps of pancreatic cancer on CT, calibrated to the share of experts who would mark a voxel.

Arrays are (z, y, x), as nnU-Net and ``SimpleITK.GetArrayFromImage`` have them; so are spacings. Research use only, not
for diagnosis: ``RESEARCH_USE`` says what a probability is and what it is not.

    import twintrack
    model = twintrack.Model("models/pdac")
    found = model.predict(*twintrack.read_volume("ct.nii.gz"))
    print(found.expected_volume_mm3, found.warnings)
"""
from ._calibration import CalibrationCohort, CohortFit, IsotonicCalibrator
from ._core import RESEARCH_USE, Error, InputError, ResourceError, UsageError, __version__
from ._metrics import (
    SurfaceDistance,
    brier,
    crps,
    dice,
    ece,
    evaluate,
    mean_human_response,
    summarise,
    surface_distance,
    tdsc,
    vascular_contact,
)
from ._predict import Bundle, Model, Prediction
from ._volumes import Phantom, Volume, phantom, read_volume, write_volume

__all__ = [
    "RESEARCH_USE",
    "Bundle",
    "CalibrationCohort",
    "CohortFit",
    "Error",
    "InputError",
    "IsotonicCalibrator",
    "Model",
    "Phantom",
    "Prediction",
    "ResourceError",
    "SurfaceDistance",
    "UsageError",
    "Volume",
    "__version__",
    "brier",
    "crps",
    "dice",
    "ece",
    "evaluate",
    "mean_human_response",
    "phantom",
    "read_volume",
    "summarise",
    "surface_distance",
    "tdsc",
    "vascular_contact",
    "write_volume",
]
