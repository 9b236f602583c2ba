// A run's loss as a small drawing; its first and last value are written beside it.
const vreidCurve = (function () {
  "use strict";
  const space = "http://www.w3.org/2000/svg";
  const width = 320;
  const height = 120;
  const edge = { left: 46, right: 10, top: 10, bottom: 24 };

  function element(name, attributes, text) {
    const made = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) {
      made.setAttribute(key, value);
    }
    if (text !== undefined) {
      made.textContent = text;
    }
    return made;
  }

  function scale(low, high, from, to) {
    return (value) => (high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from));
  }

  function short(value) {
    return String(Number(value.toPrecision(3)));
  }

  return function (points) {
    const epochs = points.map((point) => point[0]);
    const values = points.map((point) => point[1]);
    const low = Math.min(...values);
    const high = Math.max(...values);
    const x = scale(Math.min(...epochs), Math.max(...epochs), edge.left, width - edge.right);
    const y = scale(low, high, height - edge.bottom, edge.top);
    const words = "Loss by epoch: from " + short(values[0]) + " to " + short(values[values.length - 1]);
    const drawing = element("svg", {
      class: "curve",
      viewBox: "0 0 " + width + " " + height,
      role: "img",
      "aria-label": words,
    });
    const base = height - edge.bottom;
    drawing.append(
      element("path", {
        class: "axis",
        d: "M" + edge.left + " " + edge.top + "V" + base + "H" + (width - edge.right),
      }),
      element("text", { x: edge.left - 6, y: edge.top + 4, class: "end" }, short(high)),
      element("text", { x: edge.left - 6, y: base, class: "end" }, low === high ? "" : short(low)),
      element("text", { x: edge.left, y: height - 8 }, "epoch " + epochs[0]),
      element("text", { x: width - edge.right, y: height - 8, class: "end" }, epochs[epochs.length - 1]),
      element("polyline", {
        class: "line",
        points: points.map((point) => x(point[0]).toFixed(1) + "," + y(point[1]).toFixed(1)).join(" "),
      })
    );
    for (const point of points.length > 40 ? [] : points) {
      drawing.append(element("circle", { cx: x(point[0]).toFixed(1), cy: y(point[1]).toFixed(1), r: 2.5 }));
    }
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = words + ".";
    figure.append(drawing, caption);
    return figure;
  };
})();
