// The chart of a sale: one bar for each second, stacked by what became of the claims, with axes.
"use strict";

// `seconds`: [moment in ms, new coupons, repeats, refused, turned away, errors]; `endMs`: the right edge.
function drawChart(svg, seconds, endMs, spanMs, zone) {
  const KINDS = ["placed", "repeat", "refused", "turned", "error"];
  const LEFT = 48;
  const BOTTOM = 22;
  const TOP = 8;
  const HEIGHT = 200;
  const width = Math.max(svg.clientWidth, 280);
  const plot = { width: width - LEFT - 4, height: HEIGHT - TOP - BOTTOM };
  const startMs = endMs - spanMs;
  const shown = seconds.filter(([at]) => at >= startMs && at < endMs);
  const total = (row) => row.slice(1).reduce((sum, count) => sum + count, 0);
  const top = roundedTop(Math.max(4, ...shown.map(total)));
  const x = (ms) => LEFT + ((ms - startMs) / spanMs) * plot.width;
  const y = (count) => TOP + plot.height * (1 - count / top);

  function element(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function horizontalAxis() {
    const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
    const everyMs = plot.width < 420 ? 240000 : 120000;
    const marks = [];
    for (let at = Math.ceil(startMs / everyMs) * everyMs; at <= endMs; at += everyMs) {
      marks.push(element("line", { x1: x(at), x2: x(at), y1: y(0), y2: y(0) + 4, class: "axis" }));
      const anchor = endMs - at < everyMs / 4 ? "end" : "middle";
      marks.push(element("text", { x: x(at), y: HEIGHT - 4, "text-anchor": anchor }, clock.format(at)));
    }
    return marks;
  }

  function verticalAxis() {
    return [0, top / 2, top].flatMap((count) => [
      element("line", { x1: LEFT, x2: width - 4, y1: y(count), y2: y(count), class: count ? "grid" : "axis" }),
      element("text", { x: LEFT - 6, y: y(count) + 4, "text-anchor": "end" }, count.toLocaleString(document.documentElement.lang)),
    ]);
  }

  function bars(kind, index) {
    const lines = shown.filter((row) => row[index + 1]).map((row) => {
      const below = row.slice(1, index + 1).reduce((sum, count) => sum + count, 0);
      return `M${x(row[0] + 500).toFixed(1)} ${y(below).toFixed(1)}V${y(below + row[index + 1]).toFixed(1)}`;
    });
    const stroke = Math.max(1, plot.width / (spanMs / 1000)).toFixed(2);
    return element("path", { d: lines.join(""), class: kind, "stroke-width": stroke });
  }

  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.replaceChildren(...verticalAxis(), ...KINDS.map(bars), ...horizontalAxis());
}

// The next of 4, 10, 20, 40, 100, …: its half is whole, too.
function roundedTop(most) {
  for (let power = 1; ; power *= 10) {
    for (const digit of [2, 4, 10]) {
      if (digit * power >= most) return digit * power;
    }
  }
}
