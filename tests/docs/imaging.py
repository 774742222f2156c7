"""Small images for the documentation's scene, without packages: NIfTI in, NIfTI, MetaImage and DICOM out."""

import array
import gzip
import struct
from pathlib import Path

CODES = {2: "B", 4: "h", 16: "f"}  # NIfTI's datatype to array's


def read_nifti(path):
    """(header and extension as bytes, (nx, ny, nz), voxels as array, x fastest)."""
    data = gzip.decompress(Path(path).read_bytes())
    offset = int(struct.unpack_from("<f", data, 108)[0])
    size = struct.unpack_from("<8h", data, 40)[1:4]
    voxels = array.array(CODES[struct.unpack_from("<h", data, 70)[0]])
    voxels.frombytes(data[offset:])
    return data[:offset], size, voxels


def write_nifti(path, header, voxels):
    """`header` of a read image, with the datatype of `voxels`."""
    header = bytearray(header)
    code = next(c for c, letter in CODES.items() if letter == voxels.typecode)
    struct.pack_into("<hh", header, 70, code, 8 * voxels.itemsize)
    Path(path).write_bytes(gzip.compress(bytes(header) + voxels.tobytes(), 1))


def lps_geometry(header):
    """(spacing, origin) in mm of a file whose axes are x to the left, y to the back, z up, as phantoms have them."""
    rows = [struct.unpack_from("<4f", header, 280 + 16 * i) for i in range(3)]
    spacing = [-rows[0][0], -rows[1][1], rows[2][2]]
    assert min(spacing) > 0, "axes are not those of a phantom"
    return spacing, [-rows[0][3], -rows[1][3], rows[2][3]]


def write_metaimage(path, header, size, voxels):
    spacing, origin = lps_geometry(header)
    numbers = lambda values: " ".join(f"{value:.9g}" for value in values)
    text = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
        "TransformMatrix = 1 0 0 0 1 0 0 0 1\n"
        f"Offset = {numbers(origin)}\nElementSpacing = {numbers(spacing)}\nDimSize = {numbers(size)}\n"
        "ElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    )
    Path(path).write_bytes(text.encode() + voxels.tobytes())


def element(group, number, vr, value):
    if isinstance(value, int):
        value = struct.pack("<H", value)
    elif isinstance(value, str):
        value = value.encode()
    if len(value) % 2:
        value += b"\0" if vr == "UI" else b" "
    long_form = vr in ("OB", "OW", "SQ", "UN", "UT")
    length = struct.pack("<2xI", len(value)) if long_form else struct.pack("<H", len(value))
    return struct.pack("<HH", group, number) + vr.encode() + length + value


def write_dicom_series(folder, header, size, voxels):
    """A CT series, a file a slice, explicit little endian, of an invented patient."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    spacing, origin = lps_geometry(header)
    root, ct_image = "1.2.826.0.1.3680043.8.498.1", "1.2.840.10008.5.1.4.1.1.2"
    nx, ny, nz = size
    for z in range(nz):
        uid = f"{root}.3.{z + 1}"
        plane = array.array("h", [value + 1024 for value in voxels[z * nx * ny : (z + 1) * nx * ny]])
        position = "\\".join(f"{value:.6f}" for value in (origin[0], origin[1], origin[2] + z * spacing[2]))
        data = b"".join(
            [
                element(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
                element(0x0008, 0x0016, "UI", ct_image),
                element(0x0008, 0x0018, "UI", uid),
                element(0x0008, 0x0020, "DA", "20260102"),
                element(0x0008, 0x0021, "DA", "20260102"),
                element(0x0008, 0x0030, "TM", "101500"),
                element(0x0008, 0x0050, "SH", "A0001"),
                element(0x0008, 0x0060, "CS", "CT"),
                element(0x0008, 0x0070, "LO", "Phantom"),
                element(0x0008, 0x0090, "PN", ""),
                element(0x0010, 0x0010, "PN", "Phantom^Example"),
                element(0x0010, 0x0020, "LO", "P0001"),
                element(0x0010, 0x0030, "DA", "19600101"),
                element(0x0010, 0x0040, "CS", "O"),
                element(0x0018, 0x0050, "DS", f"{spacing[2]:g}"),
                element(0x0020, 0x000D, "UI", f"{root}.1"),
                element(0x0020, 0x000E, "UI", f"{root}.2"),
                element(0x0020, 0x0010, "SH", "1"),
                element(0x0020, 0x0011, "IS", "2"),
                element(0x0020, 0x0013, "IS", str(z + 1)),
                element(0x0020, 0x0032, "DS", position),
                element(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0"),
                element(0x0020, 0x0052, "UI", f"{root}.4"),
                element(0x0020, 0x1040, "LO", ""),
                element(0x0028, 0x0002, "US", 1),
                element(0x0028, 0x0004, "CS", "MONOCHROME2"),
                element(0x0028, 0x0010, "US", ny),
                element(0x0028, 0x0011, "US", nx),
                element(0x0028, 0x0030, "DS", f"{spacing[1]:g}\\{spacing[0]:g}"),
                element(0x0028, 0x0100, "US", 16),
                element(0x0028, 0x0101, "US", 16),
                element(0x0028, 0x0102, "US", 15),
                element(0x0028, 0x0103, "US", 1),
                element(0x0028, 0x1052, "DS", "-1024"),
                element(0x0028, 0x1053, "DS", "1"),
                element(0x7FE0, 0x0010, "OW", plane.tobytes()),
            ]
        )
        meta = b"".join(
            [
                element(0x0002, 0x0001, "OB", b"\0\1"),
                element(0x0002, 0x0002, "UI", ct_image),
                element(0x0002, 0x0003, "UI", uid),
                element(0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1"),
                element(0x0002, 0x0012, "UI", f"{root}.9"),
            ]
        )
        length = element(0x0002, 0x0000, "UL", struct.pack("<I", len(meta)))
        (folder / f"{z + 1:04}.dcm").write_bytes(b"\0" * 128 + b"DICM" + length + meta + data)
