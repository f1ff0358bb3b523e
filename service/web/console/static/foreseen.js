// Shows what a change would do before it is made: the answer of a dry run, in words, in the page's section “foreseen”.
import { inZone } from "./times.js";

const LISTED = 50;
const FIRST = 5;
const section = document.getElementById("foreseen");
const told = document.getElementById("foreseen-told");

// answer: {changes, jobs, file}, as the API answers a dry run.
export function showForeseen({ changes, jobs, file }) {
  const calendars = changes.filter(({ kind }) => kind === "calendar");
  const others = changes.filter(({ kind }) => kind !== "calendar");
  told.replaceChildren(
    ...(file ? [paragraph(`The file: ${count(file.added, "range")} to add, ${file.unchanged} unchanged, ${file.skipped_total} left out.`)] : []),
    ...calendars.flatMap(({ closed_days: days }) => [...sideOfDays("Closed", days.gained, days), ...sideOfDays("Open again", days.lost, days)]),
    ...(jobs ? [paragraph(summary(others, jobs))] : []),
    ...(jobs ? listed(others) : others.flatMap(({ occurrences }) => ofOne(occurrences))),
    ...(changes.length ? [] : [paragraph("Nothing would change.")]),
  );
  section.hidden = false;
  section.focus();
}

// What is shown holds only for what the form had then.
export function forgetForeseen() {
  if (section) section.hidden = true;
}

function sideOfDays(word, { count: total, first }, { until }) {
  if (!total) return [];
  return [paragraph(`${word}: ${count(total, "day")} until ${until}.`), list(first.map(({ date, why }) => `${date} ${why}`), total)];
}

function summary(others, { total, looked_at: lookedAt }) {
  if (!total) return "No job uses this calendar.";
  const used = total === 1 ? "1 job uses this calendar" : `${total} jobs use this calendar`;
  const seen = lookedAt && lookedAt < total ? `; ${lookedAt} of them were looked at` : "";
  const sum = (side) => others.reduce((all, { occurrences }) => all + occurrences[side].count, 0);
  if (!others.length) return `${used}${seen}. None gains or loses an occurrence${lookedAt ? "" : ": the same days are closed"}.`;
  return `${used}${seen}. ${others.length} would run at other times: ${count(sum("gained"), "occurrence")} gained, ${sum("lost")} lost until ${at(others[0].occurrences.until)}.`;
}

function listed(others) {
  const table = document.createElement("ul");
  table.className = "plain";
  for (const { name, occurrences } of others.slice(0, LISTED)) {
    const item = document.createElement("li");
    const title = document.createElement("b");
    title.textContent = name;
    item.append(title, ...ofOne(occurrences));
    table.append(item);
  }
  const more = others.length - LISTED;
  return [...(others.length ? [table] : []), ...(more > 0 ? [paragraph(`… and ${more} more jobs.`)] : [])];
}

function ofOne(occurrences) {
  const sides = [["Gained", occurrences.gained], ["Lost", occurrences.lost]].filter(([, { count: total }]) => total);
  const parts = sides.flatMap(([word, { count: total, first }]) => [
    paragraph(`${word}: ${count(total, "occurrence")}.`), list(first.map(({ local }) => inZone(local)), total),
  ]);
  if (!sides.length) parts.push(paragraph(`No occurrence is gained or lost until ${at(occurrences.until)}.`));
  if (!occurrences.complete) parts.push(paragraph(`There are more: counting stopped at ${at(occurrences.until)}.`));
  return parts;
}

function list(texts, total) {
  const items = texts.slice(0, FIRST);
  const made = document.createElement("ul");
  made.append(...[...items, ...(total > items.length ? [`and ${total - items.length} more`] : [])].map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  return made;
}

function paragraph(text) {
  return Object.assign(document.createElement("p"), { textContent: text });
}

const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
const at = (timestamp) => `${timestamp.replace("T", " ")} UTC`;
