"use strict";
// Reads the volumes of bytes that stand in this page: grey PNG strips (image_strips.cpp), inflated here to be exact.

function bytesOfBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Undoes Paeth's filter, the only one that is written here.
function unfilter(rows, width, height, out, offset) {
  for (let y = 0; y < height; ++y) {
    const row = y * (width + 1) + 1;
    if (rows[row - 1] !== 4) throw new Error("PNG: unexpected filter");
    const here = offset + y * width;
    let left = 0;
    let aboveLeft = 0;
    for (let x = 0; x < width; ++x) {
      const above = y > 0 ? out[here + x - width] : 0;
      const toLeft = Math.abs(above - aboveLeft);
      const toAbove = Math.abs(left - aboveLeft);
      const toAboveLeft = Math.abs(left + above - 2 * aboveLeft);
      const nearest = toLeft <= toAbove && toLeft <= toAboveLeft ? left : toAbove <= toAboveLeft ? above : aboveLeft;
      left = (rows[row + x] + nearest) & 255;
      out[here + x] = left;
      aboveLeft = above;
    }
  }
}

// Writes the picture's bytes to `out` from `offset` on and returns their number.
async function decodePng(file, out, offset) {
  const view = new DataView(file.buffer);
  const signatureBytes = 8;
  const chunkBytes = 12;  // length, type and checksum
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  for (let at = signatureBytes; at < file.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    if (type === "IDAT") {
      unfilter(await inflate(file.subarray(at + 8, at + 8 + length)), width, height, out, offset);
      return width * height;
    }
    at += chunkBytes + length;
  }
  throw new Error("PNG: no image data");
}

// The layer's bytes; its script elements are removed, which frees their memory.
async function readLayer(name, voxels) {
  const out = new Uint8Array(voxels);
  let offset = 0;
  for (const strip of document.querySelectorAll(`script[data-layer="${name}"]`)) {
    offset += await decodePng(bytesOfBase64(strip.textContent), out, offset);
    strip.remove();
  }
  if (offset !== voxels) throw new Error(`layer ${name}: ${offset} of ${voxels} voxels`);
  return out;
}
