// Erases a person, and shows where they were found. Then nothing on the page names them any more.
import { sendFrom } from "./api.js";
import { confirmed } from "./confirmation.js";
import { busy } from "./messages.js";

const outcome = document.getElementById("erased");
const button = document.getElementById("erase");

async function erase() {
  if (!(await confirmed(`Erase “${button.dataset.name}” from contacts, results, logs, alerts and the audit log?`))) return;
  show(await sendFrom(button));
}

function show({ erased_as: id, found, left, under_way: runs }) {
  document.getElementById("person").remove();
  document.getElementById("question").textContent = "";
  document.getElementById("delete")?.remove();
  document.querySelector("h1").textContent = "Erased person";
  document.title = document.title.replace(/^.*( · )/, "Erased person$1");
  for (const name of outcome.querySelectorAll("[data-place]")) {
    const count = found[name.dataset.place];
    name.nextElementSibling.textContent = count?.toLocaleString() ?? "";
    name.hidden = name.nextElementSibling.hidden = !count;
  }
  list("left", left, (key) => [key, /^job:([0-9a-f-]{36})$/.exec(key)?.[1]]);
  list("under-way", runs, (run) => [`${run.bot_type}: ${run.run_id}`, `${run.job_id}/runs/${run.run_id}`]);
  document.getElementById("erased-as").textContent = id;
  outcome.hidden = false;
  outcome.focus();
}

// Lists texts, as links to pages of jobs where the reader may open them. `read`: makes a text and the end of an address.
function list(id, rows, read) {
  const place = document.getElementById(id);
  place.hidden = !rows.length;
  place.querySelector("ul").replaceChildren(...rows.map((row) => {
    const item = document.createElement("li");
    const [text, path] = read(row);
    if (path && "links" in outcome.dataset) item.append(Object.assign(document.createElement("a"), { href: `/jobs/${path}`, textContent: text }));
    else item.textContent = text;
    return item;
  }));
}

button.addEventListener("click", () => busy(button, erase));
