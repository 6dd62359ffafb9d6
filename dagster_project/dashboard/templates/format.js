"use strict";
// How numbers, days and sentences read: for the company's currency and locale, in one place.

const page = JSON.parse(document.getElementById("data").textContent);
const NONE = "–";
const fonts = new Map();

function formatter(kind, options) {
  const key = kind + JSON.stringify(options);
  if (!fonts.has(key)) {
    const made = kind === "day" ? Intl.DateTimeFormat : Intl.NumberFormat;
    fonts.set(key, new made(page.locale, options));
  }
  return fonts.get(key);
}

function numeral(value, options) {
  return formatter("number", options).format(Object.is(value, -0) ? 0 : value);
}

function money(value, how) {
  const options = { style: "currency", currency: page.currency };
  if (how === "full") return numeral(value, options);
  if (how === "axis" || (how === "short" && Math.abs(value) >= 1e6)) {
    const digits = how === "axis" ? { maximumFractionDigits: 1 } : { maximumSignificantDigits: 4 };
    return numeral(value, { ...options, notation: "compact", ...digits });
  }
  if (Math.abs(value) < 100) return numeral(value, options);
  return numeral(value, { ...options, maximumFractionDigits: 0, minimumFractionDigits: 0 });
}

function measured(value, unit, digits) {
  const options = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: digits };
  return numeral(value, options);
}

// `how`: short in tiles and sentences, full in tables, axis along a chart.
function figure(value, unit, how = "short") {
  if (value === null || value === undefined) return NONE;
  const digits = how === "full" ? 2 : how === "axis" ? 1 : 1;
  switch (unit) {
    case "money": return money(value, how);
    case "money per day of cycle": return money(value, how) + (how === "axis" ? "" : " per cycle day");
    case "money per month": return money(value, how) + (how === "axis" ? "" : " per month");
    case "ratio": return numeral(value, {
      style: "percent", maximumFractionDigits: how === "full" ? 2 : how === "axis" ? 0 : 1,
    });
    case "days": return how === "axis" ? numeral(value, { maximumFractionDigits: 1 }) : measured(value, "day", digits);
    case "hours": return how === "axis" ? numeral(value, { maximumFractionDigits: 1 }) : measured(value, "hour", digits);
    case "months": return how === "axis" ? numeral(value, { maximumFractionDigits: 1 }) : measured(value, "month", digits);
    default: return numeral(value, how === "axis" ? { notation: "compact", maximumFractionDigits: 1 } : { maximumFractionDigits: 2 });
  }
}

// The unit of a column of bare numbers.
function inUnit(unit) {
  return unit === "ratio" ? "share of 1" : unit.replace(/^money/, page.currency);
}

function count(value) {
  return value === null || value === undefined ? NONE : numeral(value, { maximumFractionDigits: 0 });
}

function utc(iso) {
  return new Date(/T/.test(iso) ? iso.replace(/(Z|[+-]\d\d:?\d\d)?$/, "Z") : iso + "T00:00:00Z");
}

function day(iso, options = { dateStyle: "medium" }) {
  if (iso === null || iso === undefined) return NONE;
  return formatter("day", { timeZone: "UTC", ...options }).format(utc(iso));
}

// A period by its first day: a month by its name, longer ones as `make explain` writes them.
function period(grain, iso, label, how) {
  return grain === "week" && label ? label.replace("-", " ") : fiscal(grain, iso, how);
}

// What a table or sentence of a special board shows, by its format.
function shown(value, format, by, how = "full") {
  if (value === null || value === undefined) return NONE;
  switch (format) {
    case "money": return figure(value, "money", how);
    case "ratio": case "days": case "hours": case "months": return figure(value, format, how);
    case "count": return count(value);
    case "number": return numeral(value, { maximumFractionDigits: 2 });
    case "unit": return figure(value, by, how);
    case "date": return day(value);
    case "day": return day(value, { dateStyle: "medium", timeZone: page.timezone });
    case "moment": return day(value, { dateStyle: "medium", timeStyle: "short" });
    case "period": return fiscal(by, value);
    case "yes_no": return value ? "yes" : "no";
    default: return String(value);
  }
}

// Quarters and years of the company's own fiscal year; where that is not the calendar's, nobody
// knows from its name which months it has: they are said, unless there is no room (`axis`).
function fiscal(grain, iso, how = "full") {
  if (!grain || grain === "month") return day(iso, { month: "short", year: "numeric" });
  const start = utc(iso);
  const months = start.getUTCFullYear() * 12 + start.getUTCMonth();
  const since = (((months - (page.fiscal_start - 1)) % 12) + 12) % 12;
  const year = Math.floor((months - since + 11) / 12);
  if (grain !== "year" && grain !== "quarter") return day(iso);
  const isCalendar = page.fiscal_start === 1;
  const name = `${isCalendar ? "" : "FY"}${year}${grain === "quarter" ? ` Q${Math.floor(since / 3) + 1}` : ""}`;
  if (isCalendar || how === "axis") return name;
  const last = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + (grain === "year" ? 11 : 2), 1));
  return `${name} (${formatter("day", { month: "short", year: "numeric", timeZone: "UTC" }).formatRange(start, last)})`;
}

function isNumber(format) {
  return ["money", "ratio", "count", "number", "days", "hours", "months", "unit"].includes(format);
}

// RFC 4180; what a spreadsheet would take for a formula is told to be text.
function csv(rows) {
  const cell = (value) => {
    if (value === null || value === undefined) return "";
    let text = String(value);
    if (typeof value !== "number" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}

// The locale of d3 formats within a special board's chart.
function d3Locale() {
  const parts = (value, options) => formatter("number", options).formatToParts(value);
  const part = (found, type, otherwise) => (found.find((one) => one.type === type) || { value: otherwise }).value;
  const plain = parts(1234567.5, {});
  const priced = parts(1, { style: "currency", currency: page.currency });
  const at = priced.findIndex((one) => one.type === "integer");
  const joined = (some) => some.filter((one) => !["integer", "decimal", "fraction"].includes(one.type)).map((one) => one.value).join("");
  return {
    decimal: part(plain, "decimal", "."), thousands: part(plain, "group", ","), grouping: [3],
    currency: [joined(priced.slice(0, at)), joined(priced.slice(at))],
    minus: "−",
  };
}

// Its names of months and days.
function d3TimeLocale() {
  const named = (count, first, options) => Array.from({ length: count }, (_, i) => (
    formatter("day", { ...options, timeZone: "UTC" }).format(new Date(Date.UTC(2023, first.month(i), first.day(i))))
  ));
  const ofMonths = { month: (i) => i, day: () => 1 };
  const ofDays = { month: () => 0, day: (i) => 1 + i };
  return {
    dateTime: "%x %X", date: "%Y-%m-%d", time: "%H:%M:%S", periods: ["AM", "PM"],
    days: named(7, ofDays, { weekday: "long" }), shortDays: named(7, ofDays, { weekday: "short" }),
    months: named(12, ofMonths, { month: "long" }), shortMonths: named(12, ofMonths, { month: "short" }),
  };
}
