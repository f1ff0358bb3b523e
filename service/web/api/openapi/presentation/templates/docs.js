// Searches the page, and fills the reader's address and key into its commands. It asks nothing of any server.
"use strict";
const KEY = "bot-scheduler-docs-key";
const tools = document.querySelector(".tools");
const [search, key] = [document.getElementById("search"), document.getElementById("key")];
const commands = [...document.querySelectorAll("code.curl")].map((code) => [code, code.textContent]);
const entries = [...document.querySelectorAll("details")].map((entry) => ({
  entry,
  head: `${entry.id} ${entry.querySelector("summary").textContent}`.toLowerCase(),
  whole: `${entry.id} ${entry.textContent}`.toLowerCase(),
}));

tools.hidden = false;
for (const place of document.querySelectorAll("[data-url]")) place.textContent = location.origin;

// Within double quotes a shell gives a meaning to these four.
const quoted = (text) => text.replace(/[\\"$`]/g, "\\$&");

function fill() {
  for (const [code, text] of commands) {
    const addressed = text.replace("$URL", () => location.origin);
    code.textContent = key.value ? addressed.replace("$API_KEY", () => quoted(key.value)) : addressed;
  }
}

// What has the words in its heading; if nothing has, what has them anywhere.
function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const having = (part) => entries.filter((one) => words.every((word) => one[part].includes(word)));
  const found = having("head").length ? having("head") : having("whole");
  for (const one of entries) one.entry.hidden = !found.includes(one);
  for (const section of document.querySelectorAll("main section")) {
    section.hidden = !section.querySelector("details:not([hidden])");
  }
  document.getElementById("found").textContent = words.length ? `${found.length} found` : "";
}

// A link to an entry opens it, also if a search has hidden it.
function open() {
  const entry = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!entry || entry.tagName !== "DETAILS") return;
  if (entry.hidden) {
    search.value = "";
    find();
  }
  entry.open = true;
  entry.scrollIntoView();
}

key.value = sessionStorage.getItem(KEY) ?? "";
key.addEventListener("input", () => {
  sessionStorage.setItem(KEY, key.value);
  fill();
});
search.addEventListener("input", find);
search.addEventListener("keydown", (event) => {
  const first = document.querySelector("details:not([hidden])");
  if (event.key !== "Enter" || !first) return;
  event.preventDefault();
  first.open = true;
  first.querySelector("summary").focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input")) return;
  event.preventDefault();
  search.focus();
});
for (const button of document.querySelectorAll(".command button")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}
addEventListener("hashchange", open);
fill();
open();
