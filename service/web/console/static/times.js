// Shows instants, <time datetime="2025-01-15T08:00:00Z">, as people ask for them: how long ago, or in how long. The whole
// time, in one format, is shown when somebody points at it, and copied with a text.

const SECOND_MS = 1000, MINUTE_MS = 60_000, HOUR_MS = 3_600_000, DAY_MS = 86_400_000;
const WITH_MINUTES_MS = 10 * HOUR_MS; // up to then, hours have minutes
const IN_HOURS_MS = 2 * DAY_MS;
const RELATIVE_MS = 14 * DAY_MS; // beyond, a date says more

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const weekday = new Intl.DateTimeFormat("en", { weekday: "short", timeZone: "UTC" });

// Formats an instant in the reader's time zone: "Mon 2026-11-23 08:00:00".
export const inFull = (instant) => onClocks(instant.toISOString().slice(0, 19), zone);

// Formats 2025-03-30T03:00:00+02:00 as a clock in that zone shows it.
export function inZone(text) {
  const [, day, clock, offset] = /^(.{10})T(.{8})(.*)$/.exec(text);
  return `${weekday.format(new Date(`${day}T00:00:00Z`))} ${day} ${clock} ${offset}`;
}

// Says how far an instant is from now: "in 8 h", "3 min ago"; beyond two weeks its date.
export function relative(instant, now = Date.now()) {
  const away = Math.abs(instant - now);
  if (away >= RELATIVE_MS) return toLocal(instant.toISOString().slice(0, 19)).slice(0, 16).replace("T", " ");
  const words = span(away);
  if (!words) return "now";
  return instant > now ? `in ${words}` : `${words} ago`;
}

function span(ms) {
  if (ms < 5 * SECOND_MS) return "";
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
  if (ms < WITH_MINUTES_MS && minutes) return `${Math.floor(ms / HOUR_MS)} h ${minutes} min`;
  if (ms < IN_HOURS_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

const clocks = new Map();

// Returns by how many milliseconds the clocks of a zone are ahead of UTC at an instant.
function ahead(instant, its) {
  if (!clocks.has(its)) clocks.set(its, new Intl.DateTimeFormat("en", {
    timeZone: its, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  }));
  const part = Object.fromEntries(clocks.get(its).formatToParts(instant).map(({ type, value }) => [type, value]));
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
  const early = clock - ahead(clock - DAY_MS, its);
  const at = ahead(early, its) === clock - early ? early : clock - ahead(early, its);
  return new Date(at).toISOString().slice(0, 19);
}

// Shows an instant as the API has it on the clocks of a zone: "Fri 2026-11-27 08:00:00".
export function onClocks(instant, its) {
  const clock = toLocal(instant, its);
  return `${weekday.format(new Date(`${clock}Z`))} ${clock.replace("T", " ")}`;
}

// Formats every <time> in `root`, and names the reader's time zone where data-own-zone asks for it. data-whole shows the whole time, data-clock its clock alone; within data-clocks, in the
// zone that it names, else in the reader's.
export function showTimes(root = document) {
  const now = Date.now();
  for (const element of root.querySelectorAll("time[datetime]")) {
    const instant = new Date(element.dateTime);
    if (Number.isNaN(instant.valueOf())) continue;
    const its = element.closest("[data-clocks]")?.dataset.clocks ?? zone;
    const whole = onClocks(instant.toISOString().slice(0, 19), its);
    const text = "whole" in element.dataset ? whole : "clock" in element.dataset ? whole.slice(15) : relative(instant, now);
    if (element.textContent !== text) element.textContent = text;
    const title = `${whole} (${its})`;
    if (element.title !== title) element.title = title;
  }
  for (const place of root.querySelectorAll("[data-own-zone]")) place.textContent = zone;
}

const wholeOf = (time) => time.title.replace(/ \(.*\)$/, "");

// Puts whole times into a text that somebody copies: "3 min ago" says nothing tomorrow. The browser copies what it finds
// after this event, so times that are selected as a whole show their whole text until then.
export function copyWholeTimes() {
  document.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (selection.isCollapsed) return;
    const ends = [selection.anchorNode, selection.focusNode];
    const inside = ends[0].parentElement?.closest("time[datetime]");
    if (inside && inside.contains(ends[1])) {
      event.clipboardData.setData("text/plain", wholeOf(inside));
      return event.preventDefault();
    }
    const times = [...document.querySelectorAll("time[datetime]")].filter((time) => selection.containsNode(time) && !ends.some((end) => time.contains(end)));
    for (const time of times) time.textContent = wholeOf(time);
    if (times.length) setTimeout(showTimes);
  });
}
