// Report of an imported file: counts, warnings with the people they concern, and a form to import the file again.
// Names, headings and reasons come from the file, and enter the page as text only.
import { sentence } from "./form.js";

const SHOWN = 100;
const GROUPS = 20;
const NAMES_OPTION = /date_order|charset/;
// A text with such a long word, for example an address, may break anywhere.
const LONG_WORD = /\S{25}/;

// again(options) imports the same file once more; options: {date_order, charset}, each "" to detect it.
export function reportOf(name, answer, again) {
  const place = made("section", { className: "report" });
  place.setAttribute("aria-label", `Import of ${name}`);
  const { created, updated, unchanged, skipped, skipped_total: total } = answer;
  place.append(
    paragraph(`${name}: ${created} new, ${updated} updated, ${unchanged} unchanged${total ? `, ${total} skipped` : ""}.`, "notice"),
    paragraph(`With a birthday: ${answer.with_birthday}. With an e-mail address or a phone number: ${answer.with_address}.`),
    ...columns(answer.ignored_columns),
    ...warnings(answer.warnings, answer.warnings_total),
    ...skips(name, skipped, total),
  );
  if (place.querySelector("table")) place.append(paragraph("Entries are numbered from 1; headings and blank lines do not count.", "quiet small"));
  if (total || answer.warnings_total || answer.ignored_columns.length) place.append(doAgain(answer, again));
  return place;
}

export function paragraph(text, style = "") {
  return made("p", { textContent: text, className: style });
}

function columns(headings) {
  if (!headings.length) return [];
  const list = made("ul", { className: "headings" });
  list.append(...headings.slice(0, SHOWN).map((heading) => made("li", { textContent: heading })));
  const parts = [paragraph("Ignored columns:"), list];
  return headings.length > SHOWN ? [...parts, bounded(SHOWN, headings.length)] : parts;
}

// Warnings about the whole file, then people, grouped by the loss or guess.
function warnings(told, total) {
  const groups = new Map();
  for (const warning of told.filter(({ position }) => position !== null)) {
    const kind = warning.reason.replace(/“[^”]*”/g, "“…”");
    groups.set(kind, [...(groups.get(kind) ?? []), warning]);
  }
  const parts = told.filter(({ position }) => position === null).slice(0, GROUPS).map(({ reason }) => paragraph(sentence(reason), "notice"));
  for (const [kind, some] of [...groups].slice(0, GROUPS)) parts.push(group(kind, some));
  const shown = parts.length && [...groups.values()].slice(0, GROUPS).reduce((sum, some) => sum + Math.min(some.length, SHOWN), 0);
  const people = total - told.filter(({ position }) => position === null).length;
  return shown < people ? [...parts, bounded(shown, people)] : parts;
}

function group(kind, some) {
  const place = made("details", { open: some.length <= 5 });
  const rows = some.slice(0, SHOWN).map(({ position, name, reason }) => [position, name, reason]);
  place.append(made("summary", { textContent: `${kind} (${some.length})` }), table(kind, ["Entry", "Name", "Lost or guessed"], rows));
  return place;
}

function skips(name, skipped, total) {
  if (!total) return [];
  const rows = skipped.slice(0, SHOWN).map(({ position, reason }) => [position, reason]);
  const parts = [table(`Skipped in ${name}`, ["Entry", "Reason"], rows)];
  return total > rows.length ? [...parts, bounded(rows.length, total)] : parts;
}

function table(label, headings, rows) {
  const place = made("div", { className: "skips", tabIndex: 0 });
  place.setAttribute("role", "region");
  place.setAttribute("aria-label", label);
  const grid = made("table");
  const head = grid.createTHead().insertRow();
  for (const text of headings) head.append(made("th", { scope: "col", textContent: text }));
  const body = grid.createTBody();
  for (const cells of rows) {
    const row = body.insertRow();
    for (const cell of cells) Object.assign(row.insertCell(), { textContent: cell, className: LONG_WORD.test(cell) ? "unbroken" : "" });
  }
  place.append(grid);
  return place;
}

function doAgain({ warnings: told }, again) {
  const place = document.getElementById("again").content.firstElementChild.cloneNode(true);
  place.open = told.some(({ reason }) => NAMES_OPTION.test(reason));
  place.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    again(Object.fromEntries(new FormData(event.target)));
  });
  return place;
}


function bounded(shown, total) {
  return paragraph(`Only the first ${shown} of ${total} are shown.`, "quiet small");
}

function made(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}
