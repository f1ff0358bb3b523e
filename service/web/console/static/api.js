// Client of the API. The API accepts the session's cookie because browsers send Origin with all requests but GET and HEAD.
import { signInAgain } from "./session.js";

export class Refused extends Error {
  // errors: [{field, message}], where the API names fields.
  constructor(status, detail, errors) {
    super(detail);
    this.status = status;
    this.errors = errors ?? [];
  }
}

// Sends a change to the API, such as send("POST", `/scheduler/jobs/${id}/run`, {}).
// options: {headers, signal, keepalive, quietly}. Resolves with the answer's JSON, or with null; rejects with Refused, whose
// message is a sentence for people.
export async function send(method, path, body, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  if (body !== undefined) headers["Content-Type"] ??= "application/json";
  const isRaw = body === undefined || typeof body === "string" || body instanceof Blob;
  return read(await request(path, { ...options, method, headers, body: isRaw ? body : JSON.stringify(body) }));
}

// Sends the request that an element of the page names in data-request, such as "POST /scheduler/jobs/…/run", like `send`.
// Scripts know no addresses: they stand in the pages, which show their readers only what they may do.
export function sendFrom(element, body, options) {
  const [method, path] = element.dataset.request.split(" ");
  return send(method, path, body, options);
}

// Returns the header with a person's remark on a change, if there is one. Headers carry bytes: each character is one.
export function changeNote(text) {
  const note = text.trim();
  return note ? { "X-Change-Note": String.fromCharCode(...new TextEncoder().encode(note)) } : {};
}

// Reads one of the console's own pages. Resolves with its JSON or its text. options: {headers, signal}.
export async function get(path, options = {}) {
  return read(await request(path, options));
}

// Reads the live parts of a page that have changed. known: the parts that are shown, as the header has them
// (live_parts.py). Resolves with {text, digests}, or with null if none has changed.
// quietly: nobody has asked for it, so it does not ask for the key (session.js).
export async function getChanged(path, known, { quietly = false } = {}) {
  const headers = { Accept: "text/html", "X-Live-Parts": known };
  const answer = await request(path, { headers, quietly, cache: "no-store" });
  return answer.status === 204 ? null : { text: await read(answer), digests: digestsIn(answer.headers.get("X-Live-Parts") ?? "") };
}

const digestsIn = (header) => new Map(header.split(" ").map((one) => one.split("=")));

// Asks the service. If the session has ended, it asks the person for the key in place, and then the service once more.
async function request(path, { quietly = false, ...options }) {
  const answer = await attempt(path, options);
  if (!hasEnded(answer)) return answer;
  if (!(await signInAgain({ quietly }))) throw new Refused(401, "You are signed out. Sign in to go on.");
  return attempt(path, options);
}

const hasEnded = ({ status, redirected, url }) => status === 401 || (redirected && new URL(url).pathname === "/sign-in");

async function attempt(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "No connection to the service. Is it running, and is your network working?");
  }
}

async function read(answer) {
  if (answer.status === 204) return null;
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
  const content = isJson ? await answer.json() : await answer.text();
  if (answer.ok) return content;
  throw new Refused(answer.status, content.detail ?? `The service answered ${answer.status}`, content.errors);
}
