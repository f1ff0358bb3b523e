// The address book: imports files that are chosen or dropped, and shows what became of them.
import { Refused, send } from "./api.js";
import { mark } from "./deletion.js";
import { paragraph, reportOf } from "./import-report.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";

const IMPORT = "/scheduler/contacts/import";
const MIB = 2 ** 20;
const drop = document.getElementById("drop");
const file = document.getElementById("file");
const sending = document.getElementById("sending");
const bar = sending.querySelector("progress");
const sent = document.getElementById("sent");
const report = document.getElementById("report");
const percent = new Intl.NumberFormat(undefined, { style: "percent" });

let current;

// Sends a file, telling how much of it is sent. fetch cannot tell that. options: how it is to be read.
function upload(one, options) {
  const said = new URLSearchParams(Object.entries(options).filter(([, value]) => value));
  return new Promise((resolve, reject) => {
    current = new XMLHttpRequest();
    current.open("POST", said.size ? `${IMPORT}?${said}` : IMPORT);
    current.setRequestHeader("Accept", "application/json");
    current.setRequestHeader("Content-Type", "application/octet-stream");
    current.responseType = "json";
    current.upload.addEventListener("progress", ({ loaded, total }) => tell(`${one.name}: ${percent.format(loaded / total)} is sent`, loaded / total));
    current.upload.addEventListener("load", () => tell(`${one.name} is sent, and is read now`));
    current.addEventListener("load", () => answered(current, resolve, reject));
    current.addEventListener("error", () => reject(new Refused(0, "The service cannot be reached or has broken the upload off, or the file was changed since it was chosen; nothing is imported.")));
    current.addEventListener("abort", () => reject(new Refused(0, "The upload is stopped.")));
    current.send(one);
  });
}

function answered({ status, response }, resolve, reject) {
  if (status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  if (status === 200) resolve(response);
  else reject(new Refused(status, response?.detail ?? `The service answered ${status}`, response?.errors));
}

function tell(text, part) {
  sent.textContent = text;
  if (part === undefined) bar.removeAttribute("value");
  else bar.value = 100 * part;
}

async function importAll(files) {
  if (drop.getAttribute("aria-busy") === "true" || !files.length) return;
  report.replaceChildren();
  await during(async () => {
    for (const one of files) report.append(await imported(one));
    return report;
  });
}

// Imports a file that was imported before. The new report takes the place of the old one; a refusal stands above it.
async function importAgain(one, options, place) {
  if (drop.getAttribute("aria-busy") === "true") return;
  await during(async () => {
    const now = await imported(one, options);
    now.tabIndex = -1;
    place.querySelector(":scope > .bad")?.remove();
    if (now.matches(".bad")) place.prepend(now);
    else place.replaceWith(now);
    return now;
  });
}

// Does the work, and goes to what it made before the list is read anew: a person may have gone on by then.
async function during(work) {
  drop.setAttribute("aria-busy", "true");
  sending.hidden = false;
  const made = await work();
  sending.hidden = true;
  drop.removeAttribute("aria-busy");
  report.hidden = false;
  made.focus();
  await refresh().catch((error) => say(error.message, { bad: true }));
}

// Resolves with what there is to be told of the file, be it good or bad.
async function imported(one, options = {}) {
  tell(one.name, 0);
  try {
    checkSize(one);
    const place = reportOf(one.name, await upload(one, options), (said) => importAgain(one, said, place));
    return place;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return paragraph(`${one.name}: ${error.message}`, "notice bad");
  }
}

function checkSize({ size }) {
  if (size === 0) throw new Refused(0, "The file is empty.");
  if (size > drop.dataset.limitMb * MIB) {
    throw new Refused(0, `The file is larger than ${drop.dataset.limitMb} MiB, which the setting IMPORT_LIMIT_MB allows.`);
  }
}

file.addEventListener("change", async () => {
  const chosen = [...file.files];
  file.value = ""; // so that the same file can be chosen again
  await importAll(chosen);
});
document.getElementById("stop").addEventListener("click", () => current?.abort());

// A file that misses the place must not take the page away.
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  const isThere = drop.contains(event.target);
  event.dataTransfer.dropEffect = isThere ? "copy" : "none";
  drop.classList.toggle("over", isThere);
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  drop.classList.remove("over");
  if (drop.contains(event.target)) importAll([...event.dataTransfer.files]);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-example]");
  if (!button) return;
  busy(button, async () => {
    const example = await fetch(button.dataset.example);
    if (!example.ok) throw new Refused(example.status, "The example is not there");
    const { created } = await send("POST", IMPORT, await example.blob(), { headers: { "Content-Type": "text/vcard" } });
    say(`${created} people who do not exist are in the address book`);
    await refresh();
  });
});
document.addEventListener("renewed", mark);
