// Keeps what somebody has typed into a form until it is saved, in the tab's session storage: a reload, a session that ends
// and a tab that crashes lose nothing. A draft is its key's own (data-draft), so that nobody else who signs in sees it.
import { itemsOf, wholePath } from "./form.js";
import { showTimes } from "./times.js";

const KEPT_MS = 7 * 86_400_000;
const MOST_ITEMS = 100; // of a list; a draft of ours has fewer
const OF_MEMBER = /^(?:schedule|exception|added)-\d+-/;
export const PREFIX = "draft ";

// Keeps drafts of a form. grow(list) adds an item to one of its lists; restored() is told that a draft is back. Returns
// {keep, forget}: to call after a change, and once the form is saved.
export function keepDraft(form, { grow = () => {}, restored }) {
  const name = `${PREFIX}${form.dataset.draft} ${location.pathname}${location.search}`;
  const keep = () => {
    try {
      sessionStorage.setItem(name, JSON.stringify({ at: Date.now(), revision: form.dataset.revision, ...contents(form) }));
    } catch { /* the storage is full: the form still works, without a draft */ }
  };
  const forget = () => sessionStorage.removeItem(name);
  const kept = stored(name);
  if (kept) {
    fill(form, kept, grow);
    // The draft changes the revision that it began with.
    if (kept.revision) form.dataset.revision = kept.revision;
    offer(form, kept.at, forget);
    restored();
  }
  for (const link of form.querySelectorAll("[data-cancel]")) link.addEventListener("click", forget);
  return { keep, forget };
}

// Returns the draft of this name; null without one, or if it is old or damaged.
function stored(name) {
  try {
    const { at, lists, values, revision } = JSON.parse(sessionStorage.getItem(name));
    const isFresh = at > Date.now() - KEPT_MS && at <= Date.now() + KEPT_MS;
    return isFresh && typeof lists === "object" && typeof values === "object" ? { at, lists: lists ?? {}, values: values ?? {}, revision } : null;
  } catch {
    return null;
  }
}

// Forgets all drafts: somebody signs out.
export function forgetDrafts() {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX)) sessionStorage.removeItem(name);
}

const controls = (form) => [...form.elements].filter((one) => one.matches("input:not([type=password], [type=file]), select, textarea"));
const isBox = ({ type }) => type === "checkbox" || type === "radio";

// Names an input by its place in the form, which is the same after the page is loaded again.
function nameOf(control) {
  const own = control.id.replace(OF_MEMBER, "") || `${control.closest("[data-path]")?.dataset.path ?? control.name}=${control.value}`;
  return control.closest("[data-item]") ? wholePath(control, own) : own;
}

function contents(form) {
  const lists = [...form.querySelectorAll("[data-kind=list]")].map((list) => [list.dataset.path, itemsOf(list).length]);
  return { lists: Object.fromEntries(lists), values: Object.fromEntries(controls(form).map((one) => [nameOf(one), isBox(one) ? one.checked : one.value])) };
}

function fill(form, { lists, values }, grow) {
  for (const list of form.querySelectorAll("[data-kind=list]")) {
    const count = Math.min(Number(lists[list.dataset.path]) || 0, MOST_ITEMS);
    while (itemsOf(list).length < count) grow(list);
    for (const item of itemsOf(list).slice(count)) item.remove();
  }
  for (const one of controls(form)) {
    const value = values[nameOf(one)];
    if (value === undefined) continue;
    if (isBox(one)) one.checked = value;
    else one.value = value;
  }
}

function offer(form, at, forget) {
  const notice = Object.assign(document.createElement("p"), { className: "notice", id: "draft" });
  notice.setAttribute("role", "status");
  const time = Object.assign(document.createElement("time"), { dateTime: new Date(at).toISOString() });
  const drop = Object.assign(document.createElement("button"), { type: "button", textContent: "Discard it" });
  drop.addEventListener("click", () => {
    forget();
    form.dispatchEvent(new CustomEvent("discarded"));
    form.reset(); // browsers restore on a reload what they find
    location.reload();
  });
  notice.append("Your draft is back, last changed ", time, ". ", drop);
  showTimes(notice);
  (form.querySelector(".inputs") ?? form).prepend(notice);
}
