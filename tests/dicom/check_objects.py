"""Reads what `predict --dicom-out` wrote with pydicom, and compares it with the volumes beside it and with the source.

usage: check_objects.py RESULTS DICOM CASE SOURCE

RESULTS holds CASE_probability.nrrd and CASE_segmentation.nrrd, DICOM the four objects, SOURCE the input series. Voxels
are put into a volume by the frames' own positions and orientation. Ends with status 1 and says what differs.
"""
import gzip
import pathlib
import sys

import numpy as np
import pydicom

TOLERANCE_MM = 1e-4  # positions are decimal strings


def check(truth, what):
    if not truth:
        sys.exit(f"check_objects.py: {what}")


def read_nrrd(path):
    """Voxels (x, y, z), the matrix from index to LPS millimetres, and the origin."""
    data = path.read_bytes()
    end = data.index(b"\n\n")
    fields = dict(line.split(": ", 1) for line in data[:end].decode().splitlines() if ": " in line)
    kind = {"float": "<f4", "unsigned char": "u1", "uint8": "u1"}[fields["type"]]
    check(fields["space"] == "left-posterior-superior", f"{path}: space {fields['space']}")
    body = data[end + 2 :]
    voxels = np.frombuffer(gzip.decompress(body) if fields["encoding"] == "gzip" else body, kind)
    size = [int(n) for n in fields["sizes"].split()]

    def vector(text):
        return np.array([float(v) for v in text.strip("()").split(",")])

    matrix = np.array([vector(v) for v in fields["space directions"].split()]).T
    return voxels.reshape(size, order="F"), matrix, vector(fields["space origin"])


def frame_values(item):
    """Stored values, frame by frame: (frame, row, column)."""
    shape = (int(item.NumberOfFrames), item.Rows, item.Columns)
    if "FloatPixelData" in item:
        return np.frombuffer(item.FloatPixelData, "<f4").reshape(shape)
    return item.pixel_array.reshape(shape)


def groups_of(item, frame, name):
    shared = item.SharedFunctionalGroupsSequence[0]
    groups = item.PerFrameFunctionalGroupsSequence[frame]
    return getattr(groups, name)[0] if name in groups else getattr(shared, name)[0]


def volume_of(item, like):
    """The frames in the volume that `like` is, by their geometry; 0 where no frame lies."""
    voxels, matrix, origin = like
    volume = np.zeros(voxels.shape, np.float64)
    seen = set()
    for frame, values in enumerate(frame_values(item)):
        position = np.array(groups_of(item, frame, "PlanePositionSequence").ImagePositionPatient, float)
        cosines = groups_of(item, frame, "PlaneOrientationSequence").ImageOrientationPatient
        row, column = np.array(cosines, float).reshape(2, 3)
        between_rows, between_columns = map(float, groups_of(item, frame, "PixelMeasuresSequence").PixelSpacing)
        check(np.allclose(row * between_columns, matrix[:, 0], atol=TOLERANCE_MM), "rows run another way")
        check(np.allclose(column * between_rows, matrix[:, 1], atol=TOLERANCE_MM), "columns run another way")
        index = np.linalg.solve(matrix, position - origin)
        z = int(round(index[2]))
        place = matrix @ [0, 0, z] + origin
        check(np.allclose(place, position, atol=TOLERANCE_MM), f"frame {frame} lies between voxels")
        check(z not in seen, f"two frames in slice {z}")
        seen.add(z)
        volume[:, :, z] = values.T
        content = groups_of(item, frame, "FrameContentSequence")
        check(np.atleast_1d(content.DimensionIndexValues)[-1] == len(seen), "frames are not in the order of positions")
    return volume


def check_source_images(item, source, aligned):
    """Every frame refers to the source image at its place; or, of a resampled volume, all of them to all images."""
    uids = {image.SOPInstanceUID for image in source.values()}
    listed = {r.ReferencedSOPInstanceUID for s in item.ReferencedSeriesSequence for r in s.ReferencedInstanceSequence}
    check(listed == uids, "other images than the source's are listed")
    for frame in range(int(item.NumberOfFrames)):
        references = groups_of(item, frame, "DerivationImageSequence").SourceImageSequence
        if not aligned:
            check({r.ReferencedSOPInstanceUID for r in references} == uids, "not all source images are referred to")
            continue
        check(len(references) == 1, "a frame has several source images")
        place = groups_of(item, frame, "PlanePositionSequence").ImagePositionPatient
        image = next(i for i in source.values() if i.SOPInstanceUID == references[0].ReferencedSOPInstanceUID)
        if "ReferencedFrameNumber" in references[0]:
            groups = image.PerFrameFunctionalGroupsSequence[int(references[0].ReferencedFrameNumber) - 1]
            position = groups.PlanePositionSequence[0].ImagePositionPatient
        else:
            position = image.ImagePositionPatient
        check(np.allclose(np.array(position, float), np.array(place, float), atol=0.06),
              "a frame lies elsewhere than its source")


def content_items(item, found=None):
    found = [] if found is None else found
    for child in item.get("ContentSequence", []):
        found.append(child)
        content_items(child, found)
    return found


def check_report(report, segmentation, probability, expected_mm3):
    items = content_items(report)
    numbers = {i.ConceptNameCodeSequence[0].CodeValue: i.MeasuredValueSequence[0]
               for i in items if i.ValueType == "NUM"}
    volume = numbers["118565006"]
    check(volume.MeasurementUnitsCodeSequence[0].CodeValue == "mm3", "volume has another unit")
    check(np.isclose(float(volume.NumericValue), expected_mm3["segmentation"], rtol=1e-6), "another volume")
    check(np.isclose(float(numbers["EXPECTED_VOLUME"].NumericValue), expected_mm3["probability"], rtol=1e-5),
          "another expected volume")
    segments = [i.ReferencedSOPSequence[0] for i in items
                if i.ValueType == "IMAGE" and "ReferencedSegmentNumber" in i.ReferencedSOPSequence[0]]
    check([s.ReferencedSOPInstanceUID for s in segments] == [segmentation.SOPInstanceUID, probability.SOPInstanceUID],
          "the report refers to other segments")
    texts = " ".join(i.TextValue for i in items if i.ValueType == "TEXT")
    check("not for diagnosis" in texts, "the report does not say what it is for")
    evidence = {r.ReferencedSOPInstanceUID for s in report.CurrentRequestedProcedureEvidenceSequence
                for series in s.ReferencedSeriesSequence for r in series.ReferencedSOPSequence}
    images = {i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in items if i.ValueType == "IMAGE"}
    check(images <= evidence, "the report names objects that are not among its evidence")


def main():
    results, dicom, case, source_folder = sys.argv[1:5]
    read = lambda part: pydicom.dcmread(pathlib.Path(dicom) / f"{case}_{part}.dcm")
    nrrd = lambda part: read_nrrd(pathlib.Path(results) / f"{case}_{part}.nrrd")
    source = {p: pydicom.dcmread(p) for p in sorted(pathlib.Path(source_folder).iterdir())}
    segmentation, probability, mapped, report = map(read, ("segmentation", "probability", "probability_map", "report"))
    outline, expected = nrrd("segmentation"), nrrd("probability")

    check(np.array_equal(volume_of(segmentation, outline), outline[0]), "the segmentation has other voxels")
    fractions = np.floor(expected[0].astype(np.float64) * 255 + 0.5)
    check(np.array_equal(volume_of(probability, expected), fractions), "the probability has other voxels")
    check(np.array_equal(volume_of(mapped, expected), expected[0]), "the probability map has other voxels")
    check(probability.MaximumFractionalValue == 255, "another largest fraction")

    aligned = "--resampled" not in sys.argv
    first = next(iter(source.values()))
    for item in (segmentation, probability, mapped):
        check_source_images(item, source, aligned)
        check(item.FrameOfReferenceUID == first.FrameOfReferenceUID, "another frame of reference")
    for item in (segmentation, probability, mapped, report):
        check(item.StudyInstanceUID == first.StudyInstanceUID, "another study")
        for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyDescription"):
            check(str(item.get(name, "")) == str(first.get(name, "")), f"another {name}: {item.get(name)}")
    uids = [u for item in (segmentation, probability, mapped, report)
            for u in (item.SOPInstanceUID, item.SeriesInstanceUID)]
    check(len(set(uids)) == len(uids) and all(u.startswith("2.25.") and pydicom.uid.UID(u).is_valid for u in uids),
          "UIDs are not valid or not unique")

    voxel_mm3 = abs(np.linalg.det(outline[1]))
    volumes_mm3 = {"segmentation": outline[0].sum() * voxel_mm3,
                   "probability": expected[0].sum(dtype=np.float64) * voxel_mm3}
    check_report(report, segmentation, probability, volumes_mm3)
    print(f"{case}: {int(outline[0].sum())} voxels, {segmentation.NumberOfFrames}, {probability.NumberOfFrames} and "
          f"{mapped.NumberOfFrames} frames agree")


if __name__ == "__main__":
    main()
