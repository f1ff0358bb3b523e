// The part of the job form that describes its schedule: shows the inputs of the chosen type, adds and removes members.
import { itemsOf, within } from "./form.js";

const LARGEST = 20;
let added = 0;
let single = "daily";

// Shows the inputs of the chosen types; hidden inputs are not read.
export function chooseSchedules(form) {
  const type = within(form, "[name=schedule_type]:checked")[0].value;
  for (const scope of [form, ...form.querySelectorAll("[data-item]")]) chooseIn(scope);
  for (const list of form.querySelectorAll("[data-kind=list]")) tidy(form, list);
  if (type !== "any") single = type;
  else if (!itemsOf(listOf(form, "schedules")).length) addFirst(form);
}

function chooseIn(scope) {
  const type = within(scope, "[name=schedule_type]:checked, select[data-path=schedule_type]")[0].value;
  for (const part of within(scope, "[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(type);
  explain(scope);
  const which = within(scope, "[data-part=which]")[0]?.value;
  for (const part of within(scope, "[data-when]")) part.hidden = part.dataset.when !== which;
  const number = Number(within(scope, "[data-part=number]")[0]?.value);
  for (const part of within(scope, "[data-short-months]")) part.hidden = which !== "number" || !(number > 28);
}

// From which day "every n days" counts matters from two on.
function explain(scope) {
  for (const hint of within(scope, "[data-counted]")) hint.hidden = !(Number(hint.parentElement.querySelector("input").value) > 1);
}

const listOf = (form, name) => form.querySelector(`[data-kind=list][data-path="schedule_config.${name}"]`);

// Numbers the members of a list, and hides what they cannot have or do.
function tidy(form, list) {
  const items = itemsOf(list);
  const name = list.dataset.path.split(".").pop();
  for (const [index, item] of items.entries()) {
    item.querySelector("legend").textContent = `${list.dataset.word} ${index + 1}`;
    for (const part of item.querySelectorAll("[data-only]")) {
      part.hidden = part.dataset.only !== name && !part.querySelector("input, textarea").value;
    }
    item.querySelector("[data-remove]").hidden = name === "schedules" && items.length === 1;
  }
  form.querySelector(`[data-add=${name}]`).disabled = items.length >= LARGEST;
}

function add(form, name) {
  const item = document.getElementById("new-member").content.firstElementChild.cloneNode(true);
  added += 1;
  for (const element of item.querySelectorAll("*")) {
    for (const attribute of ["id", "for", "aria-describedby"]) {
      const value = element.getAttribute(attribute);
      if (value) element.setAttribute(attribute, value.replaceAll("new-", `added-${added}-`));
    }
  }
  const zone = item.querySelector('[data-path="schedule_config.timezone"]');
  zone.value = document.getElementById("timezone").value;
  if (name === "except") item.querySelector("select").value = "once";
  listOf(form, name).append(item);
  chooseSchedules(form);
  return item;
}

// Adds an item to a list of schedules or of exceptions.
export const growList = (form, list) => add(form, list.dataset.path.split(".").pop());

// Makes the schedule that somebody has described so far the first of several.
function addFirst(form) {
  const item = add(form, "schedules");
  for (const input of item.querySelectorAll("[id]")) {
    const own = document.getElementById(input.id.replace(`added-${added}-`, ""));
    if (own?.closest("[data-for]") && "value" in own) input.value = own.value;
  }
  for (const group of item.querySelectorAll(".days")) {
    const boxes = within(form, `.days[data-path="${group.dataset.path}"] input`);
    for (const [index, box] of group.querySelectorAll("input").entries()) box.checked = boxes[index].checked;
  }
  item.querySelector("select").value = single;
  chooseSchedules(form);
}

// Lets the buttons add and remove members; `changed` is told of it.
export function startMembers(form, changed) {
  form.addEventListener("click", ({ target }) => {
    const { add: name } = target.dataset;
    if (name) {
      add(form, name).querySelector("select").focus();
    } else if ("remove" in target.dataset) {
      const item = target.closest("[data-item]");
      const list = item.parentElement;
      item.remove();
      chooseSchedules(form);
      form.querySelector(`[data-add=${list.dataset.path.split(".").pop()}]`).focus();
    } else return;
    changed();
  });
}
