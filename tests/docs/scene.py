"""The files that the documentation's commands are about, small: CTs, raters, models, a dataset to train on.

scene.py TWINTRACK MAKE_MODEL_FOLDERS SOURCE FOLDER makes them in FOLDER, from phantoms and models/phantom.
"""

import array
import os
import shutil
import subprocess
import sys
from pathlib import Path

import imaging

CASES = [f"p{number:02}" for number in range(1, 6)]
FOLDS = 5
LOCALIZER = "Dataset103_PANORAMA_baseline_Pancreas_Segmentation/nnUNetTrainer__nnUNetPlans__3d_fullres"
DETECTOR = "Dataset104_PANORAMA_baseline_PDAC_Detection/nnUNetTrainer_Loss_CE_checkpoints__nnUNetPlans__3d_fullres"


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def link_tree(source, target):
    shutil.copytree(source, target, copy_function=os.link)


def make_cases(twintrack, folder):
    """cases/p01.nii.gz, raters/p01/annotation_1.nii.gz ... and vessels/p01.nii.gz of each case; ct.nii.gz is p01's."""
    run(twintrack, "phantom", "-o", folder / "cohort", "--cases", len(CASES), "--first", 7, "--seed", 400,
        "--size", "96,80,48", "--spacing-mm", "1.5,1.5,2", "--quiet")  # fmt: skip
    for name in ("cases", "vessels", "labels", "mhr"):
        (folder / name).mkdir()
    for number, case in enumerate(CASES):
        made = folder / "cohort" / f"phantom_{number + 7:04}"
        os.link(made / "image.nii.gz", folder / "cases" / f"{case}.nii.gz")
        os.link(made / "vessels.nii.gz", folder / "vessels" / f"{case}.nii.gz")
        os.link(made / "labels.nii.gz", folder / "labels" / f"{case}.nii.gz")
        os.link(made / "mhr.nii.gz", folder / "mhr" / f"{case}.nii.gz")
        (folder / "raters" / case).mkdir(parents=True)
        for rater in made.glob("annotation_*.nii.gz"):
            os.link(rater, folder / "raters" / case / rater.name)
    shutil.rmtree(folder / "cohort")
    os.link(folder / "cases" / "p01.nii.gz", folder / "ct.nii.gz")
    os.link(folder / "vessels" / "p01.nii.gz", folder / "vessels.nii.gz")


def make_other_formats(folder):
    header, size, voxels = imaging.read_nifti(folder / "ct.nii.gz")
    imaging.write_dicom_series(folder / "series", header, size, voxels)
    for interface in ("thoracic-abdominal-ct", "venous-ct"):
        images = folder / "input" / "images" / interface
        images.mkdir(parents=True)
        imaging.write_metaimage(images / "3f2a.mha", header, size, voxels)


def make_models(make_model_folders, source, folder):
    """models/phantom and models/pdac are the shipped bundle; nnU-Net folders hold the networks of it."""
    shipped = source / "models" / "phantom"
    (folder / "models").mkdir()
    shutil.copytree(shipped, folder / "models" / "phantom")
    link_tree(folder / "models" / "phantom", folder / "models" / "pdac")
    os.link(folder / "models" / "phantom" / "calibrator.json", folder / "calibrator.json")
    parts = folder / "parts"
    run(make_model_folders, shipped, parts)
    link_tree(parts / "localizer", folder / "models" / "pancreas_lowres")
    for member, letter in enumerate("abc"):
        link_tree(parts / f"member_{member}", folder / "models" / f"tumor_{letter}")
    for model, sources, checkpoint in (
        (LOCALIZER, ["localizer"], "checkpoint_final.pth"),
        (DETECTOR, ["member_0", "member_1", "member_2"], "checkpoint_best_panorama.pth"),
    ):
        for fold in range(FOLDS):
            target = folder / model / f"fold_{fold}"
            target.mkdir(parents=True)
            os.link(parts / sources[fold % len(sources)] / "fold_0" / "checkpoint_final.pth", target / checkpoint)
        for file in ("plans.json", "dataset.json"):
            os.link(parts / sources[0] / file, folder / model / file)
    shutil.rmtree(parts)


def manifest(path, columns, cases=CASES):
    """`columns`: name to a pattern in which {} is the case."""
    lines = [",".join(["case", *columns])]
    lines += [",".join([case, *(pattern.replace("{}", case) for pattern in columns.values())]) for case in cases]
    path.write_text("\n".join(lines) + "\n")


def make_predictions(twintrack, folder):
    """maps/: what predict leaves of all cases. Manifests of uncalibrated maps: cases.csv of all cases, the others of
    one half each; of calibrated maps: results.csv."""
    run(twintrack, "predict", "-b", folder / "models" / "pdac", "-i", folder / "cases", "-o", folder / "maps",
        "--save-uncalibrated", "--save-roi", "--quiet")  # fmt: skip
    raters = {"raters": "raters/{}/annotation_*.nii.gz"}
    common = {"image": "cases/{}.nii.gz", **raters, "vessels": "vessels/{}.nii.gz", "roi": "maps/{}_roi.nii.gz",
              "segmentation": "maps/{}_segmentation.nii.gz"}  # fmt: skip
    uncalibrated = {"probability": "maps/{}_uncalibrated.nii.gz", **common}
    manifest(folder / "cases.csv", uncalibrated)
    for one, other in (("fit.csv", "test.csv"), ("here.csv", "there.csv")):
        manifest(folder / one, uncalibrated, CASES[:3])
        manifest(folder / other, uncalibrated, CASES[3:])
    manifest(folder / "results.csv", {"probability": "maps/{}_probability.nii.gz", **common})


def make_organs(folder):
    """organs.csv for CURVAS 2024: pancreas, veins and arteries stand for pancreas, kidneys and liver."""
    (folder / "organs").mkdir()
    for case in CASES:
        header, _, labels = imaging.read_nifti(folder / "labels" / f"{case}.nii.gz")
        organs = {4: 1, 2: 2, 3: 3}
        taken = array.array("B", (organs.get(label, 0) for label in labels))
        imaging.write_nifti(folder / "organs" / f"{case}.nii.gz", header, taken)
        for organ, name in enumerate(("pancreas", "kidneys", "liver"), 1):
            probability = array.array("f", (0.9 if label == organ else 0.02 for label in taken))
            imaging.write_nifti(folder / "organs" / f"{case}_{name}.nii.gz", header, probability)
    maps = ";".join("organs/{}_" + name + ".nii.gz" for name in ("pancreas", "kidneys", "liver"))
    labels = "organs/{}.nii.gz"
    manifest(folder / "organs.csv", {"probability": maps, "segmentation": labels, "raters": ";".join([labels] * 3)})


def make_dataset(twintrack, folder):
    """Dataset001_Pancreas, and raters.csv that names the tumour of each of its cases as what a rater marked."""
    dataset = folder / "Dataset001_Pancreas"
    run(twintrack, "phantom", "-o", dataset, "--cases", 4, "--layout", "nnunet", "--size", "64,56,40", "--quiet")
    (folder / "tumors").mkdir()
    lines = ["case,raters"]
    for labels in sorted((dataset / "labelsTr").glob("*.nii.gz")):
        header, _, voxels = imaging.read_nifti(labels)
        tumor = array.array("B", (label == 1 for label in voxels))
        imaging.write_nifti(folder / "tumors" / labels.name, header, tumor)
        lines.append(f"{labels.name[:-7]},tumors/{labels.name}")
    (folder / "raters.csv").write_text("\n".join(lines) + "\n")


def make(twintrack, make_model_folders, source, folder):
    source, folder = Path(source), Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make_cases(twintrack, folder)
    make_other_formats(folder)
    make_models(make_model_folders, source, folder)
    make_predictions(twintrack, folder)
    make_organs(folder)
    make_dataset(twintrack, folder)


if __name__ == "__main__":
    make(*sys.argv[1:])
