// A page: its filters, and what each board shows by them.

const DRAWN = 6;
const FEW = 10;
const form = document.getElementById("filters");
const state = { grain: null, period: 0, cut: 0, key: "" };
const grainNamed = (name) => page.grains.find((grain) => grain.name === name);
const cutAt = () => page.cuts[state.cut];

// A name of another direction of writing turns nothing round but itself.
function isolated(text) {
  return `\u2068${text}\u2069`;
}

// Names as a chart can take them: lines and control characters are blanks, and what every object of
// a script has by itself is no name of its own. `drawable` in pages.py is the same.
function drawable(value) {
  if (typeof value !== "string") return value;
  const text = value.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ");
  return text in Object.prototype ? isolated(text) : text;
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function showTile(board, place) {
  const metric = page.metrics[board.metric];
  const grain = grainOf(metric);
  const cut = state.key === "" ? page.cuts[0] : page.cuts[cutOf(metric, grain.name, cutAt().name)];
  const key = cut.name === "company" ? 0 : Number(state.key);
  const i = periodOf(metric, grain);
  const now = known(metric, grain.name, cut.name, key, i);
  const before = known(metric, grain.name, cut.name, key, i - 1);
  const value = place.querySelector(".value");
  const isKnown = now && now.value !== null;
  const [number, per] = isKnown ? figure(now.value, metric.unit).split(/ (?=per )/) : ["no value"];
  value.textContent = number;
  if (per) value.append(element("span", ` ${per}`, "per"));
  value.classList.toggle("none", !isKnown);
  if (isKnown) value.dataset.value = now.value;
  else delete value.dataset.value;
  const told = place.querySelector(".change");
  told.replaceChildren();
  const wary = caution(metric, grain, cut, key, i);
  if (isKnown && soFar(grain, i)) {
    const state = grain.starts[i] > page.today ? "to come: the period has not begun" : "so far: the period has not ended";
    told.textContent = `${state}${wary ? `; ${wary}` : ""}`;
  } else if (isKnown && wary) {
    told.textContent = wary;
  } else {
    const moved = change(metric, now, before);
    if (moved) {
      const arrow = moved.difference === 0 ? "=" : moved.isUp ? "▲" : "▼";
      const mark = moved.word === "better" ? "good" : moved.word === "worse" ? "bad" : "";
      told.append(element("span", `${arrow} ${moved.text}${moved.word ? `, ${moved.word}` : ""}`, mark));
      told.append(` ${moved.word ? "than" : "on"} ${periodName(grain, i - 1, "axis")}${moved.caution}`);
    } else if (isKnown) {
      told.textContent = "nothing to compare with";
    }
  }
  const history = grain.starts.flatMap((start, j) => {
    const found = known(metric, grain.name, cut.name, key, j);
    return found ? [{ ...found, key: cut.told[key], keyAt: key, i: j, start, wary: found.value === null ? "" : caution(metric, grain, cut, key, j), target: target(metric, grain.name, j, cut.name, key) }] : [];
  });
  numbers(board, place, metric, grain, cut, history);
  const from = Math.max(0, i - 11);
  spark(place.querySelector(".spark"), Array.from({ length: i - from + 1 }, (_, j) => {
    const found = known(metric, grain.name, cut.name, key, from + j);
    return found && !caution(metric, grain, cut, key, from + j) ? found.value : null;
  }));
  const goal = target(metric, grain.name, i, cut.name, key);
  place.querySelector(".target").textContent = goal === null ? "" : `Target ${figure(goal, metric.unit)}`;
  place.dataset.cut = cut.name;
  if (!(grain.name in metric.series)) {
    place.querySelector(".sample").textContent = notCounted(metric);
    return;
  }
  const isWhole = cut.name === "company" && state.key !== "";
  const whole = `. Not known by ${cutAt().label.toLowerCase()}: this is the whole company.`;
  place.querySelector(".sample").textContent = isWhole ? sampleText(now).replace(/\.$/, "") + whole : sampleText(now);
}

function note(board, metric, grain, cut, more) {
  const parts = [];
  if (cut.name === "company" && cutAt().name !== "company" && board.mark === "trend") {
    parts.push(`Not known by ${cutAt().label.toLowerCase()}: this is the whole company.`);
  }
  if (more) parts.push(more);
  if (board.mark === "trend" && grain.earlier) {
    parts.push(`${count(grain.earlier)} earlier ${grain.label.toLowerCase()} are not on this page.`);
  }
  return parts.length ? ` ${parts.join(" ")}` : "";
}

// Which of the rows of a period are to be read with caution, and why.
function warning(rows) {
  const why = [...new Set(rows.map((row) => row.wary).filter((wary) => wary))];
  return why.map((wary) => {
    const these = rows.filter((row) => row.wary === wary);
    const whose = these.length === rows.length ? "all" : these.map((row) => row.key).join(", ");
    return `Of ${whose}: ${wary}.`;
  }).join(" ");
}

async function showTrend(board, place) {
  const metric = page.metrics[board.metric];
  const grain = grainNamed(state.grain);
  if (!(grain.name in metric.series)) return uncounted(board, place, metric);
  const chosenAt = periodOf(metric, grain);
  const cut = page.cuts[cutOf(metric, grain.name, cutAt().name)];
  const all = keysOf(metric, grain.name, cut);
  const chosen = cut.name !== "company" && state.key !== "" ? [Number(state.key)] : null;
  const byRecords = [...all].sort((a, b) => records(metric, grain.name, cut.name, b) - records(metric, grain.name, cut.name, a));
  const keys = chosen || byRecords.slice(0, DRAWN);
  const rest = chosen ? 0 : all.length - keys.length + cut.more;
  const rows = [];
  for (const key of keys) {
    for (let i = 0; i < grain.starts.length; i += 1) {
      const found = known(metric, grain.name, cut.name, key, i);
      if (!found) continue;
      const isSoFar = soFar(grain, i);
      const wary = found.value === null ? "" : caution(metric, grain, cut, key, i);
      rows.push({ ...found, key: cut.told[key], keyAt: key, i, start: grain.starts[i], at: utc(grain.starts[i]).getTime(), wary, is_hollow: isSoFar || Boolean(wary), is_joined: !wary && (!isSoFar || Boolean(metric.state)), target: target(metric, grain.name, i, cut.name, key) });
    }
  }
  const focus = keys.length === 1 ? keys[0] : null;
  const now = focus === null ? undefined : known(metric, grain.name, cut.name, focus, chosenAt);
  const before = focus === null ? undefined : known(metric, grain.name, cut.name, focus, chosenAt - 1);
  const message = place.querySelector(".message");
  message.replaceChildren();
  let told;
  const when = grain.starts.length ? periodName(grain, chosenAt) : "";
  if (focus !== null) {
    const wary = now && now.value !== null ? caution(metric, grain, cut, focus, chosenAt) : "";
    const moved = soFar(grain, chosenAt) || wary ? null : change(metric, now, before);
    const tail = `${when}${unended(grain, chosenAt)}${wary ? `, ${wary}` : ""}${moved ? `, ${moved.text} on ${periodName(grain, chosenAt - 1, "axis")}${moved.word ? ` (${moved.word})` : moved.caution}` : ""}`;
    message.append(element("strong", figure(now ? now.value : null, metric.unit)), ` in ${tail}`);
    told = `${board.title}${cut.name === "company" ? "" : `, ${cut.told[focus]}`}: ${figure(now ? now.value : null, metric.unit)} in ${tail}.`;
  } else {
    const among = rest ? ` of the ${count(keys.length)} with most records` : "";
    const present = rows.filter((row) => row.i === chosenAt && row.value !== null);
    const text = present.length ? extremes(metric, present, when, among) : `no values in ${when}`;
    message.textContent = text;
    told = `${board.title} by ${cut.label.toLowerCase()}, ${text}.`;
  }
  place.querySelector(".sample").textContent = (focus === null ? `${count(keys.length)} drawn, each with its records in the numbers` : sampleText(now)).replace(/\.$/, "")
    + (rest ? `; those with most records, and ${count(rest)} more are not drawn` : "") + "." + note(board, metric, grain, cut, focus === null ? warning(rows.filter((row) => row.i === chosenAt)) : "") + targetWords(rows, "Short lines at points");
  finish(board, place, metric, grain, cut, rows, told);
  const values = rows.filter((row) => row.value !== null);
  if (!values.length) return nothing(place, "No values in these periods.");
  something(place);
  const spec = structuredClone(page.specs.trend);
  const starts = [...new Set(values.map((row) => row.at))].sort((a, b) => a - b);
  const step = Math.max(1, Math.ceil(starts.length / Math.max(2, Math.floor(place.clientWidth / 90))));
  spec.encoding.x.axis.values = starts.filter((_, i) => (starts.length - 1 - i) % step === 0).map((at) => {
    const moment = new Date(at);
    return { year: moment.getUTCFullYear(), month: moment.getUTCMonth() + 1, date: moment.getUTCDate(), utc: true };
  });
  if (keys.length === 1) {
    spec.layer[1].encoding.fill.legend = null;
    spec.layer[1].encoding.shape.legend = null;
  }
  const isDrawn = [(row) => row.is_joined, () => true, (row) => row.target !== null];
  spec.layer = spec.layer.filter((_, i) => rows.some(isDrawn[i]));
  spec.encoding.x.axis.format = grain.name;
  for (const layer of spec.layer) layer.encoding.y.axis.format = metric.unit;
  for (const row of rows) row.told = `${cut.name === "company" ? "" : `${row.key}, `}${periodName(grain, row.i)}${unended(grain, row.i)}\n${figure(row.value, metric.unit, "full")}\n${sampleText(row)}${row.target === null ? "" : `\nTarget ${figure(row.target, metric.unit)}`}${row.wary ? `\n${row.wary}` : ""}`;
  await draw(place.querySelector(".draw"), spec, withGaps(rows));
}

// A period without a row breaks the line: nobody knows what was there.
function withGaps(rows) {
  return rows.flatMap((row, i) => {
    const before = rows[i - 1];
    const isGap = before && before.keyAt === row.keyAt && before.i < row.i - 1;
    return isGap ? [{ ...before, at: before.at + 1, value: null, target: null }, row] : [row];
  });
}

// Highest and lowest of the rows of a period. One deal of one is 100%: what is called so has records
// enough, unless it is a sum.
function extremes(metric, rows, when, among) {
  const told = rows.filter((row) => metric.kind === "sum" || row.records >= FEW).sort((a, b) => b.value - a.value);
  if (!told.length) return `${when}: fewer than ${FEW} records in each`;
  const text = (row) => figure(row.value, metric.unit);
  const [first, last] = [told[0], told[told.length - 1]];
  const areAll = told.length === rows.length;
  if (told.length === 1) return `${when}: ${first.key} ${text(first)}${areAll ? "" : `, the only one with at least ${FEW} records`}`;
  const enough = areAll ? count(told.length) : `the ${count(told.length)} with at least ${FEW} records`;
  if (first.value === last.value) return `${when}: ${text(last)} in each of ${enough}${among}`;
  return `${when}: highest ${text(first)} (${first.key}), lowest ${text(last)} (${last.key})${areAll ? "" : ` of ${enough}`}${among}`;
}

async function showBars(board, place) {
  const metric = page.metrics[board.metric];
  const grain = grainOf(metric);
  if (!(grain.name in metric.series)) return uncounted(board, place, metric);
  const chosenAt = periodOf(metric, grain);
  const wanted = cutAt().name === "company" ? board.cut : cutAt().name;
  const cut = page.cuts[cutOf(metric, grain.name, wanted, board.cut, "team", "rep", "stage", "channel")];
  const rows = [];
  for (const key of keysOf(metric, grain.name, cut)) {
    const found = at(metric, grain.name, cut.name, key, chosenAt);
    if (found) rows.push({ ...found, wary: found.value === null ? "" : caution(metric, grain, cut, key, chosenAt), key: cut.told[key], keyAt: key, i: chosenAt, start: grain.starts[chosenAt], target: target(metric, grain.name, chosenAt, cut.name, key), text: figure(found.value, metric.unit) });
  }
  rows.sort((a, b) => (b.value === null ? -Infinity : b.value) - (a.value === null ? -Infinity : a.value));
  const when = grain.starts.length ? periodName(grain, chosenAt) : "";
  const values = rows.filter((row) => row.value !== null);
  const drawn = values.slice(0, 15);
  const message = place.querySelector(".message");
  const among = cut.more ? ` of the ${count(cut.keys.length)} with most records` : "";
  const text = values.length ? extremes(metric, values, when, among) : `nothing in ${when}`;
  message.textContent = text;
  const untold = [];
  if (values.length > drawn.length) untold.push(`${count(values.length - drawn.length)} more in the numbers`);
  if (drawn.some((row) => metric.kind !== "sum" && row.records < FEW)) untold.push(`“few”: of fewer than ${FEW} records`);
  if (metric.ripens) untold.push("the younger, the lower: it still ripens");
  if (rows.length > values.length) untold.push(`${count(rows.length - values.length)} without a value`);
  if (cut.more) untold.push(`and ${count(cut.more)} more, not shown`);
  place.querySelector(".sample").textContent = `By ${cut.label.toLowerCase()}, ${when}${unended(grain, chosenAt)}: ${count(rows.reduce((sum, row) => sum + row.records, 0))} records, ${count(rows.reduce((sum, row) => sum + row.left, 0))} left out${untold.length ? `; ${untold.join("; ")}` : ""}.${note(board, metric, grain, cut, warning(values))}${targetWords(drawn, "Short lines across bars")}`;
  finish(board, place, metric, grain, cut, rows, `${board.title} by ${cut.label.toLowerCase()}, ${text}.`);
  if (!drawn.length) return nothing(place, cut.name === "company" ? "Nothing that could be told apart yet." : `Nothing by ${cut.label.toLowerCase()} in ${when}.`);
  something(place);
  for (const row of drawn) row.is_few = metric.kind !== "sum" && row.records < FEW;
  for (const row of drawn) if (row.is_few) row.text += ", few";
  for (const row of drawn) row.told = `${row.key}\n${figure(row.value, metric.unit, "full")}\n${sampleText(row)}${row.target === null ? "" : `\nTarget ${figure(row.target, metric.unit)}`}${row.wary ? `\n${row.wary}` : ""}`;
  const spec = { ...structuredClone(page.specs.bars), height: 28 * drawn.length };
  spec.layer[0].encoding.x.scale.padding = 14 + 7 * Math.max(...drawn.map((row) => row.text.length));
  if (drawn.every((row) => row.target === null)) spec.layer = spec.layer.slice(0, -1);
  await draw(place.querySelector(".draw"), spec, drawn);
}

function targetWords(rows, lines) {
  return rows.some((row) => row.target !== null) ? ` ${lines} are targets.` : "";
}

function uncounted(board, place, metric) {
  const told = notCounted(metric);
  place.dataset.cut = "company";
  place.querySelector(".message").textContent = "";
  place.querySelector(".sample").textContent = "";
  place.querySelector(".numbers table").replaceChildren();
  place.querySelector(".numbers").hidden = place.querySelector(".csv").hidden = true;
  place.fill = null;
  nothing(place, told);
}

function nothing(place, sentence) {
  const chart = place.querySelector(".chart");
  const before = views.get(chart.querySelector(".draw"));
  if (before) before.finalize();
  chart.hidden = true;
  let told = place.querySelector(".empty");
  if (!told) chart.after(told = element("p", "", "empty"));
  told.textContent = sentence;
  told.dataset.empty = "";
  place.dataset.drawn = "empty";
}

function something(place) {
  place.querySelector(".chart").hidden = false;
  const told = place.querySelector(".empty");
  if (told) told.remove();
  place.dataset.drawn = "chart";
}

// The words and numbers of a KPI board, whatever is drawn.
function finish(board, place, metric, grain, cut, rows, told) {
  place.querySelector(".chart").setAttribute("aria-label", told);
  place.dataset.cut = cut.name;
  numbers(board, place, metric, grain, cut, rows);
}

// The table and download of a KPI board or tile.
function numbers(board, place, metric, grain, cut, rows) {
  place.querySelector(".numbers").hidden = place.querySelector(".csv").hidden = !(grain.name in metric.series);
  const ordered = board.mark === "bars" ? rows : [...rows].sort((a, b) => b.i - a.i || a.keyAt - b.keyAt);
  const hasKey = cut.name !== "company";
  const hasTarget = ordered.some((row) => row.target !== null);
  const unit = inUnit(metric.unit);
  const name = (row) => periodName(grain, row.i) + unended(grain, row.i);
  const columns = [
    { label: "Period", of: name, raw: name },
    ...(hasKey ? [{ label: cut.label, of: (row) => cut.labels[row.keyAt], raw: (row) => cut.labels[row.keyAt], key: (row) => cut.keys[row.keyAt] }] : []),
    { label: board.title, unit, of: (row) => figure(row.value, metric.unit, "full"), raw: (row) => row.value, isNumber: true },
    ...(hasTarget ? [{ label: "Target", unit, of: (row) => figure(row.target, metric.unit, "full"), raw: (row) => row.target, isNumber: true }] : []),
    { label: "Records", of: (row) => count(row.records), raw: (row) => row.records, isNumber: true },
    { label: "Left out", of: (row) => count(row.left), raw: (row) => row.left, isNumber: true },
    ...(ordered.some((row) => row.wary) ? [{ label: "Note", of: (row) => row.wary, raw: (row) => row.wary }] : []),
  ];
  table(place, columns, ordered, `${board.title}, ${grain.label.toLowerCase()}${hasKey ? `, by ${cut.label.toLowerCase()}` : ""}, as of ${page.as_of_told}`);
  const dated = [{ label: "Grain", raw: () => grain.name }, { label: "First day", raw: (row) => row.start }];
  place.download = () => downloaded([...columns, ...dated], ordered);
  const only = hasKey && state.key !== "" && board.mark !== "bars" ? cut.labels[state.key] : "";
  place.named = [grain.name, ...(board.mark === "bars" ? [periodName(grain, ordered.length ? ordered[0].i : 0, "axis")] : []), hasKey ? cut.name : "", only];
}

// What a spreadsheet needs to be told that a page says elsewhere: units, and as of when.
function downloaded(columns, rows) {
  const heads = columns.map((column) => column.label + (column.unit ? ` (${column.unit})` : ""));
  return [[...heads, "As of"], ...rows.map((row) => [...columns.map((column) => column.raw(row)), page.as_of_told])];
}

// Filled when it is opened: most never are.
function table(place, columns, rows, caption) {
  const details = place.querySelector(".numbers");
  place.fill = () => {
    const made = details.querySelector("table");
    made.replaceChildren(element("caption", caption));
    const head = element("tr");
    for (const column of columns) {
      const cell = element("th", column.label, column.isNumber ? "number" : "");
      cell.scope = "col";
      head.append(cell);
    }
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      columns.forEach((column, i) => {
        const text = column.of(row);
        const cell = element(i ? "td" : "th", text, column.isNumber ? "number" : text.length > 60 ? "long" : "");
        if (!i) cell.scope = "row";
        if (column.isNumber && column.raw(row) !== null) cell.dataset.value = column.raw(row);
        if (column.key) cell.dataset.key = column.key(row);
        line.append(cell);
      });
      body.append(line);
    }
    const top = element("thead");
    top.append(head);
    made.append(top, body);
  };
  if (details.open) place.fill();
}

function define(place, formula, words) {
  place.querySelector(".formula").textContent = formula || "";
  place.querySelector(".words").textContent = words || "";
}

async function showSpecial(board, place) {
  const choice = place.querySelector(".choice");
  if (!board.shown.length) {
    choice.hidden = true;
    place.querySelector(".message").textContent = "";
    place.querySelector(".numbers").hidden = true;
    place.querySelector(".csv").hidden = true;
    place.querySelector(".sample").textContent = `As of ${page.as_of_told}.`;
    return nothing(place, board.empty);
  }
  if (board.choice && board.shown.length > 1 && choice.hidden) {
    const label = element("label", `${board.choice.label} `);
    const select = element("select");
    board.shown.forEach((one, i) => {
      const option = element("option", shown(one.value, board.choice.format, one.by));
      option.value = i;
      select.append(option);
    });
    select.addEventListener("change", () => attempted(showSpecial, board));
    label.append(select);
    choice.append(label);
    choice.hidden = false;
  }
  const select = choice.querySelector("select");
  const one = board.shown[select ? Number(select.value) : 0];
  const named = board.names.map((name, i) => [name, i]);
  const rows = one.rows.map((row) => Object.fromEntries(named.map(([name, i]) => [name, row[i]])));
  const sentence = (parts) => parts.map((part) => (typeof part === "string" ? part : part[1] === "text" ? isolated(shown(...part)) : shown(part[0], part[1], part[2], "short").replace(/^-(?=\D?\d)/, "−"))).join("");
  const told = sentence(one.says);
  place.querySelector(".message").textContent = told;
  place.querySelector(".chart").setAttribute("aria-label", `${board.title}: ${told}`);
  const rest = one.left_out ? `${count(rows.length)} ${rows.length === 1 ? "row" : "rows"} ${sentence(one.left_out)}; ` : "";
  const sample = one.sample ? `${sentence(one.sample)}; ${rest}as of` : rest ? `${rest}as of` : "As of";
  place.querySelector(".sample").textContent = `${sample} ${page.as_of_told}.`;
  const columns = board.columns.map((column) => ({
    label: column.label, isNumber: isNumber(column.format), raw: (row) => row[column.name],
    unit: { money: page.currency, ratio: "share of 1", period: "first day", day: "UTC" }[column.format],
    of: (row) => shown(row[column.name], column.format, column.by ? row[column.by] : null),
  }));
  table(place, columns, rows, `${board.title}, as of ${page.as_of_told}`);
  const by = board.columns.find((column) => column.format === "unit" || (column.format === "period" && column.by));
  const beside = by ? [{ label: by.format === "unit" ? "Unit" : "Grain", raw: (row) => (by.format === "unit" ? inUnit(row[by.by]) : row[by.by]) }] : [];
  place.download = () => downloaded([...columns, ...beside], rows);
  place.named = [board.choice ? shown(one.value, board.choice.format, one.by) : ""];
  something(place);
  const plain = rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, drawable(value)])));
  await draw(place.querySelector(".draw"), one.spec, plain);
}

// One board that cannot be drawn leaves the others as they are, and its numbers.
async function attempted(show, board) {
  const place = document.getElementById(board.key);
  try {
    await show(board, place);
  } catch (error) {
    console.error(`${board.key}: ${error.message}`);
    if (place.querySelector(".chart")) nothing(place, `This picture could not be drawn (${error.message}); its numbers are below.`);
  }
}

const marks = { tile: showTile, trend: showTrend, bars: showBars };
let round = 0;

async function showAll() {
  const mine = ++round;
  delete document.documentElement.dataset.ready;
  for (const board of page.boards) {
    if (mine !== round) return;
    await attempted(marks[board.mark], board);
  }
  if (mine === round) document.documentElement.dataset.ready = "drawn";
}

function options(select, texts, chosen) {
  select.replaceChildren(...texts.map(([value, text]) => {
    const option = element("option", text);
    option.value = value;
    return option;
  }));
  select.value = chosen;
}

function fillFilters() {
  const grain = grainNamed(state.grain);
  options(form.elements.grain, page.grains.filter((one) => one.name !== "all").map((one) => [one.name, one.label]), state.grain);
  const periods = grain.starts.map((_, i) => [i, periodName(grain, i) + unended(grain, i)]);
  options(form.elements.period, periods.reverse(), state.period);
  options(form.elements.cut, page.cuts.map((cut, i) => [i, cut.label]), state.cut);
  const cut = cutAt();
  options(form.elements.key, [["", "all"], ...cut.keys.map((_, i) => [i, cut.told[i]])], state.key);
  document.getElementById("key-label").hidden = cut.name === "company";
  const key = state.key === "" ? "" : `, ${cut.told[state.key]} only`;
  const more = cut.more ? ` The ${count(cut.keys.length)} with most records are listed, and ${count(cut.more)} more are not shown.` : "";
  form.querySelector(".state").textContent = `Shown: ${grain.label.toLowerCase()}, ${periodName(grain, state.period)}${unended(grain, state.period)}, ${cut.label.toLowerCase()}${key}.${more}`;
}

// The last period that has ended and in which anything happened: one under way looks like a slump.
function latest(grain) {
  for (let i = grain.ended - 1; i >= 0; i -= 1) {
    if (page.metrics.some((metric) => !metric.state && (at(metric, grain.name, "company", 0, i) || {}).records)) return i;
  }
  return Math.max(0, Math.min(grain.ended, grain.starts.length) - 1);
}

function begin() {
  page.metrics.forEach((metric, i) => { metric.at = i; });
  for (const cut of page.cuts) cut.told = cut.labels.map((label) => isolated(drawable(label)));
  page.targetOf = new Map(page.targets.map(([metric, grain, i, cut, key, value]) => [[metric, grain, i, cut, key].join(), value]));
  page.lastTold = {};
  for (const grain of page.grains) {
    grain.present = Math.min(grain.ended, grain.starts.length - 1);
    page.lastTold[grain.name] = Math.max(latest(grain), ...page.metrics.filter((metric) => !metric.state).map((metric) => {
      const series = ((metric.series[grain.name] || {}).company || [])[0];
      return series ? series[0] + series[1].length - 1 : -1;
    }));
  }
  if (form && page.grains.some((grain) => grain.name !== "all")) {
    state.grain = page.grains[0].name;
    state.period = latest(page.grains[0]);
    form.addEventListener("change", (event) => {
      const name = event.target.name;
      if (name === "grain") {
        state.grain = event.target.value;
        state.period = latest(grainNamed(state.grain));
      } else if (name === "period") {
        state.period = Number(event.target.value);
      } else if (name === "cut") {
        state.cut = Number(event.target.value);
        state.key = "";
      } else {
        state.key = event.target.value;
      }
      fillFilters();
      showAll();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    fillFilters();
  }
  for (const board of [...page.boards, ...page.special]) {
    const place = document.getElementById(board.key);
    const metric = page.metrics[board.metric];
    define(place, metric ? metric.formula : "", metric ? metric.definition : board.definition);
    const details = place.querySelector(".numbers");
    if (details) details.addEventListener("toggle", () => { if (details.open && place.fill) place.fill(); });
    const button = place.querySelector(".csv");
    if (button) button.addEventListener("click", () => save(place, board));
  }
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll(".board .numbers:not([hidden])")) details.open = true;
    for (const place of document.querySelectorAll(".board")) if (place.fill) place.fill();
  });
}

function save(place, board) {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", csv(place.download())], { type: "text/csv;charset=utf-8" }));
  link.download = `${[page.page, board.key, ...place.named].filter((part) => part).join(" ").replace(/[^\p{L}\p{N}_]+/gu, "-").slice(0, 120)}.csv`;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

begin();
(async () => {
  await showAll();
  delete document.documentElement.dataset.ready;
  for (const board of page.special) await attempted(showSpecial, board);
  document.documentElement.dataset.ready = "drawn";
})();
