// Short messages at the foot of the page, which screen readers announce. Ctrl+Z undoes what the newest one offers to undo.

const SHOWN_MS = 6000;
// A message with a link or a button stays long enough to reach it by keyboard or screen reader.
const OFFERED_MS = 20_000;

const undoable = []; // the buttons that undo something, the newest last

// A sentence without the marks that turn text around: one in a name would turn the rest of the sentence.
export const unturned = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "");

// Shows a message. options: {bad, stays, action: {label, run}, link: {label, href}, undo, quietly}. undo: takes back what
// was done; its button has the focus, which goes back to where it was, unless quietly. Returns a function that removes it.
export function say(text, options = {}) {
  const place = document.getElementById("messages");
  const message = document.createElement("div");
  message.className = options.bad ? "message bad" : "message";
  if (options.bad) message.setAttribute("role", "alert");
  const content = document.createElement("span");
  content.textContent = unturned(text);
  message.append(content);
  const remove = () => take(message);
  if (options.link) message.append(link(options.link));
  if (options.action) message.append(button(options.action.label, () => { remove(); options.action.run(); }));
  if (options.undo) message.append(undoing(remove, options.undo));
  if (options.bad) message.append(button("Close", remove));
  place.append(message);
  if (options.undo && !options.quietly) focus(message);
  if (!options.bad && !options.stays) setTimeout(remove, options.link || options.action || options.undo ? OFFERED_MS : SHOWN_MS);
  return remove;
}

function undoing(remove, undo) {
  const made = button("Undo", () => { remove(); undo(); });
  made.setAttribute("aria-keyshortcuts", "Control+Z");
  made.append(Object.assign(document.createElement("kbd"), { textContent: "Ctrl+Z", ariaHidden: "true" }));
  undoable.push(made);
  return made;
}

// Moves the focus to the button that undoes, and remembers whence.
function focus(message) {
  const { activeElement: before } = document;
  message.whence = { before, id: before.closest("[id]")?.id };
  message.querySelector("button").focus();
}

// Removes a message. The page may have been renewed meanwhile, and what had the focus replaced.
function take(message) {
  const had = message.contains(document.activeElement);
  message.remove();
  if (!had || !message.whence) return;
  const { before, id } = message.whence;
  const place = before.isConnected && before !== document.body ? before : document.getElementById(id);
  const goal = place?.matches("a, button, input, select, textarea, summary, [tabindex]") ? place : place?.querySelector("a, button, summary");
  (goal ?? document.getElementById("main")).focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  const isUndo = event.key?.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
  if (!isUndo || event.target.closest?.("input:not([type=checkbox], [type=radio]), select, textarea")) return;
  while (undoable.length) {
    const newest = undoable.pop();
    if (!newest.isConnected) continue;
    event.preventDefault();
    newest.click();
    return;
  }
});

function link({ href, label }) {
  return Object.assign(document.createElement("a"), { href, textContent: label });
}

function button(label, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", run);
  return made;
}

// Keeps a message for the next page.
export function sayOnNextPage(text) {
  sessionStorage.setItem("message", text);
}

// Shows the message that the previous page has kept.
export function saySaved() {
  const text = sessionStorage.getItem("message");
  if (text === null) return;
  sessionStorage.removeItem("message");
  // Screen readers announce only messages that appear after they know the region.
  setTimeout(() => say(text), 100);
}

// The error of an action's last try, which goes with the next try: what the action does -> removes the message.
const failures = new Map();

// Runs an action while its button shows that it is busy, and shows the error if it fails.
// Resolves with the action's result, or with undefined if it fails or is already running.
export async function busy(element, action) {
  if (element.getAttribute("aria-busy") === "true") return undefined;
  element.setAttribute("aria-busy", "true");
  const name = element.dataset.request || element.id || element.textContent;
  failures.get(name)?.();
  failures.delete(name);
  try {
    return await action();
  } catch (error) {
    failures.set(name, say(error.message, { bad: true }));
    return undefined;
  } finally {
    element.removeAttribute("aria-busy");
  }
}
