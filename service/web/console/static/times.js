// Shows instants, <time datetime="2025-01-15T08:00:00Z">, in the reader's time zone and language.

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const today = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const other = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const whole = new Intl.DateTimeFormat(undefined, {
  weekday: "short", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

// Formats an instant with its date and to the second: "Mon, 23/11/2026, 08:00:00".
export function inFull(instant) {
  return whole.format(instant);
}

const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short", timeZone: "UTC" });

// Formats 2025-03-30T03:00:00+02:00 as a clock in that zone shows it.
export function inZone(text) {
  const [, day, clock, offset] = /^(.{10})T(.{8})(.*)$/.exec(text);
  return `${weekday.format(new Date(`${day}T00:00:00Z`))} ${day} ${clock} ${offset}`;
}

function local(instant, now) {
  return (instant.toDateString() === now.toDateString() ? today : other).format(instant);
}

// Converts an instant as the API has it, "2026-11-27T07:00:00" in UTC, to the reader's time, as inputs have it.
export function toLocal(instant) {
  const at = new Date(`${instant}Z`);
  return new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

// Converts the reader's time in an input to an instant as the API has it.
export const toInstant = (text) => new Date(text).toISOString().slice(0, 19);

// Formats every <time> in `root`. data-whole shows the date even today.
export function showTimes(root = document) {
  const now = new Date();
  for (const element of root.querySelectorAll("time[datetime]")) {
    const instant = new Date(element.dateTime);
    if (Number.isNaN(instant.valueOf())) continue;
    const text = "whole" in element.dataset ? inFull(instant) : local(instant, now);
    if (element.textContent !== text) element.textContent = text;
    element.title = full.format(instant);
  }
}
