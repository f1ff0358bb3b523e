// Reads a form into JSON, and shows errors next to the fields that they name.
// data-path is the path of an input's value, data-kind its type; data-optional leaves the value out while it is empty,
// data-default while it is that value. A list (data-kind="list") has items (data-item), whose paths start anew.
import { composites } from "./composites.js";

const DIGITS = /^-?\d{1,15}$/;

// Returns the elements of a form, or of an item, that match `selector`, without those of items in it.
export const within = (scope, selector) => [...scope.querySelectorAll(selector)].filter((one) => scopeOf(one, scope) === scope);
const scopeOf = (one, otherwise) => one.parentElement.closest("[data-item]") ?? otherwise;
export const itemsOf = (list) => [...list.children].filter((child) => "item" in child.dataset);

// Reads every visible input of `scope`. parts: objects to include even if they are empty.
// Returns {body, errors: [{field, message}]}.
export function read(scope, parts = []) {
  const body = {};
  const errors = [];
  for (const input of within(scope, "[data-path]")) {
    if (input.closest("[hidden]") || (input.dataset.kind === "radio" && !input.checked)) continue;
    if (input.dataset.kind === "list") {
      readList(input, body, errors);
      continue;
    }
    try {
      for (const [path, value] of values(input)) put(body, path, value);
    } catch (error) {
      errors.push({ field: input.dataset.path, message: error.message });
    }
  }
  for (const part of parts) body[part] ??= {};
  return { body, errors };
}

function readList(list, body, errors) {
  const { path } = list.dataset;
  const items = itemsOf(list).map((item) => read(item, ["schedule_config"]));
  for (const [index, item] of items.entries()) {
    errors.push(...item.errors.map((error) => ({ ...error, field: `${path}[${index}].${error.field}` })));
  }
  if (items.length || !("optional" in list.dataset)) put(body, path, items.map((item) => item.body));
}

// Returns [[path, value], …]. undefined leaves a value out.
function values(input) {
  const { path, kind } = input.dataset;
  const text = input.value ?? "";
  if (kind === "check") return [[path, input.checked]];
  if (kind in composites) return composites[kind](input);
  if (kind === "clock") {
    const [hour, minute] = text.split(":").map(Number);
    return text ? [[path, hour], [input.dataset.also, minute]] : [];
  }
  if (text.trim() === "" && "optional" in input.dataset) {
    return [[path, path === "description" ? null : undefined]];
  }
  if ("default" in input.dataset && ["", input.dataset.default].includes(text.trim())) return [];
  return [[path, parsed(kind, input.localName === "textarea" ? text : text.trim(), input)]];
}

function parsed(kind, text, input) {
  if (kind === "whole") {
    if (!DIGITS.test(text)) throw new Error(`must be a whole number${range(input)}`);
    return Number(text);
  }
  if (kind === "number") {
    if (text === "" || !Number.isFinite(Number(text))) throw new Error(`must be a number${range(input)}`);
    return Number(text);
  }
  if (kind === "span") return text === input.dataset.word ? text : seconds(text, input.dataset.word);
  if (kind === "numbers") return numbers(text);
  if (kind === "headers") return headers(text);
  if (kind === "lines") return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (kind === "labels") return labels(text);
  if (kind === "instant") return text.length === 16 ? `${text}:00` : text;
  if (kind === "json") {
    try { return JSON.parse(text); } catch { throw new Error("is not valid JSON: check its quotes, commas and brackets"); }
  }
  return text;
}

const LENGTHS = { d: 86400, day: 86400, days: 86400, h: 3600, hour: 3600, hours: 3600, min: 60, m: 60, minute: 60, minutes: 60, s: 1, sec: 1, second: 1, seconds: 1 };

// Reads 45 s, 10 min, 1 h 30 min; a number alone is of seconds. A word may stand in its place.
function seconds(text, word) {
  const parts = [...text.toLowerCase().matchAll(/(\d+)\s*([a-z]*)/g)];
  const isWhole = /^(\s*\d+\s*[a-z]*)+\s*$/i.test(text) && parts.every(([, , unit]) => unit in LENGTHS || (!unit && parts.length === 1));
  if (!isWhole) throw new Error(`must be a time such as 45 s, 10 min or 1 h 30 min${word ? `, or ${word}` : ""}`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (LENGTHS[unit] ?? 1), 0);
}

// Reads 200, 204.
function numbers(text) {
  const found = text.split(/[\s,]+/).filter(Boolean);
  if (!found.every((one) => DIGITS.test(one))) throw new Error("must be whole numbers with commas between them, such as 200, 204");
  return found.map(Number);
}

// Reads lines such as X-Team: crm.
function headers(text) {
  const pairs = text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => /^([^:\s]+)\s*:\s*(.*)$/.exec(line));
  if (!pairs.every(Boolean)) throw new Error("must have one header on each line, such as X-Team: crm");
  const found = Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
  if (Object.keys(found).length < pairs.length) throw new Error("must not have a header twice");
  return found;
}

// Reads lines such as team:crm.
function labels(text) {
  const pairs = text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => line.split(":").map((part) => part.trim()));
  if (pairs.some((pair) => pair.length !== 2)) throw new Error("must have one label on each line, such as team:crm");
  const found = Object.fromEntries(pairs);
  if (Object.keys(found).length < pairs.length) throw new Error("must not have a label twice");
  return found;
}

const range = ({ min, max }) => (min && max ? ` from ${min} to ${max}` : min ? ` of at least ${min}` : "");

// Puts a value at its path. An object whose fields are all left out is empty, unless it lies within another.
function put(body, path, value) {
  const names = path.split(".");
  const last = names.pop();
  if (value === undefined && names.length > 1) return;
  let place = body;
  for (const name of names) place = place[name] ??= {};
  if (value !== undefined) place[last] = value;
}

// Shows each error next to the field that it names, or next to the object around the field; clears all others whose path
// passes the test `concerns`. Returns the errors without a place.
export function showErrors(form, errors, concerns = () => true) {
  for (const place of form.querySelectorAll("[data-error]")) {
    if (concerns(wholePath(place, place.dataset.error))) clear(form, place);
  }
  return errors.filter((error) => {
    const place = placeOf(form, error.field);
    if (!place) return true;
    mark(form, place, error);
    return false;
  });
}

// Returns a path as the API has it, also in an item of a list.
export function wholePath(element, path) {
  const item = element.closest("[data-item]");
  if (!item) return path;
  const list = item.parentElement;
  return `${list.dataset.path}[${itemsOf(list).indexOf(item)}].${path}`;
}

function placeOf(scope, field) {
  for (const list of within(scope, "[data-kind=list]")) {
    const [, index, rest] = field.startsWith(list.dataset.path) ? /^\[(\d+)\]\.(.+)$/.exec(field.slice(list.dataset.path.length)) ?? [] : [];
    const item = itemsOf(list)[index];
    const place = item && placeOf(item, rest);
    if (place) return place;
  }
  let path = field;
  while (path) {
    const first = within(scope, `[data-also="${CSS.escape(path)}"]`)[0]?.dataset.path ?? path;
    const places = within(scope, `[data-error="${CSS.escape(first)}"]`);
    const place = places.find((one) => !one.parentElement.closest("[hidden]"));
    if (place) return place;
    const above = path.replace(/(\.[^.[]*|\[\d+\])$/, "");
    path = above === path ? "" : above;
  }
  return null;
}

const inputOf = (form, place) => {
  const scope = scopeOf(place, form);
  const input = within(scope, `[data-path="${CSS.escape(place.dataset.error)}"]`).find((one) => !one.closest("[hidden]"));
  if (input?.dataset.kind === "list") return null;
  return input?.matches("div, fieldset") ? input.querySelector("input, select, textarea") : input;
};

function mark(form, place, { field, message }) {
  const own = wholePath(place, place.dataset.error) === field || field.startsWith("schedule_config");
  const input = inputOf(form, place);
  const isEmpty = own && input?.required && !input.value.trim();
  const text = isEmpty ? "must not be empty" : own ? message : inWords(form, { field, message });
  place.textContent = place.hidden ? sentence(text) : `${place.textContent} ${sentence(text)}`;
  place.hidden = false;
  if (!input) return;
  input.setAttribute("aria-invalid", "true");
  input.dataset.described ??= input.getAttribute("aria-describedby") ?? "";
  input.setAttribute("aria-describedby", `${place.id} ${input.dataset.described}`.trim());
}

// Sends what a form says. Shows the errors of a refusal next to its fields, and throws what has no place there. Resolves
// with the answer, or with null if it was refused.
export async function sentOrRefused(form, sending) {
  showErrors(form, []);
  try {
    return await sending();
  } catch (error) {
    if (!error.errors?.length) throw error;
    const homeless = showErrors(form, error.errors);
    if (homeless.length) throw new Error(homeless.map((one) => inWords(form, one)).join("; "), { cause: error });
    form.querySelector("[aria-invalid=true]")?.focus();
    return null;
  }
}

// Says an error in a sentence that names its field as the form does: “Give up after” must be a whole number.
export const inWords = (form, { field, message }) => `“${labelOf(form, field)}” ${message}`;

// Returns the label of the input with a path, or the last name of the path: as it is below an input's path, where
// somebody has typed it; else in words.
function labelOf(form, path) {
  const find = (one) => form.querySelector(`[data-path="${CSS.escape(one)}"], [data-also="${CSS.escape(one)}"]`);
  const input = find(path);
  const cut = path.indexOf(".");
  if (!input && cut > 0 && find(path.slice(0, cut))) return path.slice(cut + 1);
  const label = input?.labels?.[0] ?? input?.closest("fieldset")?.querySelector("legend") ?? input?.querySelector("label");
  const text = label?.textContent.replace(/\s+/g, " ").trim();
  return text || sentence(path.split(".").pop().replaceAll("_", " "));
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
