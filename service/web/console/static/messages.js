// Short messages at the foot of the page, which screen readers speak.

const SHOWN_MS = 6000;
// One that offers something to do stays until a keyboard or a screen reader can have got there.
const OFFERED_MS = 20_000;

// Shows a sentence. options: {bad, stays, action: {label, run}, link: {label, href}}. Returns a function that takes it away.
export function say(text, options = {}) {
  const place = document.getElementById("messages");
  const message = document.createElement("div");
  message.className = options.bad ? "message bad" : "message";
  if (options.bad) message.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.textContent = text;
  message.append(words);
  const remove = () => message.remove();
  if (options.link) {
    const link = document.createElement("a");
    link.href = options.link.href;
    link.textContent = options.link.label;
    message.append(link);
  }
  if (options.action) {
    message.append(button(options.action.label, () => { remove(); options.action.run(); }));
  }
  if (options.bad) message.append(button("Close", remove));
  place.append(message);
  if (!options.bad && !options.stays) setTimeout(remove, options.link || options.action ? OFFERED_MS : SHOWN_MS);
  return remove;
}

function button(label, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", run);
  return made;
}

// Says a sentence on the next page, which one is about to go to.
export function sayThere(text) {
  sessionStorage.setItem("message", text);
}

export function sayWhatWasLeft() {
  const text = sessionStorage.getItem("message");
  if (text === null) return;
  sessionStorage.removeItem("message");
  // Put there after the region is known to the screen reader, or it stays silent.
  setTimeout(() => say(text), 100);
}

// Runs an action, its button showing meanwhile that it works; tells what went wrong.
// Returns what the action resolved with, or undefined when it failed or is under way already.
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
