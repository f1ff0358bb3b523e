// One action for many jobs: a rehearsal tells what would happen to how many; then it is done for these jobs, and no others.
import { Refused, sendFrom } from "./api.js";
import { refresh } from "./live.js";
import { busy } from "./messages.js";
import { sendOnce } from "./once.js";
import { toInstant } from "./times.js";

const many = document.getElementById("many");
const form = document.getElementById("batch");
const told = document.getElementById("batch-told");
const words = document.getElementById("batch-words");
const refusals = document.getElementById("batch-results");
const done = document.getElementById("batch-done"); // folded: what became of the others
const go = document.getElementById("carry-out");
const MOST = 1000; // jobs of one request
const DOING = {
  enable: ["Enable", "enabled"], disable: ["Disable", "disabled"], run: ["Run", "queued"], again: ["Run again", "queued again"],
  label: ["Label", "labelled"], delete: ["Delete", "deleted"],
};
const ticked = new Set();
let last; // the box that was clicked last
let planned; // {asked, ids, others}: what the rehearsal has found, and the results of those that are left alone

const action = () => document.getElementById("action").value;
const labels = () => document.getElementById("labels").value.split(/\s+/).filter(Boolean);
const jobs = (count) => `${count} ${count === 1 ? "job" : "jobs"}`;
const runs = (count) => `${count} ${count === 1 ? "run" : "runs"}`;
const inRuns = (results) => runs(results.reduce((sum, { again_of = [] }) => sum + again_of.length, 0));

function request() {
  const asked = { action: action() };
  if (asked.action === "label") {
    const pairs = labels().map((text) => text.split(":"));
    asked.labels = Object.fromEntries(pairs.map(([name, ...rest]) => [name, rest.join(":") || null]));
  }
  if (asked.action === "again") {
    const { value } = document.getElementById("since");
    asked.since = value && toInstant(value);
  }
  return asked;
}

// Says what somebody has yet to write for the action; nothing if it is all there.
function lacking() {
  if (action() === "again" && !document.getElementById("since").value) return "Enter a time in “Failed since” first.";
  if (action() !== "label") return "";
  const odd = labels().find((text) => !text.includes(":"));
  if (odd) return `“${odd}” is no label: write “${odd}:value” to set it, or “${odd}:” to take it away.`;
  return labels().length ? "" : "Enter labels first, such as team:crm.";
}

async function* answers(asked) {
  for (let cursor = undefined; cursor !== null;) {
    const body = { ...asked, ...(cursor && { cursor }) };
    const answer = asked.dry_run ? await sendFrom(form, body) : (await sendOnce(form, body, { what: "It" })).answer;
    yield* answer.results;
    cursor = answer.next_cursor;
  }
}

async function collected(requests) {
  const found = [];
  for (const one of requests) for await (const result of answers(one)) found.push(result);
  return found;
}

function inParts(ids) {
  return Array.from({ length: Math.ceil(ids.length / MOST) }, (_, part) => ids.slice(part * MOST, (part + 1) * MOST));
}

async function rehearse() {
  const asked = request();
  const byFilter = form.querySelector("[name=which]:checked").value === "filter";
  const which = byFilter ? [{ filter: JSON.parse(form.dataset.filter) }] : inParts([...ticked]).map((ids) => ({ ids }));
  if (!which.length) return show("Tick the jobs in the list first.", []);
  const missing = lacking();
  if (missing) return show(missing, []);
  const results = await collected(which.map((one) => ({ ...asked, ...one, dry_run: true })));
  planned = {
    asked, ids: results.filter((one) => one.outcome === "done").map((one) => one.id), others: results.filter((one) => one.outcome !== "done"),
  };
  show(counts(results, "would be"), results.filter((one) => one.outcome === "refused"));
  go.textContent = `${DOING[asked.action][0]} ${jobs(planned.ids.length)}`;
  go.classList.toggle("danger", asked.action === "delete");
  go.hidden = !planned.ids.length;
}

async function carryOut() {
  // What is answered is not asked for again if a later part fails.
  planned.results ??= [];
  for (; planned.ids.length; planned.ids = planned.ids.slice(MOST)) {
    planned.results.push(...(await collected([{ ...planned.asked, ids: planned.ids.slice(0, MOST) }])));
  }
  const results = [...planned.others, ...planned.results];
  planned = undefined;
  show(counts(results, results.filter((one) => one.outcome === "done").length === 1 ? "is" : "are"), results);
  ticked.clear();
  await refresh().catch(() => {});
  tick();
}

function counts(results, verb) {
  const count = (word) => results.filter((one) => one.outcome === word).length;
  const [done, unchanged, refused] = ["done", "unchanged", "refused"].map(count);
  const more = [action() === "again" && done && inRuns(results), unchanged && `${unchanged} unchanged`, refused && `${refused} refused`].filter(Boolean);
  return `${jobs(done)} ${verb} ${DOING[action()][1]}${more.length ? ` (${more.join(", ")})` : ""}.`;
}

function show(text, results) {
  words.textContent = text;
  const refused = results.filter((one) => one.outcome === "refused");
  fill(refusals, refused);
  const others = ["unchanged", "done"].flatMap((outcome) => results.filter((one) => one.outcome === outcome));
  fill(done.querySelector("table"), others);
  done.hidden = !others.length;
  done.open = false;
  done.querySelector("summary").textContent = `Show ${refused.length ? "the other " : ""}${jobs(others.length)}`;
  go.hidden = true;
  told.hidden = false;
  told.focus({ preventScroll: true }); // the page must not move; the panel scrolls by itself
  many.scrollTop = many.scrollHeight;
}

function fill(table, results) {
  table.hidden = !results.length;
  table.tBodies[0].replaceChildren(...results.map(row));
}

function row({ id, name, outcome, detail, again_of = [], run_ids = again_of }) {
  const made = document.createElement("tr");
  const job = document.createElement("td");
  if (name === null || (outcome === "done" && action() === "delete")) job.textContent = name ?? id;
  else job.append(Object.assign(document.createElement("a"), { href: `/jobs/${id}`, textContent: name }));
  const said = run_ids.length ? runs(run_ids.length) : "";
  made.append(job, ...[outcome, detail ?? said].map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return made;
}

// The list is renewed now and then; what is ticked stays so.
function tick() {
  for (const box of document.querySelectorAll("[data-tick]")) box.checked = ticked.has(box.dataset.tick);
  const all = document.getElementById("tick-all");
  const boxes = [...document.querySelectorAll("[data-tick]")];
  if (all) all.checked = boxes.length > 0 && boxes.every((box) => box.checked);
  document.getElementById("ticked").textContent = ticked.size;
  document.getElementById("many-ticked").textContent = ticked.size ? `: ${ticked.size} ticked` : "";
}

function forget() {
  planned = undefined;
  told.hidden = true;
}

const attempt = (button, act) => busy(button, async () => {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (planned) words.textContent = error.message; // the button goes on with the rest
    else show(error.message, []);
  }
});

export function listenToBatches() {
  if (!form) return;
  // With Shift, all lines between two boxes become as the second one.
  document.addEventListener("click", ({ target, shiftKey }) => {
    if (!target.dataset?.tick) return;
    const boxes = [...document.querySelectorAll("[data-tick]")];
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(target)].sort((one, other) => one - other);
    if (shiftKey && from >= 0) for (const box of boxes.slice(from, to + 1)) (target.checked ? ticked.add(box.dataset.tick) : ticked.delete(box.dataset.tick));
    last = target;
  });
  document.addEventListener("change", ({ target }) => {
    if (target.id === "tick-all") for (const box of document.querySelectorAll("[data-tick]")) (target.checked ? ticked.add(box.dataset.tick) : ticked.delete(box.dataset.tick));
    else if (target.dataset.tick) (target.checked ? ticked.add(target.dataset.tick) : ticked.delete(target.dataset.tick));
    else return;
    forget();
    tick();
  });
  form.addEventListener("input", () => {
    forget();
    for (const field of form.querySelectorAll("[data-action-of]")) field.hidden = field.dataset.actionOf !== action();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter === go) attempt(go, carryOut);
    else attempt(document.getElementById("rehearse"), rehearse);
  });
  document.addEventListener("renewed", tick);
  tick();
}
