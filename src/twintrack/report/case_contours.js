"use strict";
// Marching squares: where a slice crosses a level.

// Outlines of {value >= level} as SVG path data. `values` holds width * height samples, row by row; the centre of
// sample (x, y) lies at (x + 0.5, y + 0.5), and all samples outside are 0. `level` is none of the values.
function contourPath(values, width, height, level) {
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : values[y * width + x]);
  // Edges are numbered by their upper or left sample and direction, in a grid with a border of one.
  const stride = width + 2;
  const edge = (x, y, vertical) => 2 * ((y + 1) * stride + x + 1) + (vertical ? 1 : 0);
  const next = new Map();
  const join = (from, to) => { next.set(from, to); };

  for (let y = -1; y < height; ++y) {
    let nw = at(-1, y);
    let sw = at(-1, y + 1);
    for (let x = -1; x < width; ++x) {
      const ne = at(x + 1, y);
      const se = at(x + 1, y + 1);
      const inside = (nw >= level ? 8 : 0) | (ne >= level ? 4 : 0) | (se >= level ? 2 : 0) | (sw >= level ? 1 : 0);
      if (inside !== 0 && inside !== 15) {
        const top = edge(x, y, false);
        const bottom = edge(x, y + 1, false);
        const left = edge(x, y, true);
        const right = edge(x + 1, y, true);
        // Directed so that the inside lies on the right.
        switch (inside) {
          case 1: join(bottom, left); break;
          case 2: join(right, bottom); break;
          case 3: join(right, left); break;
          case 4: join(top, right); break;
          case 6: join(top, bottom); break;
          case 7: join(top, left); break;
          case 8: join(left, top); break;
          case 9: join(bottom, top); break;
          case 11: join(right, top); break;
          case 12: join(left, right); break;
          case 13: join(bottom, right); break;
          case 14: join(left, bottom); break;
          default: {  // 5, 10: two corners across, joined where the middle of the square is inside
            const joined = nw + ne + se + sw >= 4 * level;
            if (inside === 5) {
              join(top, joined ? left : right);
              join(bottom, joined ? right : left);
            } else {
              join(left, joined ? bottom : top);
              join(right, joined ? top : bottom);
            }
          }
        }
      }
      nw = ne;
      sw = se;
    }
  }

  const point = (number) => {
    const vertical = number % 2;
    const cell = (number - vertical) / 2;
    const x = cell % stride - 1;
    const y = Math.floor(cell / stride) - 1;
    const from = at(x, y);
    const share = (level - from) / ((vertical ? at(x, y + 1) : at(x + 1, y)) - from);
    const px = x + 0.5 + (vertical ? 0 : share);
    const py = y + 0.5 + (vertical ? share : 0);
    return `${px.toFixed(2)} ${py.toFixed(2)}`;
  };
  const parts = [];
  while (next.size > 0) {
    const start = next.keys().next().value;
    const points = [];
    for (let at = start; next.has(at);) {
      points.push(point(at));
      const to = next.get(at);
      next.delete(at);
      at = to;
    }
    parts.push(`M${points.join("L")}Z`);
  }
  return parts.join("");
}
