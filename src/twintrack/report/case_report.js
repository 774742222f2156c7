"use strict";
// The viewer's panes and controls, and how mouse, touch and keys work them; starts it when the page is there.

const TOOLS = [
  { name: "cross-hair", title: "Drag moves the cross-hair" },
  { name: "scroll", title: "Drag up and down goes through the slices" },
  { name: "window", title: "Drag changes the window: left and right its width, up and down its level" },
  { name: "pan", title: "Drag moves the picture" },
];
const KEYS = [
  ["↑ ↓", "slice"], ["Page ↑ ↓", "5 slices"], ["Home End", "first, last"], ["← →", "experts who agree"],
  ["1–5", "the same"], ["A C S", "plane"], ["+ − 0", "zoom"], ["L M", "largest section, maximum"],
  ["O", "colour wash"],
  ["X", "cross-hair"], ["wheel", "slices"], ["Ctrl + wheel", "zoom"], ["right drag", "window"],
];

// --- panes ---

function outlinePaths(viewer) {
  return viewer.layers.map((layer) => {
    const common = { fill: "none", "vector-effect": "non-scaling-stroke", "stroke-linejoin": "round" };
    const halo = element("path", { ...common, stroke: "#000", "stroke-opacity": 0.55, "stroke-width": layer.width + 1.6,
      "stroke-dasharray": layer.dashes });
    const line = element("path", { ...common, stroke: layer.colour, "stroke-width": layer.width,
      "stroke-dasharray": layer.dashes, "data-layer": layer.name });
    return { group: element("g", {}, halo, line), line };
  });
}

function makePane(viewer, plane) {
  const drawn = outlinePaths(viewer);
  const pane = {
    plane,
    picture: document.createElement("canvas"),
    canvas: element("canvas"),
    paths: drawn.map(({ line }) => line),
    outlines: element("g", {}, ...drawn.map(({ group }) => group)),
    crossHair: [0, 1, 2, 3].map(() => element("line", { "stroke-width": 1, "stroke-opacity": 0.75 })),
    number: element("span", { class: "slice-number" }),
    ruler: element("span", { class: "ruler", title: "10 mm" }, element("span", {}, "10 mm")),
  };
  pane.svg = element("svg", { "aria-hidden": "true" }, pane.outlines, ...pane.crossHair);
  const marks = Object.entries(plane.marks).map(([side, mark]) =>
    element("span", { class: `mark ${side}`, title: MARK_NAMES[mark] }, mark));
  pane.frame = element("div", { class: "pane", tabindex: 0, role: "group", "aria-label": `${plane.name} plane` },
    pane.canvas, pane.svg, ...marks, pane.number, pane.ruler);
  pane.frame.style.setProperty("--plane", plane.colour);
  pane.slider = element("input", { type: "range", min: 1, max: viewer.data.size[plane.normal],
    "aria-label": `${plane.name} slice`, class: "screen-only",
    oninput: (event) => viewer.scroll(plane, event.target.value - 1 - viewer.state.position[plane.normal]) });
  pane.root = element("figure", { class: plane.name.toLowerCase() }, pane.frame, pane.slider);
  listenToPointers(viewer, pane);
  return pane;
}

function listenToPointers(viewer, pane) {
  const { frame, plane } = pane;
  const pointers = new Map();
  let moved = 0;
  let slices = 0;
  const at = (event) => {
    const box = frame.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const moveCrossHair = ({ x, y }) => {
    const place = viewer.placement(pane);
    const position = [...viewer.state.position];
    position[plane.u] = Math.floor((x - place.x0) / place.scaleU);
    position[plane.v] = Math.floor((y - place.y0) / place.scaleV);
    viewer.moveTo(position);
  };
  const drag = (tool, point, dx, dy) => {
    const { level, width } = viewer.state.window;
    if (tool === "cross-hair") moveCrossHair(point);
    if (tool === "window") viewer.setWindow(level + dy * 1.5, width + dx * 2);
    if (tool === "pan") viewer.pan(pane, dx, dy);
    if (tool === "scroll") {
      const pixelsPerSlice = Math.max(frame.clientHeight / viewer.data.size[plane.normal], 3);
      slices -= dy / pixelsPerSlice;
      viewer.scroll(plane, Math.trunc(slices));
      slices -= Math.trunc(slices);
    }
  };
  const pinch = (before, after) => {
    const middle = (points) => ({ x: (points[0].x + points[1].x) / 2, y: (points[0].y + points[1].y) / 2 });
    const distance = (points) => Math.hypot(points[0].x - points[1].x, points[0].y - points[1].y);
    const [from, to] = [middle(before), middle(after)];
    viewer.zoomAt(pane, distance(after) / Math.max(distance(before), 1), to.x, to.y);
    viewer.pan(pane, to.x - from.x, to.y - from.y);
  };

  frame.addEventListener("pointerdown", (event) => {
    frame.setPointerCapture(event.pointerId);
    frame.focus({ preventScroll: true });
    viewer.activate(pane);
    pointers.set(event.pointerId, at(event));
    if (pointers.size === 1) moved = slices = 0;
    event.preventDefault();
  });
  frame.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const point = at(event);
    const points = [...pointers.values()];
    pointers.set(event.pointerId, point);
    moved += Math.hypot(point.x - before.x, point.y - before.y);
    if (pointers.size === 2) pinch(points, [...pointers.values()]);
    else if (pointers.size === 1 && moved > 3) {
      drag(event.buttons & 2 ? "window" : viewer.state.tool, point, point.x - before.x, point.y - before.y);
    }
  });
  const release = (event) => {
    const single = pointers.size === 1 && pointers.delete(event.pointerId);
    pointers.delete(event.pointerId);
    if (single && moved <= 3 && event.type === "pointerup" && event.button === 0) moveCrossHair(at(event));
  };
  frame.addEventListener("pointerup", release);
  frame.addEventListener("pointercancel", release);
  frame.addEventListener("contextmenu", (event) => event.preventDefault());
  let wheel = 0;
  frame.addEventListener("wheel", (event) => {
    event.preventDefault();
    viewer.activate(pane);
    if (event.ctrlKey || event.metaKey) {
      const { x, y } = at(event);
      viewer.zoomAt(pane, Math.exp(-event.deltaY / 200), x, y);
      return;
    }
    const linePixels = 40;  // a notch of a mouse, at least one slice; a touchpad adds up to it
    wheel += event.deltaMode === 0 ? event.deltaY : event.deltaY * linePixels;
    const steps = Math.trunc(wheel / linePixels);
    wheel -= steps * linePixels;
    if (steps !== 0) viewer.scroll(plane, -steps);
  }, { passive: false });
}

function listenToKeys(viewer) {
  const scroll = (slices) => viewer.scroll(PLANES[viewer.state.active], slices);
  const select = (index) => {
    viewer.activate(viewer.panes[index]);
    viewer.panes[index].frame.focus({ preventScroll: true });
  };
  const middle = (pane) => [pane.frame.clientWidth / 2, pane.frame.clientHeight / 2];
  const zoom = (factor) => {
    const pane = viewer.panes[viewer.state.active];
    viewer.zoomAt(pane, factor, ...middle(pane));
  };
  let hiddenWash = 0;
  const actions = {
    ArrowUp: () => scroll(1), ArrowDown: () => scroll(-1), PageUp: () => scroll(5), PageDown: () => scroll(-5),
    Home: () => scroll(-Infinity), End: () => scroll(Infinity),
    ArrowLeft: () => viewer.setExperts(viewer.state.experts - 1),
    ArrowRight: () => viewer.setExperts(viewer.state.experts + 1),
    a: () => select(0), c: () => select(1), s: () => select(2),
    "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: () => viewer.resetView(),
    l: () => viewer.jumpToLargest(), m: () => viewer.jumpToMaximum(),
    o: () => {
      [viewer.state.wash, hiddenWash] = viewer.state.wash === null ? [hiddenWash, null] : [null, viewer.state.wash];
      viewer.redraw();
    },
    x: () => {
      viewer.state.crossHair = !viewer.state.crossHair;
      viewer.redraw();
    },
  };
  for (let k = 1; k <= viewer.data.experts; ++k) actions[k] = () => viewer.setExperts(k);
  for (const pane of viewer.panes) {
    pane.frame.addEventListener("focus", () => viewer.activate(pane));
    pane.frame.addEventListener("keydown", (event) => {
      const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      action();
    });
  }
}

function keyHelp() {
  const items = KEYS.flatMap(([keys, what]) => [element("span", {}, element("kbd", {}, keys), ` ${what}`)]);
  return element("p", { class: "keys muted screen-only" }, element("span", {}, "With a plane selected:"), ...items);
}

// --- controls ---

const button = (text, onclick, attributes = {}) => element("button", { type: "button", onclick, ...attributes }, text);

function group(title, ...children) {
  return element("div", { class: "group", role: "group", "aria-label": title }, element("h3", {}, title), ...children);
}

// The slider "at least k of 5", and the volumes within the outlines.
function makeAgreement(viewer) {
  const { data, state } = viewer;
  const experts = element("strong");
  const sentence = data.calibrated
    ? element("p", { class: "sentence" }, "Outline where at least ", experts, " are expected to agree")
    : element("p", { class: "sentence" }, "Outline where the networks' probability is at least ", experts);
  const slider = element("input", { type: "range", id: "experts", min: 1, max: data.experts, step: 1,
    "aria-label": "experts who agree, at least", oninput: () => viewer.setExperts(Number(slider.value)) });
  const ticks = Array.from({ length: data.experts }, (_, i) =>
    button(String(i + 1), () => viewer.setExperts(i + 1), { tabindex: -1, "aria-hidden": "true" }));
  const volumes = element("div", { class: "volumes", "aria-live": "polite" });
  const nowhere = element("p", { class: "muted" }, "The map reaches this nowhere in the scan.");
  return {
    root: element("div", { class: "group agreement-control" }, sentence, slider,
      element("div", { class: "ticks" }, ...ticks), volumes, nowhere),
    draw() {
      const k = state.experts;
      experts.textContent = data.calibrated ? `${k} of ${data.experts} experts` : `${k}/${data.experts}`;
      slider.value = k;
      ticks.forEach((tick, i) => tick.classList.toggle("on", i + 1 === k));
      volumes.replaceChildren(...viewer.layers.filter((layer) => layer.map && layer.outlined).map((layer) =>
        element("div", {}, swatch(layer), element("span", {}, layer.name),
          element("strong", { "data-volume": layer.id }, `${ml(layer.map.agreement_mm3[k - 1])} ml`))));
      nowhere.hidden = viewer.layers[0].map.agreement_mm3[k - 1] > 0;
    },
  };
}

function swatch(layer) {
  const line = element("line", { x1: 0, x2: 20, y1: 5, y2: 5, stroke: layer.colour, "stroke-width": 3,
    "stroke-dasharray": layer.dashes });
  return element("svg", { class: "swatch", viewBox: "0 0 20 10", "aria-hidden": "true" }, line);
}

function makeLayerTable(viewer) {
  const { state, layers } = viewer;
  const radio = (index) => element("input", { type: "radio", name: "wash",
    "aria-label": `colour wash: ${index === null ? "none" : layers[index].name}`,
    onchange: () => { state.wash = index; viewer.redraw(); } });
  const radios = [null, ...layers.map((_, i) => i)].map((index) => ({ index, input: radio(index) }));
  const boxes = layers.map((layer) => element("input", { type: "checkbox", "aria-label": `outline: ${layer.name}`,
    onchange: (event) => { layer.outlined = event.target.checked; viewer.redraw(); } }));
  const rows = layers.map((layer, i) => element("tr", {},
    element("th", { scope: "row" }, swatch(layer), layer.name),
    element("td", {}, layer.washable ? radios[i + 1].input : ""), element("td", {}, boxes[i])));
  // From below, so that rows keep their places.
  for (const [kind, title] of [["vessel", "Vessels"], ["rater", "Raters"]]) {
    const members = layers.filter((layer) => layer.kind === kind);
    if (members.length < 2) continue;
    const all = button("all on / off", () => {
      const on = !members.every((layer) => layer.outlined);
      members.forEach((layer) => { layer.outlined = on; });
      viewer.redraw();
    });
    rows.splice(layers.indexOf(members[0]), 0, element("tr", { class: "kind" },
      element("th", { scope: "rowgroup", colspan: 2 }, title), element("td", {}, all)));
  }
  const none = element("tr", {}, element("th", { scope: "row" }, "No colour"), element("td", {}, radios[0].input),
    element("td"));
  const root = element("div", { class: "layers" }, element("table", {},
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Layer"),
      element("th", { scope: "col" }, "Colour"), element("th", { scope: "col" }, "Outline"))),
    element("tbody", {}, ...rows, none)));
  return {
    root,
    draw() {
      for (const { index, input } of radios) input.checked = index === state.wash;
      boxes.forEach((box, i) => { box.checked = layers[i].outlined; });
    },
  };
}

function makeLegend(viewer) {
  const { state, data } = viewer;
  const bar = element("div", { class: "legend-bar" });
  const stops = Array.from({ length: 33 }, (_, i) => {
    const value = Math.round(i * 255 / 32);
    const [red, green, blue, alpha] = viewer.colours.subarray(4 * value, 4 * value + 4);
    return `rgb(${red} ${green} ${blue} / ${alpha / 255})`;
  });
  bar.style.backgroundImage = `linear-gradient(to right, ${stops.join(",")})`;
  const marker = element("span", { class: "legend-marker" });
  bar.append(marker);
  const scale = element("div", { class: "legend-scale" },
    ...Array.from({ length: data.experts + 1 }, (_, i) => element("span", {}, (i / data.experts).toFixed(1))));
  const unit = element("p", { class: "muted" });
  const opacity = element("input", { type: "range", min: 0, max: 100, "aria-label": "opacity of the colour",
    oninput: () => { state.opacity = opacity.value / 100; viewer.redraw(); } });
  const root = element("div", { class: "legend" }, bar, scale, unit,
    element("label", {}, "Opacity", opacity));
  return {
    root,
    draw() {
      const layer = viewer.layers[state.wash];
      const isMap = Boolean(layer?.map);
      bar.hidden = scale.hidden = !isMap;
      unit.textContent = !layer ? "No colour." : layer.mask ? layer.name
        : layer.map.response ? "share of the raters who marked the voxel"
          : layer === viewer.layers[0] && data.calibrated ? "expected share of experts who would mark the voxel"
            : "the networks' probability, not calibrated";
      marker.style.left = `${100 * state.experts / data.experts}%`;
      opacity.value = Math.round(100 * state.opacity);
    },
  };
}

function makeWindowControls(viewer) {
  const { state } = viewer;
  const presets = WINDOWS.map((preset) => button(preset.name, () => viewer.setWindow(preset.level, preset.width),
    { title: `level ${preset.level}, width ${preset.width} HU` }));
  const input = (label, low, high) => element("input", { type: "number", min: low, max: high, step: 10,
    "aria-label": label, onchange: () => viewer.setWindow(Number(level.value), Number(width.value)) });
  const level = input("window level in HU", -1000, 1540);
  const width = input("window width in HU", 1, 2540);
  return {
    root: group("Window", element("div", { class: "buttons" }, ...presets),
      element("div", { class: "pair" }, element("label", {}, "Level", level), element("label", {}, "Width", width),
        "HU")),
    draw() {
      const shown = state.window;
      presets.forEach((preset, i) => preset.classList.toggle("on",
        WINDOWS[i].level === shown.level && WINDOWS[i].width === shown.width));
      level.value = shown.level;
      width.value = shown.width;
    },
  };
}

function makeTools(viewer) {
  const { state } = viewer;
  const tools = TOOLS.map((tool) => button(tool.name, () => { state.tool = tool.name; viewer.redraw(); },
    { title: tool.title }));
  const jumps = [
    button("Largest section", () => viewer.jumpToLargest(), { title: "Where most voxels lie within the outline" }),
    button("Maximum", () => viewer.jumpToMaximum(), { title: "The highest value of the map" }),
    button("Reset view", () => viewer.resetView()),
  ];
  return {
    root: element("div", { class: "group" }, element("h3", {}, "Go to"), element("div", { class: "buttons" }, ...jumps),
      element("h3", {}, "Drag"), element("div", { class: "buttons segmented" }, ...tools)),
    draw() {
      tools.forEach((tool, i) => tool.setAttribute("aria-pressed", TOOLS[i].name === state.tool));
      jumps[0].disabled = viewer.layers[0].map.agreement_mm3[state.experts - 1] === 0;
    },
  };
}

function makeReadout(viewer) {
  const root = element("p", { class: "readout" });
  return {
    root,
    draw() {
      const { hu, shares } = viewer.valuesAtCrossHair();
      root.replaceChildren(
        element("span", { class: "muted" }, viewer.positionText()), element("span", {}, `CT ≈ ${Math.round(hu)} HU`),
        ...shares.map(({ layer, share }) => element("span", {}, swatch(layer), `${layer.name} ${share.toFixed(2)}`)));
    },
  };
}

function makeControls(viewer) {
  const parts = {
    agreement: makeAgreement(viewer), legend: makeLegend(viewer), readout: makeReadout(viewer),
    layers: makeLayerTable(viewer), windows: makeWindowControls(viewer), tools: makeTools(viewer),
  };
  return {
    summary: element("div", { class: "summary" }, parts.agreement.root, parts.legend.root,
      group("At the cross-hair", parts.readout.root)),
    root: element("div", { class: "controls screen-only" }, group("Layers", parts.layers.root), parts.windows.root,
      parts.tools.root),
    draw: () => Object.values(parts).forEach((part) => part.draw()),
  };
}

// --- start ---

globalThis.twintrackReport = (async () => {
  const root = document.getElementById("viewer");
  const data = JSON.parse(document.getElementById("viewer-data").textContent);
  const viewer = new CaseViewer(root, data);
  root.replaceChildren(element("p", { class: "muted" }, "Unpacking the images …"));
  try {
    await viewer.load();
  } catch (error) {
    root.replaceChildren(element("p", {},
      `The images cannot be shown: ${error.message}. A current browser is needed; all figures stand below.`));
    throw error;
  }
  return viewer;
})();
