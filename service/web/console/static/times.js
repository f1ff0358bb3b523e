// Shows instants in the reader's own time zone and words: <time datetime="2025-01-15T08:00:00Z">.

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const today = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const other = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

const whole = new Intl.DateTimeFormat(undefined, {
  weekday: "short", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function near(instant, now = new Date()) {
  const seconds = (instant - now) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size || unit === "second") return relative.format(Math.round(seconds / size), unit);
  }
  return "";
}

// With its date and to the second: "Mon, 23/11/2026, 08:00:00".
export function inFull(instant) {
  return whole.format(instant);
}

export function local(instant, now = new Date()) {
  return (instant.toDateString() === now.toDateString() ? today : other).format(instant);
}

// Turns every <time> below `root` into the reader's own; `data-near` asks for "in 5 minutes", `data-whole` for the date also today.
export function showTimes(root = document) {
  const now = new Date();
  for (const element of root.querySelectorAll("time[datetime]")) {
    const instant = new Date(element.dateTime);
    if (Number.isNaN(instant.valueOf())) continue;
    const text = "near" in element.dataset ? near(instant, now) : "whole" in element.dataset ? inFull(instant) : local(instant, now);
    if (element.textContent !== text) element.textContent = text;
    element.title = full.format(instant);
  }
}
