// What a reader does with a case report, and what the page then shows. Run by browser.py; judged by report_test.cpp.
(async () => {
  const viewer = await twintrackReport;
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const pane = (name) => document.querySelector(`.${name} .pane`);
  const paths = (layer) =>
    [...document.querySelectorAll(`path[data-layer="${layer}"]`)].map((path) => path.getAttribute("d"));
  const volume = (layer) => document.querySelector(`[data-volume="${layer}"]`)?.textContent ?? null;
  const number = (name) => pane(name).querySelector(".slice-number").textContent;
  const key = async (name, code) => {
    pane(name).dispatchEvent(new KeyboardEvent("keydown", { key: code, bubbles: true, cancelable: true }));
    await drawn();
  };
  const set = async (input, value) => {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
    await drawn();
  };
  const press = async (text) => {
    [...document.querySelectorAll("button")].find((button) => button.textContent === text).click();
    await drawn();
  };
  const pixels = (name) => {
    const canvas = pane(name).querySelector("canvas");
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return copy.getImageData(0, 0, canvas.width, canvas.height);
  };
  const hash = (bytes) => bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 16777619) >>> 0, 2166136261);
  const pointer = async (name, type, x, y) => {
    const box = pane(name).getBoundingClientRect();
    pane(name).dispatchEvent(new PointerEvent(type, { pointerId: 1, bubbles: true, cancelable: true, button: 0,
      buttons: type === "pointerup" ? 0 : 1, clientX: box.left + x * box.width, clientY: box.top + y * box.height }));
    await drawn();
  };
  Element.prototype.setPointerCapture = () => {};  // synthetic pointers cannot be captured
  await drawn();
  const result = {};

  result.layers = { ct: hash(viewer.ct) };
  for (const [id, bytes] of viewer.bytes) result.layers[id] = hash(bytes);
  result.scales = viewer.panes.map((pane) => {
    const place = viewer.placement(pane);
    const { spacing_mm } = viewer.data;
    return [place.scaleU / spacing_mm[pane.plane.u], Math.abs(place.scaleV) / spacing_mm[pane.plane.v]];
  });
  const marks = (name) =>
    ["left", "right", "top", "bottom"].map((side) => pane(name).querySelector(`.mark.${side}`).textContent).join("");
  result.marks = { axial: marks("axial"), coronal: marks("coronal"), sagittal: marks("sagittal") };

  const slider = document.getElementById("experts");
  result.levels = [];
  for (const k of [1, 2, 3, 4, 5]) {
    await set(slider, k);
    result.levels.push({ volume: volume("map-0"), raters: volume("map-2"), paths: paths("Expected agreement") });
  }
  await set(slider, 2);
  result.sentence = document.querySelector(".sentence").textContent;

  result.start = number("axial");
  await key("axial", "ArrowUp");
  result.up = number("axial");
  await key("axial", "PageDown");
  result.pageDown = number("axial");
  await key("axial", "Home");
  result.home = number("axial");
  result.homePaths = paths("Expected agreement")[0];
  await key("axial", "End");
  result.end = number("axial");
  await key("axial", "l");
  result.largest = number("axial");
  await key("coronal", "4");
  result.keyLevel = volume("map-0");
  pane("sagittal").dispatchEvent(new WheelEvent("wheel", { deltaY: 120, bubbles: true, cancelable: true }));
  await drawn();
  result.wheel = number("sagittal");
  result.maximum = (await press("Maximum"), viewer.valuesAtCrossHair().shares[0].share);

  await pointer("axial", "pointerdown", 0.25, 0.5);
  await pointer("axial", "pointerup", 0.25, 0.5);
  result.clicked = viewer.scanIndex(viewer.state.position);
  result.clickedHu = viewer.valuesAtCrossHair().hu;
  result.readout = document.querySelector(".readout").textContent;

  const before = hash(pixels("axial").data);
  await press("Bone");
  result.windowChanges = hash(pixels("axial").data) !== before;
  await press("Pancreas");
  result.windowReturns = hash(pixels("axial").data) === before;
  await key("axial", "o");
  await key("axial", "x");
  const picture = pixels("axial");
  const middleRow = Math.floor(picture.height / 2) * picture.width;
  const grey = (x) => picture.data[4 * (middleRow + Math.floor(x * picture.width))];
  result.patientRightThenLeft = [grey(0.25), grey(0.75)];
  await key("axial", "+");
  result.zoom = viewer.state.zoom;
  await key("axial", "0");
  result.zoomBack = viewer.state.zoom;

  const box = document.querySelector('input[aria-label="outline: Rater 5"]');
  box.click();
  await drawn();
  result.rater = paths("Rater 5").some((path) => path.length > 0);

  const theme = () => [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor];
  result.theme = theme();
  document.getElementById("theme-toggle").click();
  result.toggled = theme();
  document.getElementById("theme-toggle").click();
  result.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const strip = document.querySelector(".research-strip");
  scrollTo(0, document.body.scrollHeight);
  await drawn();
  result.statementStays = strip.getBoundingClientRect().top === 0 && strip.getBoundingClientRect().height > 10;
  result.heading = document.querySelector("h1").textContent;
  result.scripts = document.querySelectorAll("script[src], img, iframe, link[rel=stylesheet]").length;
  return result;
})()
