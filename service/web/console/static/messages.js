// Short messages at the foot of the page, which screen readers announce.

const SHOWN_MS = 6000;
// A message with a link or a button stays long enough to reach it by keyboard or screen reader.
const OFFERED_MS = 20_000;

// Shows a message. options: {bad, stays, action: {label, run}, link: {label, href}}. Returns a function that removes it.
export function say(text, options = {}) {
  const place = document.getElementById("messages");
  const message = document.createElement("div");
  message.className = options.bad ? "message bad" : "message";
  if (options.bad) message.setAttribute("role", "alert");
  const content = document.createElement("span");
  content.textContent = text;
  message.append(content);
  const remove = () => message.remove();
  if (options.link) message.append(link(options.link));
  if (options.action) message.append(button(options.action.label, () => { remove(); options.action.run(); }));
  if (options.bad) message.append(button("Close", remove));
  place.append(message);
  if (!options.bad && !options.stays) setTimeout(remove, options.link || options.action ? OFFERED_MS : SHOWN_MS);
  return remove;
}

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

// Runs an action while its button shows that it is busy, and shows the error if it fails.
// Resolves with the action's result, or with undefined if it fails or is already running.
export async function busy(element, action) {
  if (element.getAttribute("aria-busy") === "true") return undefined;
  element.setAttribute("aria-busy", "true");
  try {
    return await action();
  } catch (error) {
    say(error.message, { bad: true });
    return undefined;
  } finally {
    element.removeAttribute("aria-busy");
  }
}
