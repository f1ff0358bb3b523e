// Requests that must not be done twice. Each has an Idempotency-Key, which is kept until the service has said what became
// of it, also across pages: while that is not known, the next click asks for the same request, and not for another one.
import { Refused, sendFrom } from "./api.js";

const KEY = "unanswered";
const KEPT_MS = 600_000;

// Sends the request that an element names, as `sendFrom` does. `what` is what the error says may have been asked for.
// Resolves with {answer, repeated}: whether the same request had been sent before, without an answer.
export async function sendOnce(element, body, { what = "This" } = {}) {
  const intent = `${element.dataset.request} ${JSON.stringify(body)}`;
  const known = unanswered()[intent]?.key;
  const key = known ?? newKey();
  keep({ ...unanswered(), [intent]: { key, at: Date.now() } });
  try {
    const answer = await sendFrom(element, body, { headers: { "Idempotency-Key": key } });
    forget(intent);
    return { answer, repeated: known !== undefined };
  } catch (error) {
    if (!isUnclear(error)) {
      forget(intent);
      throw error;
    }
    throw new Refused(error.status, `${error.message.replace(/\.?$/, ".")} ${what} may have been asked for. Try again: it is done only once.`);
  }
}

// Without an answer, or with one that says the service is in trouble, nobody knows.
const isUnclear = ({ status }) => status === 0 || status >= 500;

// After ten minutes a click means another request.
function unanswered() {
  const all = Object.entries(JSON.parse(sessionStorage.getItem(KEY) ?? "{}"));
  return Object.fromEntries(all.filter(([, { at }]) => at > Date.now() - KEPT_MS));
}

function keep(all) {
  sessionStorage.setItem(KEY, JSON.stringify(all));
}

function forget(intent) {
  const { [intent]: _, ...rest } = unanswered();
  keep(rest);
}

// Makes a key. crypto.randomUUID exists only with TLS.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
