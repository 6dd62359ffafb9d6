// Drawing with Vega; nothing is compiled from text, and text goes into the page as text.

const theme = {
  background: "transparent", font: "system-ui, sans-serif", customFormatTypes: true, aria: false,
  view: { stroke: null },
  mark: { color: "var(--series-1)" },
  text: { color: "var(--ink)" },
  rule: { color: "var(--soft)" },
  range: { category: [1, 2, 3, 4, 5, 6].map((number) => `var(--series-${number})`) },
  axis: {
    labelColor: "var(--soft)", titleColor: "var(--soft)", tickColor: "var(--line)", domainColor: "var(--line)",
    gridColor: "var(--grid)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
  },
  legend: { labelColor: "var(--ink)", titleColor: "var(--soft)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
  header: { labelColor: "var(--ink)", titleColor: "var(--soft)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
  title: { color: "var(--ink)" },
};

// Hints at how a chart might be written are for nobody who reads it.
const logger = {
  level() { return this; },
  error(...told) { console.error(...told); return this; },
  warn() { return this; }, info() { return this; }, debug() { return this; },
};

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

function tooltip(handler, event, item, value) {
  if (value === null || value === undefined || value === "") {
    tip.hidden = true;
    return;
  }
  tip.textContent = typeof value === "object"
    ? Object.entries(value).map(([name, one]) => `${name}: ${one}`).join("\n") : String(value);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 4))}px`;
  tip.style.top = `${event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 18}px`;
}

// What a chart's axes call by its `format`: the unit of a figure, the grain of a period.
const expressionFunctions = {
  figure: (value, unit) => figure(value, unit, "axis"),
  period: (value, grain) => {
    const iso = new Date(value).toISOString().slice(0, 10);
    if (grain === "year" || grain === "quarter") return fiscal(grain, iso, "axis");
    if (grain === "week") return day(iso, { day: "numeric", month: "short", year: "2-digit" });
    return day(iso, { month: "short", year: "2-digit" });
  },
};

const views = new WeakMap();

// Draws rows into a board's place; what stood there before goes.
async function draw(place, spec, rows) {
  const before = views.get(place);
  if (before) before.finalize();
  place.replaceChildren();
  const drawn = { ...spec, data: { name: "rows", values: rows } };
  const result = await vegaEmbed(place, drawn, {
    ast: true, actions: false, logger, renderer: "svg", defaultStyle: false, config: theme, tooltip,
    formatLocale: d3Locale(), timeFormatLocale: d3TimeLocale(), expressionFunctions,
  });
  views.set(place, result);
}

function spark(svg, values) {
  svg.replaceChildren();
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return;
  const low = Math.min(...known), high = Math.max(...known);
  const x = (i) => (i / (values.length - 1)) * 120;
  const y = (value) => (high === low ? 14 : 26 - ((value - low) / (high - low)) * 24);
  let path = "", joined = false;
  values.forEach((value, i) => {
    if (value !== null) path += `${joined ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    joined = value !== null;
  });
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
}
