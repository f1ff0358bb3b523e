// The address book: imports files that are chosen or dropped, and shows what became of them.
import { Refused, send } from "./api.js";
import { mark } from "./deletion.js";
import { refresh } from "./live.js";
import { busy, say } from "./messages.js";

const IMPORT = "/scheduler/contacts/import";
const MIB = 2 ** 20;
const SHOWN = 100;
const drop = document.getElementById("drop");
const file = document.getElementById("file");
const sending = document.getElementById("sending");
const bar = sending.querySelector("progress");
const sent = document.getElementById("sent");
const report = document.getElementById("report");
const percent = new Intl.NumberFormat(undefined, { style: "percent" });

let current;

// Sends a file, telling how much of it is sent. fetch cannot tell that.
function upload(one) {
  return new Promise((resolve, reject) => {
    current = new XMLHttpRequest();
    current.open("POST", IMPORT);
    current.setRequestHeader("Accept", "application/json");
    current.setRequestHeader("Content-Type", "application/octet-stream");
    current.responseType = "json";
    current.upload.addEventListener("progress", ({ loaded, total }) => tell(`${one.name}: ${percent.format(loaded / total)} is sent`, loaded / total));
    current.upload.addEventListener("load", () => tell(`${one.name} is sent, and is read now`));
    current.addEventListener("load", () => answered(current, resolve, reject));
    current.addEventListener("error", () => reject(new Refused(0, "The service cannot be reached, or has broken the upload off; nothing is imported.")));
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
  drop.setAttribute("aria-busy", "true");
  sending.hidden = false;
  report.replaceChildren();
  for (const one of files) {
    tell(one.name, 0);
    try {
      checkSize(one);
      show(one.name, await upload(one));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      paragraph(`${one.name}: ${error.message}`, "notice bad");
    }
  }
  sending.hidden = true;
  drop.removeAttribute("aria-busy");
  report.hidden = false;
  report.focus();
  await refresh().catch((error) => say(error.message, { bad: true }));
}

function checkSize({ size }) {
  if (size === 0) throw new Refused(0, "The file is empty.");
  if (size > drop.dataset.limitMb * MIB) {
    throw new Refused(0, `The file is larger than ${drop.dataset.limitMb} MiB, which the setting IMPORT_LIMIT_MB allows.`);
  }
}

function show(name, { created, updated, unchanged, skipped, skipped_total: total }) {
  paragraph(`${name}: ${created} created, ${updated} updated, ${unchanged} unchanged${total ? `, ${total} skipped` : ""}.`, "notice");
  if (!total) return;
  const place = document.createElement("div");
  place.className = "skips";
  place.tabIndex = 0;
  place.setAttribute("role", "region");
  place.setAttribute("aria-label", `Skipped in ${name}`);
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const words of ["No.", "Why it was skipped"]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = words;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const { position, reason } of skipped.slice(0, SHOWN)) {
    const row = body.insertRow();
    row.insertCell().textContent = position;
    row.insertCell().textContent = reason;
  }
  place.append(table);
  report.append(place);
  if (total > SHOWN) paragraph(`These are the first ${Math.min(SHOWN, skipped.length)} of ${total}.`, "quiet small");
}

function paragraph(text, style) {
  const made = document.createElement("p");
  made.className = style;
  made.textContent = text;
  report.append(made);
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
