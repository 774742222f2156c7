#!/usr/bin/env python3
"""Writes small valid DICOM files as seeds for the fuzzer of DICOM (no package but Python's own is needed).

usage: make_dicom_corpus.py FOLDER
Makes FOLDER/volume_dicom.
"""

import pathlib
import struct
import sys
import zlib

LONG = (b"OB", b"OW", b"SQ", b"UN")
UNDEFINED = 0xFFFFFFFF


class Syntax:
    """Writes elements explicit or implicit, in little or big endian."""

    def __init__(self, explicit=True, endian="<"):
        self.explicit, self.endian = explicit, endian

    def element(self, tag, vr, value, length=None):
        if isinstance(value, int):
            value = struct.pack(self.endian + "H", value)
        if len(value) % 2:
            value += b"\0" if vr == b"UI" else b" "
        said = len(value) if length is None else length
        head = struct.pack(self.endian + "HH", tag >> 16, tag & 0xFFFF)
        if not self.explicit:
            return head + struct.pack(self.endian + "I", said) + value
        if vr in LONG:
            return head + vr + struct.pack(self.endian + "HI", 0, said) + value
        return head + vr + struct.pack(self.endian + "H", said) + value

    def item(self, content, defined=True):
        head = struct.pack(self.endian + "HH", 0xFFFE, 0xE000)
        if defined:
            return head + struct.pack(self.endian + "I", len(content)) + content
        return head + struct.pack(self.endian + "I", UNDEFINED) + content + self.end(0xE00D)

    def end(self, element):
        return struct.pack(self.endian + "HHI", 0xFFFE, element, 0)

    def sequence(self, tag, items, defined=True):
        if defined:
            return self.element(tag, b"SQ", items)
        return self.element(tag, b"SQ", items, UNDEFINED) + self.end(0xE0DD)


def part10(data_set, transfer_syntax):
    meta = Syntax().element(0x00020010, b"UI", transfer_syntax)
    return bytes(128) + b"DICM" + Syntax().element(0x00020000, b"UL", struct.pack("<I", len(meta))) + meta + data_set


def attributes(syntax, sop_class, frames):
    e = syntax.element
    return b"".join((
        e(0x00080008, b"CS", b"ORIGINAL\\PRIMARY\\AXIAL"), e(0x00080016, b"UI", sop_class),
        e(0x00080060, b"CS", b"CT"), e(0x0020000D, b"UI", b"1.2.3"), e(0x0020000E, b"UI", b"1.2.4"),
        e(0x00280002, b"US", 1), e(0x00280004, b"CS", b"MONOCHROME2"),
        e(0x00280008, b"IS", str(frames).encode()) if frames > 1 else b"",
        e(0x00280010, b"US", 3), e(0x00280011, b"US", 4), e(0x00280100, b"US", 16), e(0x00280101, b"US", 12),
        e(0x00280102, b"US", 11), e(0x00280103, b"US", 1), e(0x00280120, b"SS", struct.pack(syntax.endian + "h", -2000))))


def slice_of(syntax):
    e = syntax.element
    return attributes(syntax, b"1.2.840.10008.5.1.4.1.1.2", 1) + b"".join((
        e(0x00200032, b"DS", b"-100.5\\20.25\\-300"), e(0x00200037, b"DS", b"1\\0\\0\\0\\1\\0"),
        e(0x00280030, b"DS", b"0.75\\0.5"), e(0x00281052, b"DS", b"-1024"), e(0x00281053, b"DS", b"1")))


def enhanced(syntax, frames, defined):
    e = syntax.element

    def group(tag, content):
        return syntax.sequence(tag, syntax.item(content, defined), defined)

    shared = (group(0x00209116, e(0x00200037, b"DS", b"1\\0\\0\\0\\1\\0")) +
              group(0x00289110, e(0x00280030, b"DS", b"0.75\\0.5")) +
              group(0x00289145, e(0x00281052, b"DS", b"-1024") + e(0x00281053, b"DS", b"1")))
    own = b"".join(syntax.item(group(0x00209111, e(0x00209056, b"SH", b"1") + e(0x00209128, b"UL", b"\1\0\0\0")) +
                               group(0x00209113, e(0x00200032, b"DS", b"0\\%.1f\\%.1f" % (0.5 * k, 2.5 * k))), defined)
                   for k in range(frames))
    return (attributes(syntax, b"1.2.840.10008.5.1.4.1.1.2.1", frames) +
            syntax.sequence(0x52009229, syntax.item(shared, defined), defined) +
            syntax.sequence(0x52009230, own, defined))


def pixels(syntax, frames):
    return syntax.element(0x7FE00010, b"OW", struct.pack(syntax.endian + "12H", *range(12)) * frames)


def fragments(frames, table):
    little = Syntax()
    data = [bytes(64) + bytes(range(8))] * frames
    offsets = b"".join(struct.pack("<I", 80 * k) for k in range(frames)) if table else b""
    return (little.element(0x7FE00010, b"OB", little.item(offsets) + b"".join(map(little.item, data)), UNDEFINED) +
            little.end(0xE0DD))


def deflated(data_set):
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data_set) + stream.flush()


def all_files():
    explicit, implicit, big = Syntax(), Syntax(explicit=False), Syntax(endian=">")
    nested = explicit.sequence(0x00400275, explicit.item(explicit.sequence(0x0040A168, b"", False), False), False)
    yield "explicit", part10(slice_of(explicit) + nested + pixels(explicit, 1), b"1.2.840.10008.1.2.1")
    yield "implicit", part10(slice_of(implicit) + pixels(implicit, 1), b"1.2.840.10008.1.2")
    yield "big", part10(slice_of(big) + pixels(big, 1), b"1.2.840.10008.1.2.2")
    yield "deflated", part10(deflated(slice_of(explicit) + pixels(explicit, 1)), b"1.2.840.10008.1.2.1.99")
    yield "rle", part10(slice_of(explicit) + fragments(1, True), b"1.2.840.10008.1.2.5")
    for defined in (True, False):
        name = "enhanced" if defined else "enhanced_undefined"
        yield name, part10(enhanced(explicit, 4, defined) + pixels(explicit, 4), b"1.2.840.10008.1.2.1")
        yield name + "_implicit", part10(enhanced(implicit, 4, defined) + pixels(implicit, 4), b"1.2.840.10008.1.2")
        yield name + "_rle", part10(enhanced(explicit, 4, True) + fragments(4, defined), b"1.2.840.10008.1.2.5")
    yield "enhanced_deflated", part10(deflated(enhanced(explicit, 4, True) + pixels(explicit, 4)),
                                      b"1.2.840.10008.1.2.1.99")


def main():
    folder = pathlib.Path(sys.argv[1]) / "volume_dicom"
    folder.mkdir(parents=True, exist_ok=True)
    for name, contents in all_files():
        (folder / name).write_bytes(contents)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
