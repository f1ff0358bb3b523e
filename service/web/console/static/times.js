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

// Returns by how many milliseconds the clocks of a zone are ahead of UTC at an instant.
function ahead(instant, its) {
  const clock = new Intl.DateTimeFormat("en", {
    timeZone: its, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  const part = Object.fromEntries(clock.formatToParts(instant).map(({ type, value }) => [type, value]));
  return Date.parse(`${part.year.padStart(4, "0")}-${part.month}-${part.day}T${part.hour}:${part.minute}:${part.second}Z`) - instant;
}

// Converts an instant as the API has it, "2026-11-27T07:00:00" in UTC, to the time on the clocks of a zone, the reader's
// if none is given, as inputs have it.
export function toLocal(instant, its = zone) {
  const at = Date.parse(`${instant}Z`);
  return new Date(at + ahead(at, its)).toISOString().slice(0, 19);
}

// Converts a time on the clocks of a zone back to an instant. Of a time that comes twice it is the first.
export function toInstant(text, its = zone) {
  const clock = Date.parse(`${text}Z`);
  const early = clock - ahead(clock - 86_400_000, its);
  const at = ahead(early, its) === clock - early ? early : clock - ahead(early, its);
  return new Date(at).toISOString().slice(0, 19);
}

// Shows an instant as the API has it on the clocks of a zone: "Fri 2026-11-27 08:00:00".
export function onClocks(instant, its) {
  const clock = toLocal(instant, its);
  return `${weekday.format(new Date(`${clock}Z`))} ${clock.replace("T", " ")}`;
}

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
