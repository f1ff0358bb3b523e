// Client of the API. The API accepts the session's cookie because browsers send Origin with all requests but GET and HEAD.

export class Refused extends Error {
  // errors: [{field, message}], where the API names fields.
  constructor(status, detail, errors) {
    super(detail);
    this.status = status;
    this.errors = errors ?? [];
  }
}

// Sends a change to the API, such as send("POST", `/scheduler/jobs/${id}/run`, {}). options: {headers, signal, keepalive}.
// Resolves with the answer's JSON, or with null; rejects with Refused, whose message is a sentence for people.
export async function send(method, path, body, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  if (body !== undefined) headers["Content-Type"] ??= "application/json";
  const isRaw = body === undefined || typeof body === "string" || body instanceof Blob;
  return read(await request(path, { ...options, method, headers, body: isRaw ? body : JSON.stringify(body) }));
}

// Reads one of the console's own pages. Resolves with its JSON or its text. options: {headers, signal}.
export async function get(path, options = {}) {
  return read(await ask(path, options));
}

// Reads a page unless it is still the version with the tag `known`. Resolves with {text, tag}, or with null.
export async function getChanged(path, known) {
  const headers = { Accept: "text/html", ...(known && { "If-None-Match": known }) };
  const answer = await ask(path, { headers });
  return answer.status === 304 ? null : { text: await read(answer), tag: answer.headers.get("ETag") };
}

async function ask(path, options) {
  const answer = await request(path, options);
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") signInAgain();
  return answer;
}

async function request(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "No connection to the service. Is it running, and is your network working?");
  }
}

// Makes an Idempotency-Key. crypto.randomUUID exists only with TLS.
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

export function signInAgain() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}
