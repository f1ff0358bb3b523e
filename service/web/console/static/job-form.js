// Form of a job: describes the schedule while somebody types, and shows errors next to their fields.
import { changeNote, Refused, sendFrom } from "./api.js";
import { keepDraft } from "./drafts.js";
import { forgetForeseen, showForeseen } from "./foreseen.js";
import { offerPresets, offerRows, sayDifferences, warnOfTakenName } from "./form-help.js";
import { inWords, read, showErrors, wholePath } from "./form.js";
import { busy, sayOnNextPage } from "./messages.js";
import { sendOnce } from "./once.js";
import { chooseSchedules, growList, startMembers } from "./schedule-form.js";
import { inFull, inZone, onClocks, zone } from "./times.js";

const PARTS = ["bot_config", "options", "schedule_config"];
const form = document.getElementById("job-form");
const preview = form.querySelector(".preview");
const summary = document.getElementById("summary");

// Hides the parts of other schedule types, other bots, and no calendar; hidden parts are not read either.
function choose() {
  chooseSchedules(form);
  document.getElementById("when-closed").hidden = !document.getElementById("calendar").value;
  const bot = document.getElementById("bot_type").value;
  for (const part of form.querySelectorAll("[data-bot]")) part.hidden = part.dataset.bot !== bot;
  for (const path of document.getElementById("bot_type").dataset.runOnly.split(" ")) {
    form.querySelector(`[data-path="${path}"]`).closest(".field").hidden = bot === "heartbeat";
  }
  offerRows(form);
  sayDifferences(form);
}

// The job of the form. A schedule that nobody has changed stays as it is stored, spelled as it is.
function readJob() {
  const { body, errors } = read(form, PARTS);
  if (scheduleIn(body) !== scheduleIn(untouched)) return { body, errors };
  return { body: { ...body, ...JSON.parse(form.dataset.schedule) }, errors };
}

const scheduleIn = ({ schedule_type: type, schedule_config: config }) => JSON.stringify([type, config]);

// Finds when the job is due. A stored job that is as it was counts from when it was planned, not from now.
async function occurrences({ schedule_type, schedule_config = {}, options = {} }, signal) {
  const now = read(form, PARTS).body;
  const same = scheduleIn(now) === scheduleIn(untouched) && JSON.stringify(now.options) === JSON.stringify(untouched.options);
  if (form.dataset.preview && same) return JSON.parse(form.dataset.preview);
  return sendFrom(preview, { schedule_type, schedule_config, options, count: 10 }, { signal, quietly: true });
}

// The preview: requested shortly after the last keystroke, which cancels the request before.
let asking = new AbortController();
let waiting;

function soon() {
  clearTimeout(waiting);
  preview.setAttribute("aria-busy", "true");
  waiting = setTimeout(look, 150);
}

async function look() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const { body, errors } = readJob();
  const wrong = errors.filter(isOfPreview);
  if (wrong.length) return refuse(wrong);
  try {
    const answer = await occurrences(body, signal);
    showErrors(form, [], isPathOfPreview);
    show(answer);
    preview.removeAttribute("aria-busy");
  } catch (error) {
    if (!signal.aborted) refuse(error.errors ?? [], error.message);
  }
}

function refuse(errors, message) {
  showErrors(form, errors, isPathOfPreview);
  document.getElementById("sentence").textContent = errors.length ? "This schedule is not valid yet." : message;
  rows([]);
  preview.removeAttribute("aria-busy");
}

const isPathOfPreview = (path) => path.startsWith("schedule") || path.startsWith("options");
const isOfPreview = (error) => isPathOfPreview(error.field);

function show({ description, local, details }) {
  const sentence = document.getElementById("sentence");
  if (sentence.textContent !== description) sentence.textContent = description;
  const zones = [...form.querySelectorAll('[data-path="schedule_config.timezone"]')];
  document.getElementById("zone-of-job").textContent = zones.find((input) => !input.closest("[hidden]"))?.value || "UTC";
  const isOwn = document.getElementById("zone-of-job").textContent === zone;
  const reader = document.getElementById("zone-of-reader");
  reader.textContent = `Your time zone (${zone})`;
  reader.hidden = isOwn;
  const notes = details.map(noteOn);
  const noted = notes.some(Boolean);
  document.getElementById("notes").hidden = !noted;
  rows(details.map(({ at, local }, index) => [inZone(local), ...(isOwn ? [] : [inFull(new Date(`${at}Z`))]), ...(noted ? [notes[index]] : [])]));
  if (!local.length) sentence.textContent = `${description} No more occurrences.`;
}

// Says what is special about an occurrence: which of several schedules are due, whether its day is closed, whence it moved.
function noteOn({ names = [], closed, moved_from: moved }) {
  return [closed && `closed: ${closed}`, moved && `moved from ${onClocks(moved, document.getElementById("zone-of-job").textContent)}`, ...names].filter(Boolean).join(", ");
}

function rows(cells) {
  const body = form.querySelector("#occurrences tbody");
  body.replaceChildren(...cells.map((texts) => {
    const row = document.createElement("tr");
    for (const text of texts) row.insertCell().textContent = text;
    return row;
  }));
}

// Saving

async function save(revision) {
  const { body, errors } = readJob();
  showBesidePreview(errors);
  if (errors.length) return summarize();
  forgetForeseen();
  const isStored = "revision" in form.dataset;
  try {
    const job = isStored ? await store(body, revision) : (await sendOnce(form, body, { what: "The job" })).answer;
    changed = false;
    draft.forget();
    sayOnNextPage(isStored ? `“${job.name}” saved` : `“${job.name}” created`);
    location.assign(`/jobs/${job.id}`);
  } catch (error) {
    explain(error);
  }
}

// Sends a change of the stored job. revision: the one that nobody may have changed meanwhile, if any.
function store(body, revision) {
  const headers = changeNote(document.getElementById("change-note").value);
  if (revision) headers["If-Match"] = `"${revision}"`;
  return sendFrom(form, body, { headers });
}

// Asks what saving would do.
async function foresee() {
  const { body, errors } = readJob();
  showBesidePreview(errors);
  if (errors.length) return summarize();
  try {
    showForeseen(await sendFrom(see, body, { headers: { "If-Match": `"${form.dataset.revision}"` } }));
  } catch (error) {
    explain(error);
  }
}

function explain(error) {
  if (!(error instanceof Refused)) throw error;
  if (error.status === 412) return showConflict();
  const homeless = showBesidePreview(error.errors);
  summarize(homeless.length ? homeless.map((one) => inWords(form, one)).join("; ") : error.errors.length ? "" : error.message);
}

// Shows errors beside those that the preview keeps up to date: the API names none of a schedule while others are wrong.
const showBesidePreview = (errors) => showErrors(form, errors, (path) => errors.some(isOfPreview) || !isPathOfPreview(path));

function summarize(text = "") {
  const count = form.querySelectorAll("[data-error]:not([hidden])").length;
  summary.textContent = text || (count === 1 ? "Not saved. One field has an error; see the reason next to it." : `Not saved. ${count} fields have errors; see the reasons next to them.`);
  summary.hidden = false;
  const first = form.querySelector("[aria-invalid=true]");
  const closed = first?.closest("details:not([open])");
  if (closed) closed.open = true;
  (first ?? summary).focus();
}

function showConflict() {
  summary.textContent = "Not saved. Somebody else has changed this job since you opened it. ";
  const reload = document.createElement("a");
  reload.href = location.href;
  reload.textContent = "Discard my changes";
  reload.addEventListener("click", draft.forget);
  const force = document.createElement("button");
  force.type = "button";
  force.textContent = "Overwrite their changes";
  force.addEventListener("click", () => busy(force, () => save(null)));
  const actions = document.createElement("p");
  actions.className = "actions";
  actions.append(reload, force);
  summary.append(actions);
  summary.hidden = false;
  summary.focus();
  changed = false;
}

let changed = false;
function change() {
  changed = true;
  draft.keep();
  summary.hidden = true;
  forgetForeseen();
  soon();
}
form.addEventListener("input", ({ target }) => {
  const input = target.closest("[data-path]");
  const path = input && wholePath(input, input.dataset.path);
  showErrors(form, [], (other) => other === path);
  choose();
  change();
});
startMembers(form, change);
offerPresets(form);
warnOfTakenName(form);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(document.getElementById("save"), () => save(form.dataset.revision));
});
const see = document.getElementById("foresee");
see?.addEventListener("click", () => busy(see, foresee));
document.addEventListener("signedin", soon);
addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

choose();
const untouched = read(form, PARTS).body;
const zoneField = document.getElementById("timezone");
if ("own" in zoneField.dataset && [...zoneField.list.options].some((option) => option.value === zone)) zoneField.value = zone;
const draft = keepDraft(form, { grow: (list) => growList(form, list), restored: () => { changed = true; choose(); } });
form.addEventListener("discarded", () => { changed = false; });
look();
