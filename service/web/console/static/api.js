// Asks the API. The session's cookie counts there because the browser adds the header Origin to all but GET and HEAD.

export class Refused extends Error {
  // `errors`: [{field, message}], where the API names fields.
  constructor(status, detail, errors) {
    super(detail);
    this.status = status;
    this.errors = errors ?? [];
  }
}

// Sends a change to the API, such as send("POST", `/scheduler/jobs/${id}/run`, {}).
// Resolves with the answer's JSON, or null without any; rejects with Refused, whose message is a sentence for people.
// options: {headers, signal, keepalive}.
export async function send(method, path, body, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  if (body !== undefined) headers["Content-Type"] ??= "application/json";
  const isText = typeof body === "string" || body instanceof Blob;
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, body: body === undefined || isText ? body : JSON.stringify(body),
      signal: options.signal, keepalive: options.keepalive,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The service cannot be reached. Is it still running, and the network there?");
  }
  return read(answer);
}

// Reads what only pages of ours show, such as get("/jobs/table?q=x"). Resolves with JSON, or the text of a page.
export async function get(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { signal: options.signal, headers: options.headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The service cannot be reached. Is it still running, and the network there?");
  }
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") signInAgain();
  return read(answer);
}

// An Idempotency-Key. Not crypto.randomUUID, which a page without TLS lacks.
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function read(answer) {
  if (answer.status === 204) return null;
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
  const content = isJson ? await answer.json() : await answer.text();
  if (answer.ok) return content;
  if (answer.status === 401) signInAgain();
  throw new Refused(answer.status, content.detail ?? `The service answered ${answer.status}`, content.errors);
}

function signInAgain() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}
