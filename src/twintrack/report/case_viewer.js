"use strict";
// The viewer's state and what it draws: three linked planes, a map as colour wash, outlines.

const PLANES = [
  { name: "Axial", u: 0, v: 1, normal: 2, flip: false, colour: "#ff9d5c",
    marks: { left: "R", right: "L", top: "A", bottom: "P" } },
  { name: "Coronal", u: 0, v: 2, normal: 1, flip: true, colour: "#7ddc7a",
    marks: { left: "R", right: "L", top: "H", bottom: "F" } },
  { name: "Sagittal", u: 1, v: 2, normal: 0, flip: true, colour: "#ffe066",
    marks: { left: "A", right: "P", top: "H", bottom: "F" } },
];
const MARK_NAMES = { R: "right", L: "left", A: "anterior", P: "posterior", H: "head", F: "feet" };
const WINDOWS = [
  { name: "Pancreas", level: 40, width: 400 },
  { name: "Liver", level: 80, width: 200 },
  { name: "Wide", level: 50, width: 800 },
  { name: "Vessels", level: 180, width: 600 },
  { name: "Bone", level: 400, width: 1800 },
  { name: "Full", level: 270, width: 2540 },
];
// Plasma (S. van der Walt, N. Smith, public domain): uniform to the eye, also with colour vision deficiency.
const PLASMA = [
  "0d0887", "41049d", "6a00a8", "8f0da4", "b12a90", "cc4778", "e16462", "f2844b", "fca636", "fcce25", "f0f921",
];
const MAP_COLOURS = { first: "#3fe0ff", response: "#b8ff4d", other: "#ffffff" };
const RATER_COLOURS = ["#e69f00", "#56b4e9", "#23c48e", "#f0e442", "#ff8fc7", "#d55e00", "#a58bff", "#cccccc"];
const VESSEL_NAMES = {
  portal_vein: "Portal vein", smv: "SMV", aorta: "Aorta", celiac_trunk: "Celiac trunk", sma: "SMA",
};
const ARTERIES = ["aorta", "celiac_trunk", "sma"];
const SVG = "http://www.w3.org/2000/svg";

// An element with attributes ("on..." are listeners) and children; text is text, whatever is in it.
function element(tag, attributes = {}, ...children) {
  const node = tag === "svg" || tag === "g" || tag === "path" || tag === "line" || tag === "rect"
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const ml = (mm3) => (mm3 / 1000).toFixed(2);

// 256 colours with their opacity: a value below 1/5 fades to nothing.
function washColours(fadeBelow) {
  const table = new Uint8ClampedArray(256 * 4);
  for (let value = 0; value < 256; ++value) {
    const at = value / 255 * (PLASMA.length - 1);
    const low = Math.min(Math.floor(at), PLASMA.length - 2);
    for (let channel = 0; channel < 3; ++channel) {
      const part = (index) => parseInt(PLASMA[index].slice(2 * channel, 2 * channel + 2), 16);
      table[4 * value + channel] = part(low) + (at - low) * (part(low + 1) - part(low));
    }
    table[4 * value + 3] = 255 * Math.min(value / fadeBelow, 1);
  }
  return table;
}

class CaseViewer {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.state = {
      position: data.size.map((size) => Math.floor(size / 2)),
      experts: 3,
      wash: 0,
      opacity: 0.55,
      window: { ...WINDOWS[0] },
      tool: matchMedia("(pointer: coarse)").matches ? "scroll" : "cross-hair",
      crossHair: true,
      zoom: 1,
      centre_mm: data.size.map((size, axis) => size * data.spacing_mm[axis] / 2),
      active: 0,
    };
    this.colours = washColours(data.levels_per_expert);
    this.layers = this.makeLayers();
    this.frame = 0;
  }

  // Everything that can be shown over the CT. `values(i)`: the byte of voxel i; `level`: that of its outline.
  makeLayers() {
    const { data } = this;
    const maps = data.maps.map((map, i) => ({
      name: map.name, map, id: `map-${i}`, outlined: i === 0 || map.response,
      colour: i === 0 ? MAP_COLOURS.first : map.response ? MAP_COLOURS.response : MAP_COLOURS.other,
      dashes: i === 0 ? "" : "5 3", width: i === 0 ? 2.2 : 1.6, kind: "map", washable: true,
    }));
    const order = { segmentation: 0, region: 1, rater: 2, vessel: 3 };
    let raters = 0;
    const masks = data.masks.map((mask, i) => {
      const layer = { name: mask.name, mask, kind: mask.kind, id: `masks-${i >> 3}`, bit: 1 << (i & 7), outlined: false,
        width: 1.4, dashes: "", washable: mask.kind !== "region" };
      if (mask.kind === "rater") layer.colour = RATER_COLOURS[raters++ % RATER_COLOURS.length];
      if (mask.kind === "segmentation") layer.colour = "#ff5c5c";
      if (mask.kind === "region") {
        Object.assign(layer, { colour: "#c9d4df", dashes: "2 4", width: 1.2, outlined: true });
      }
      if (mask.kind === "vessel") {
        layer.colour = ARTERIES.includes(mask.name) ? "#ff7b7b" : "#7ba7ff";
        layer.name = VESSEL_NAMES[mask.name] ?? mask.name;
      }
      return layer;
    });
    return [...maps, ...masks.sort((a, b) => order[a.kind] - order[b.kind])];
  }

  async load() {
    const voxels = this.data.size.reduce((a, b) => a * b);
    this.ct = await readLayer("ct", voxels);
    this.bytes = new Map();
    for (const layer of this.layers) {
      if (!this.bytes.has(layer.id)) this.bytes.set(layer.id, await readLayer(layer.id, voxels));
    }
    this.panes = PLANES.map((plane) => makePane(this, plane));
    this.controls = makeControls(this);
    // All planes to one scale: axial above coronal, sagittal beside coronal, and the key figures in the free corner.
    const panes = element("div", { class: "panes" }, ...this.panes.map((pane) => pane.root), this.controls.summary);
    this.data.size.forEach((size, axis) => {
      const extent_mm = size * this.data.spacing_mm[axis];
      panes.style.setProperty(`--extent-${"lps"[axis]}`, extent_mm);
      panes.style.setProperty(`--share-${"lps"[axis]}`, `${extent_mm}fr`);
    });
    this.root.replaceChildren(panes, this.controls.root, keyHelp());
    listenToKeys(this);
    this.jumpToLargest();
    addEventListener("resize", () => this.redraw());
    addEventListener("beforeprint", () => this.draw());
    this.draw();
    this.panes[0].frame.focus({ preventScroll: true });
  }

  // --- what is drawn ---

  redraw() {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const grey = this.greyTable();
    for (const pane of this.panes) this.drawPane(pane, grey);
    this.controls.draw();
  }

  greyTable() {
    const { level, width } = this.state.window;
    return Uint8ClampedArray.from(this.data.hu, (hu) => 255 * ((hu - level) / width + 0.5));
  }

  // The slice's place among all voxels: index = start + u * stepU + v * stepV.
  slice(plane) {
    const strides = [1, this.data.size[0], this.data.size[0] * this.data.size[1]];
    return {
      width: this.data.size[plane.u], height: this.data.size[plane.v], stepU: strides[plane.u], stepV: strides[plane.v],
      start: this.state.position[plane.normal] * strides[plane.normal],
    };
  }

  sliceValues(layer, { width, height, start, stepU, stepV }) {
    const bytes = this.bytes.get(layer.id);
    const values = new Uint8Array(width * height);
    for (let v = 0, out = 0; v < height; ++v) {
      for (let u = 0, at = start + v * stepV; u < width; ++u, ++out, at += stepU) {
        values[out] = layer.bit === undefined ? bytes[at] : bytes[at] & layer.bit ? 255 : 0;
      }
    }
    return values;
  }

  sliceImage(slice, grey) {
    const { width, height, start, stepU, stepV } = slice;
    const image = new ImageData(width, height);
    const pixels = image.data;
    const layer = this.layers[this.state.wash];
    const wash = layer ? this.sliceValues(layer, slice) : null;
    const plain = layer?.mask ? [1, 3, 5].map((i) => parseInt(layer.colour.slice(i, i + 2), 16)) : null;
    for (let v = 0, out = 0; v < height; ++v) {
      for (let u = 0, at = start + v * stepV; u < width; ++u, ++out, at += stepU) {
        const level = grey[this.ct[at]];
        const value = wash ? wash[out] : 0;
        const alpha = value === 0 ? 0 : this.state.opacity * (plain ? 1 : this.colours[4 * value + 3] / 255);
        for (let channel = 0; channel < 3; ++channel) {
          const colour = plain ? plain[channel] : this.colours[4 * value + channel];
          pixels[4 * out + channel] = level + alpha * (colour - level);
        }
        pixels[4 * out + 3] = 255;
      }
    }
    return image;
  }

  // Pixels of the pane from slice coordinates: x = x0 + u * scaleU, y = y0 + v * scaleV.
  placement(pane) {
    const { plane } = pane;
    const { size, spacing_mm } = this.data;
    const box = pane.frame.getBoundingClientRect();
    const width = Math.max(box.width, 1);
    const height = Math.max(box.height, 1);
    const extent = (axis) => size[axis] * spacing_mm[axis];
    const scale = Math.min(width / extent(plane.u), height / extent(plane.v)) * this.state.zoom;
    const scaleU = scale * spacing_mm[plane.u];
    const scaleV = scale * spacing_mm[plane.v] * (plane.flip ? -1 : 1);
    return {
      width, height, scale, scaleU, scaleV,
      x0: width / 2 - this.state.centre_mm[plane.u] * scale,
      y0: height / 2 - this.state.centre_mm[plane.v] * scale * (plane.flip ? -1 : 1),
    };
  }

  drawPane(pane, grey) {
    const place = this.placement(pane);
    const slice = this.slice(pane.plane);
    const ratio = devicePixelRatio || 1;
    pane.canvas.width = Math.round(place.width * ratio);
    pane.canvas.height = Math.round(place.height * ratio);
    pane.picture.width = slice.width;
    pane.picture.height = slice.height;
    pane.picture.getContext("2d").putImageData(this.sliceImage(slice, grey), 0, 0);
    const context = pane.canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.setTransform(place.scaleU * ratio, 0, 0, place.scaleV * ratio, place.x0 * ratio, place.y0 * ratio);
    context.drawImage(pane.picture, 0, 0);
    pane.svg.setAttribute("viewBox", `0 0 ${place.width} ${place.height}`);
    pane.outlines.setAttribute("transform",
      `matrix(${place.scaleU} 0 0 ${place.scaleV} ${place.x0} ${place.y0})`);
    this.drawOutlines(pane, slice);
    this.drawCrossHair(pane, place);
    const { name, normal } = pane.plane;
    const number = this.state.position[normal] + 1;
    pane.number.textContent = `${name} ${number} / ${this.data.size[normal]}`;
    pane.slider.value = number;
    pane.frame.classList.toggle("active", PLANES[this.state.active] === pane.plane);
    pane.ruler.style.width = `${10 * place.scale}px`;
  }

  drawOutlines(pane, slice) {
    this.layers.forEach((layer, i) => {
      const path = pane.paths[i];
      const level = layer.map ? this.state.experts * this.data.levels_per_expert - 0.5 : 127.5;
      const shape = layer.outlined ? contourPath(this.sliceValues(layer, slice), slice.width, slice.height, level) : "";
      path.setAttribute("d", shape);
      path.previousSibling.setAttribute("d", shape);
    });
  }

  drawCrossHair(pane, place) {
    const { u, v } = pane.plane;
    const x = place.x0 + (this.state.position[u] + 0.5) * place.scaleU;
    const y = place.y0 + (this.state.position[v] + 0.5) * place.scaleV;
    const gap = 14;
    const ends = [[0, y, x - gap, y], [x + gap, y, place.width, y], [x, 0, x, y - gap], [x, y + gap, x, place.height]];
    pane.crossHair.forEach((line, i) => {
      const colour = PLANES.find((plane) => plane.normal === (i < 2 ? v : u)).colour;
      ["x1", "y1", "x2", "y2"].forEach((name, j) => line.setAttribute(name, ends[i][j]));
      line.setAttribute("stroke", colour);
      line.style.display = this.state.crossHair ? "" : "none";
    });
  }

  // --- numbers ---

  voxelNumber([l, p, s]) {
    return (s * this.data.size[1] + p) * this.data.size[0] + l;
  }

  // The voxel's index (x, y, z) in the scan.
  scanIndex(position) {
    const index = [0, 0, 0];
    position.forEach((at, axis) => {
      const { voxel_axis, first_voxel, reversed, block } = this.data;
      const steps = at * block[axis] + Math.floor((block[axis] - 1) / 2);
      index[voxel_axis[axis]] = first_voxel[voxel_axis[axis]] + (reversed[axis] ? -steps : steps);
    });
    return index;
  }

  positionText() {
    const { scan } = this.data;
    const index = this.scanIndex(this.state.position);
    const names = [["R", "L"], ["A", "P"], ["F", "H"]];
    const mm = names.map(([negative, positive], row) => {
      const at = scan.origin_mm[row] +
        index.reduce((sum, i, axis) => sum + scan.direction[3 * row + axis] * i * scan.spacing_mm[axis], 0);
      return `${at < 0 ? negative : positive} ${Math.abs(at).toFixed(1)}`;
    });
    return `${mm.join("  ")} mm, voxel ${index.join(" ")}`;
  }

  // What the images hold at the cross-hair.
  valuesAtCrossHair() {
    const voxel = this.voxelNumber(this.state.position);
    const maps = this.layers.filter((layer) => layer.map);
    return {
      hu: this.data.hu[this.ct[voxel]],
      shares: maps.map((layer) => ({ layer, share: this.bytes.get(layer.id)[voxel] / 255 })),
    };
  }

  // Where the first map has at least k experts: the slice of each plane with the most of it; null when nowhere.
  largestSection() {
    const { size, levels_per_expert } = this.data;
    const bytes = this.bytes.get("map-0");
    const level = this.state.experts * levels_per_expert;
    const counts = size.map((count) => new Uint32Array(count));
    for (let s = 0, i = 0; s < size[2]; ++s) {
      for (let p = 0; p < size[1]; ++p) {
        for (let l = 0; l < size[0]; ++l, ++i) {
          if (bytes[i] < level) continue;
          ++counts[0][l];
          ++counts[1][p];
          ++counts[2][s];
        }
      }
    }
    const best = counts.map((count) => count.indexOf(Math.max(...count)));
    return counts[0][best[0]] > 0 ? best : null;
  }

  // --- what the controls do ---

  moveTo(position) {
    this.state.position = position.map((at, axis) => clamp(Math.round(at), 0, this.data.size[axis] - 1));
    this.redraw();
  }

  scroll(plane, slices) {
    const position = [...this.state.position];
    position[plane.normal] += slices;
    this.moveTo(position);
  }

  jumpTo(position) {
    this.moveTo(position);
    if (this.state.zoom > 1) {
      this.state.centre_mm = this.state.position.map((at, axis) => (at + 0.5) * this.data.spacing_mm[axis]);
    }
  }

  jumpToLargest() {
    const section = this.largestSection();
    if (section) this.jumpTo(section);
    return section !== null;
  }

  jumpToMaximum() {
    const bytes = this.bytes.get("map-0");
    let best = 0;
    for (let i = 1; i < bytes.length; ++i) {
      if (bytes[i] > bytes[best]) best = i;
    }
    const [width, height] = this.data.size;
    this.jumpTo([best % width, Math.floor(best / width) % height, Math.floor(best / (width * height))]);
  }

  setExperts(experts) {
    this.state.experts = clamp(experts, 1, this.data.experts);
    this.redraw();
  }

  setWindow(level, width) {
    this.state.window = { level: clamp(Math.round(level), -1000, 1540), width: clamp(Math.round(width), 1, 2540) };
    this.redraw();
  }

  // Keeps what lies under (x, y) of the pane where it is.
  zoomAt(pane, factor, x, y) {
    const { state } = this;
    const before = this.placement(pane);
    const zoom = clamp(state.zoom * factor, 1, 12);
    const keep = (axis, offset) => { state.centre_mm[axis] += offset / before.scale * (1 - state.zoom / zoom); };
    keep(pane.plane.u, x - before.width / 2);
    keep(pane.plane.v, (y - before.height / 2) * (pane.plane.flip ? -1 : 1));
    state.zoom = zoom;
    if (zoom === 1) this.resetView();
    this.redraw();
  }

  pan(pane, dx, dy) {
    const { scale } = this.placement(pane);
    const { u, v, flip } = pane.plane;
    const limit = (axis, value) => clamp(value, 0, this.data.size[axis] * this.data.spacing_mm[axis]);
    this.state.centre_mm[u] = limit(u, this.state.centre_mm[u] - dx / scale);
    this.state.centre_mm[v] = limit(v, this.state.centre_mm[v] - dy / scale * (flip ? -1 : 1));
    this.redraw();
  }

  resetView() {
    this.state.zoom = 1;
    this.state.centre_mm = this.data.size.map((size, axis) => size * this.data.spacing_mm[axis] / 2);
    this.redraw();
  }

  activate(pane) {
    this.state.active = PLANES.indexOf(pane.plane);
    this.redraw();
  }
}
