// A small line chart of values over time, drawn into an <svg>.

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 44;
const BOTTOM = 24;

/**
 * Draw points `{at, value}` (`at` in milliseconds), the newest at the right edge.
 *
 * Options: `span`, the milliseconds that the chart is wide; `width` and `height`, in its own
 * units; `floor`, a value that the scale begins at; `axes`, whether it has any.
 */
export function draw(svg, points, { span, width = 560, height = 220, floor = null, axes = true }) {
  const left = axes ? LEFT : 0;
  const bottom = axes ? height - BOTTOM : height - 2;
  const values = points.map((point) => point.value);
  const [low, high, step] = scale(floor ?? Math.min(...values), Math.max(...values));
  const end = points.at(-1).at;
  const x = (at) => left + (width - left) * (1 - (end - at) / span);
  const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - 8);
  const path = points.map(({ at, value }) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("L");
  const area = `M${x(points[0].at).toFixed(1)} ${bottom}L${path}L${width} ${bottom}Z`;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(
    ...(axes ? grid([low, high, step], { left, width, height, span, y }) : []),
    shape("path", { class: "area", d: area }),
    shape("path", { class: "curve", d: `M${path}` }),
  );
}

/** Rounded limits around the values, and a rounded distance between two to five lines. */
function scale(low, high) {
  const wanted = Math.max(high - low, 0.5) / 4;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= wanted) * power;
  const bottom = Math.floor(low / step) * step;
  return [bottom, Math.max(Math.ceil(high / step) * step, bottom + step), step];
}

function* grid([low, high, step], { left, width, height, span, y }) {
  const digits = step < 1 ? Math.ceil(-Math.log10(step)) : 0;
  for (let value = low; value < high + step / 2; value += step) {
    yield shape("line", { class: "gridline", x1: left, x2: width, y1: y(value), y2: y(value) });
    yield words(value.toFixed(digits), { x: left - 8, y: y(value) + 4, "text-anchor": "end" });
  }
  yield words(`${span / 1000} s ago`, { x: left, y: height - 4 });
  yield words("now", { x: width, y: height - 4, "text-anchor": "end" });
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function words(text, attributes) {
  const element = shape("text", { class: "axis", ...attributes });
  element.textContent = text;
  return element;
}
