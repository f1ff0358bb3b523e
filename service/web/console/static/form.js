// Reads a form into JSON, and shows errors next to the fields that they name.
// data-path is the path of an input's value, data-kind its type; data-optional leaves the value out while it is empty.

const DIGITS = /^-?\d{1,15}$/;

// Reads every visible input of `form`. parts: objects to include even if they are empty.
// Returns {body, errors: [{field, message}]}.
export function read(form, parts = []) {
  const body = {};
  const errors = [];
  for (const input of form.querySelectorAll("[data-path]")) {
    if (input.closest("[hidden]") || (input.dataset.kind === "radio" && !input.checked)) continue;
    try {
      for (const [path, value] of values(input)) put(body, path, value);
    } catch (error) {
      errors.push({ field: input.dataset.path, message: error.message });
    }
  }
  for (const part of parts) body[part] ??= {};
  return { body, errors };
}

// Returns [[path, value], …]. undefined leaves a value out.
function values(input) {
  const { path, kind } = input.dataset;
  const text = input.value ?? "";
  if (kind === "check") return [[path, input.checked]];
  if (kind === "days") return [[path, days(input)]];
  if (kind === "clock") {
    const [hour, minute] = text.split(":").map(Number);
    return text ? [[path, hour], [input.dataset.also, minute]] : [];
  }
  // Values that equal the default are written only if they were written before.
  if (kind === "zone") return [[path, text.trim() === "UTC" && !("kept" in input.dataset) ? undefined : text.trim()]];
  if (kind === "part" && !("kept" in input.dataset) && ["", "0"].includes(text.trim())) return [];
  if (text.trim() === "" && "optional" in input.dataset) {
    return [[path, path === "description" ? null : undefined]];
  }
  return [[path, parsed(kind, input.localName === "textarea" ? text : text.trim(), input)]];
}

// Returns the days, in their former spelling if they are the same.
function days(input) {
  const chosen = [...input.querySelectorAll(":checked")].map((box) => box.value);
  const were = input.dataset.was.split(",").map((day) => day.trim().toLowerCase());
  const same = chosen.length === new Set(were).size && chosen.every((day) => were.includes(day));
  return same ? input.dataset.was : chosen.join(",");
}

function parsed(kind, text, input) {
  if (kind === "whole" || kind === "part") {
    if (!DIGITS.test(text)) throw new Error(`must be a whole number${range(input)}`);
    return Number(text);
  }
  if (kind === "number") {
    if (text === "" || !Number.isFinite(Number(text))) throw new Error(`must be a number${range(input)}`);
    return Number(text);
  }
  if (kind === "lines") return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (kind === "instant") return text.length === 16 ? `${text}:00` : text;
  if (kind === "json") {
    try { return JSON.parse(text); } catch { throw new Error("is not valid JSON: check its quotes, commas and brackets"); }
  }
  return text;
}

const range = ({ min, max }) => (min && max ? ` from ${min} to ${max}` : min ? ` of at least ${min}` : "");

function put(body, path, value) {
  const names = path.split(".");
  const last = names.pop();
  let place = body;
  for (const name of names) place = place[name] ??= {};
  if (value !== undefined) place[last] = value;
}

// Shows each error next to the field that it names, or next to the object around the field; clears all others whose path
// passes the test `concerns`. Returns the errors without a place.
export function showErrors(form, errors, concerns = () => true) {
  for (const place of form.querySelectorAll("[data-error]")) {
    if (concerns(place.dataset.error)) clear(form, place);
  }
  return errors.filter((error) => {
    const place = placeOf(form, error.field);
    if (!place) return true;
    mark(form, place, error);
    return false;
  });
}

function placeOf(form, field) {
  const input = form.querySelector(`[data-also="${CSS.escape(field)}"]`);
  let path = input?.dataset.path ?? field;
  while (path) {
    const places = [...form.querySelectorAll(`[data-error="${CSS.escape(path)}"]`)];
    const place = places.find((one) => !one.parentElement.closest("[hidden]"));
    if (place) return place;
    const above = path.replace(/(\.[^.[]*|\[\d+\])$/, "");
    path = above === path ? "" : above;
  }
  return null;
}

const inputOf = (form, place) => [...form.querySelectorAll(`[data-path="${CSS.escape(place.dataset.error)}"]`)].find((one) => !one.closest("[hidden]"));

function mark(form, place, { field, message }) {
  const own = place.dataset.error === field || field.startsWith("schedule_config");
  const text = own ? message : `${field} ${message}`;
  place.textContent = place.hidden ? sentence(text) : `${place.textContent} ${sentence(text)}`;
  place.hidden = false;
  const input = inputOf(form, place);
  if (!input) return;
  input.setAttribute("aria-invalid", "true");
  input.dataset.described ??= input.getAttribute("aria-describedby") ?? "";
  input.setAttribute("aria-describedby", `${place.id} ${input.dataset.described}`.trim());
}

function clear(form, place) {
  place.hidden = true;
  place.textContent = "";
  const input = inputOf(form, place);
  if (!input) return;
  input.removeAttribute("aria-invalid");
  if (input.dataset.described) input.setAttribute("aria-describedby", input.dataset.described);
  else input.removeAttribute("aria-describedby");
}

export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
