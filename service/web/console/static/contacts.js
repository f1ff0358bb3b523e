// The address book: imports files that somebody chooses or drops, and shows a report of each.
import { Refused } from "./api.js";
import { mark } from "./deletion.js";
import { importExample } from "./example.js";
import { paragraph, reportOf } from "./import-report.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";
import { signInAgain } from "./session.js";

const MIB = 2 ** 20;
const drop = document.getElementById("drop");
const file = document.getElementById("file");
const folded = document.getElementById("import"); // opens for a file that somebody drags over the page
const sending = document.getElementById("sending");
const bar = sending.querySelector("progress");
const sent = document.getElementById("sent");
const report = document.getElementById("report");
const percent = new Intl.NumberFormat(undefined, { style: "percent" });

let current;

// Uploads a file; if the session has ended, it asks for the key in place, and then uploads the file once more.
async function upload(one, options) {
  try {
    return await attempt(one, options);
  } catch (error) {
    if (error.status !== 401 || !(await signInAgain())) throw error;
    return attempt(one, options);
  }
}

// Uploads a file and shows the progress, which fetch does not provide. options: how to read the file.
function attempt(one, options) {
  const said = new URLSearchParams(Object.entries(options).filter(([, value]) => value));
  return new Promise((resolve, reject) => {
    const [method, path] = drop.dataset.request.split(" ");
    current = new XMLHttpRequest();
    current.open(method, said.size ? `${path}?${said}` : path);
    current.setRequestHeader("Accept", "application/json");
    current.setRequestHeader("Content-Type", "application/octet-stream");
    current.responseType = "json";
    current.upload.addEventListener("progress", ({ loaded, total }) => tell(`${one.name}: ${percent.format(loaded / total)} uploaded`, loaded / total));
    current.upload.addEventListener("load", () => tell(`${one.name}: uploaded, importing`));
    current.addEventListener("load", () => answered(current, resolve, reject));
    current.addEventListener("error", () => reject(new Refused(0, "Nothing was imported. Either there is no connection to the service, or the service ended the upload, or the file has changed since you chose it.")));
    current.addEventListener("abort", () => reject(new Refused(0, "Upload stopped. Nothing was imported.")));
    current.send(one);
  });
}

function answered({ status, response }, resolve, reject) {
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

// Imports a file once more. The new report replaces the old one; a refusal appears above it.
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

// Does the work and focuses its report, then refreshes the list: by then the person may have moved on.
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

// Imports a file. Resolves with its report or with the reason of the refusal.
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
    throw new Refused(0, `The file is larger than ${drop.dataset.limitMb} MiB, the limit in the setting IMPORT_LIMIT_MB.`);
  }
}

file.addEventListener("change", async () => {
  const chosen = [...file.files];
  file.value = ""; // so that choosing the same file again is a change
  await importAll(chosen);
});
document.getElementById("stop").addEventListener("click", () => current?.abort());

// A file dropped outside the drop area must not replace the page.
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  if (folded) folded.open = true;
  const isInside = drop.contains(event.target);
  event.dataTransfer.dropEffect = isInside ? "copy" : "none";
  drop.classList.toggle("over", isInside);
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
    const { created } = await importExample(button, button.dataset.example);
    say(`${created} invented people added to the address book`);
    await refresh();
  });
});
document.addEventListener("renewed", mark);
