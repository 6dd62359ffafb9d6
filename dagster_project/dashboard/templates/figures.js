// What a page carries of a metric at a period, and what is said of it.

// What a metric is at a period of a key; undefined where there is nothing.
function at(metric, grain, cut, key, i) {
  const series = ((metric.series[grain] || {})[cut] || [])[key];
  if (!series) return undefined;
  const [first, values, records, left] = series;
  const j = i - first;
  if (j < 0 || j >= values.length || records[j] === null) return undefined;
  return { value: values[j], records: records[j], left: left ? left[j] : 0 };
}

// What adds up is 0 where nothing was in a period that has ended; of anything else nothing is known.
function known(metric, grain, cut, key, i) {
  const found = at(metric, grain, cut, key, i);
  if (found || metric.kind !== "sum" || metric.state) return found;
  if (i >= grainNamed(grain).ended) return undefined;
  const [first, last] = span(metric, grain);
  return first !== null && i >= first && i <= last ? { value: 0, records: 0, left: 0 } : undefined;
}

// The periods of which the company has anything of a metric, up to the present one at least.
function span(metric, grain) {
  const series = ((metric.series[grain] || {}).company || [])[0];
  if (!series) return [null, null];
  const present = grainNamed(grain).present;
  return [series[0], Math.max(series[0] + series[1].length - 1, Math.min(present, page.lastTold[grain]))];
}

function target(metric, grain, i, cut, key) {
  const found = page.targetOf.get([metric.at, grain, i, cut, key].join());
  return found === undefined ? null : found;
}

function change(metric, now, before) {
  if (!now || !before || now.value === null || before.value === null) return null;
  const isRatio = metric.unit === "ratio";
  if (!isRatio && !before.value) return null;
  const moved = (now.value - before.value) / (isRatio ? 1 : Math.abs(before.value));
  // What is shown as no change is none.
  const difference = Math.round(Math.abs(moved) * 1000) ? moved : 0;
  const signed = { signDisplay: "exceptZero", maximumFractionDigits: 1 };
  const said = isRatio ? numeral(100 * difference, signed) : numeral(difference, { ...signed, style: "percent" });
  const isOne = Math.round(Math.abs(moved) * 1000) === 10;
  const text = said.replace("-", "−") + (isRatio ? (isOne ? " point" : " points") : "");
  const isFew = metric.kind !== "sum" && (now.records < FEW || before.records < FEW);
  const isGood = (difference > 0) === (metric.better === "up");
  // A young period is not worse than an older one: its records have not come to their end.
  const isJudged = difference !== 0 && !isFew && !metric.ripens && (metric.better === "up" || metric.better === "down");
  const caution = (isFew ? ", of few records" : "") + (metric.ripens ? ", and still ripens" : "");
  return { text, caution, word: isJudged ? (isGood ? "better" : "worse") : "", isUp: difference > 0, difference };
}

// What a number is taken to be wrongly, for costs or ad spend it rests on are not told as yet.
function caution(metric, grain, cut, key, i) {
  const isPart = cut.name !== "company" && cut.keys[key] !== "(none)";
  return metric.cautions
    .filter((one) => grain.name in one.from && i >= one.from[grain.name] && (one.of_channels || !isPart))
    .map((one) => one.said).join("; ");
}

function sampleText(found) {
  if (!found) return "No records in this period.";
  const left = found.left ? `, ${count(found.left)} left out` : "";
  return `${count(found.records)} ${found.records === 1 ? "record" : "records"}${left}`;
}

function periodName(grain, i, how) {
  if (grain.name === "all") return "all time";
  return period(grain.name, grain.starts[i], grain.labels[i], how);
}

// What is said where a metric has no periods of the chosen grain: that is not the same as nothing.
function notCounted(metric) {
  const grains = page.grains.filter((grain) => grain.name in metric.series).map((grain) => grain.label.toLowerCase());
  return `Not counted by ${state.grain}: it has ${grains.join(", ")}.`;
}

function soFar(grain, i) {
  return grain.name !== "all" && i >= grain.ended;
}

// What is said of a period that has not ended.
function unended(grain, i) {
  if (!soFar(grain, i)) return "";
  return grain.starts[i] > page.today ? " (to come)" : " (so far)";
}

// What is only of the present has nothing in the past: it is shown as of now, whatever is chosen.
function periodOf(metric, grain) {
  if (grain.name === "all") return 0;
  const series = ((metric.series[grain.name] || {}).company || [])[0];
  if (!series) return state.period;
  const [first, , records] = series;
  const isPast = state.period < first && first >= grain.ended;
  return isPast ? first + records.findIndex((n) => n !== null) : state.period;
}

// The chosen grain; of what has no day, all time.
function grainOf(metric) {
  return grainNamed(metric.series[state.grain] || !metric.series.all ? state.grain : "all");
}

// A board shows the chosen cut, or the whole company where its metric is not cut so.
function cutOf(metric, grain, ...wanted) {
  const cuts = metric.series[grain] || {};
  const found = wanted.find((name) => name in cuts) || "company";
  return page.cuts.findIndex((cut) => cut.name === found);
}

function records(metric, grain, cut, key) {
  const series = ((metric.series[grain] || {})[cut] || [])[key];
  return series ? series[2].reduce((sum, n) => sum + (n || 0), 0) : 0;
}

function keysOf(metric, grain, cut) {
  return cut.keys.map((_, key) => key).filter((key) => ((metric.series[grain] || {})[cut.name] || [])[key]);
}
