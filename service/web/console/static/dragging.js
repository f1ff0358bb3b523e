// Moves coming occurrences on the timeline: by dragging their marks, or with the arrow keys and Enter. data-request is the
// request of a mark; the drawing says where now is (data-now, epoch seconds; data-x) and how wide a day is (data-day).
import { Refused, sendFrom } from "./api.js";
import { refresh } from "./live.js";
import { openMark } from "./marks.js";
import { say } from "./messages.js";
import { takeBack } from "./occurrences.js";

const STEP = 300; // seconds
let held = null; // {mark, x: where it was, left: where the pointer took it, moved: by how much, units of the drawing}

const drawing = (mark) => mark.closest("svg");
const secondsAt = ({ dataset }, x) => {
  const at = Number(dataset.now) + ((x - Number(dataset.x)) / Number(dataset.day)) * 86400;
  return Math.round(at / STEP) * STEP;
};
const placeOf = (mark) => Number(mark.dataset.x);
const inDrawing = (svg, event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).x;

// On the clocks of the job's zone, as all times of the timeline.
function inWords(at, { dataset: { zone } }) {
  return `${at.toLocaleString(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit", timeZone: zone })} (${zone})`;
}

// Shows a mark moved by so much, with the time at which it would be due there; 0: where the schedule has it.
function place(mark, by) {
  const { dataset } = drawing(mark);
  const [start, end] = [Number(dataset.x) + 1, Number(dataset.x) + Number(dataset.day)];
  const x = Math.min(Math.max(placeOf(mark) + by, start), end);
  mark.setAttribute("transform", `translate(${x} ${mark.dataset.y})`);
  tell(mark, by ? inWords(new Date(secondsAt(drawing(mark), x) * 1000), mark) : "", x > end - 40 ? "end" : "middle");
  return x;
}

function tell(mark, when, anchor) {
  mark.dataset.label ??= mark.getAttribute("aria-label");
  mark.setAttribute("aria-label", when ? `${when}: Enter moves it there, Escape leaves it` : mark.dataset.label);
  mark.querySelector(".drag-time")?.remove();
  if (!when) return;
  const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
  text.setAttribute("class", "drag-time");
  text.setAttribute("y", -9);
  text.setAttribute("text-anchor", anchor);
  text.textContent = when;
  mark.append(text);
}

document.addEventListener("pointerdown", (event) => {
  const mark = event.target.closest("[data-movable]");
  if (!mark || event.button !== 0) return;
  event.preventDefault();
  mark.setPointerCapture(event.pointerId);
  held = { mark, left: inDrawing(drawing(mark), event), moved: 0 };
});

document.addEventListener("pointermove", (event) => {
  if (!held) return;
  held.moved = inDrawing(drawing(held.mark), event) - held.left;
  place(held.mark, held.moved);
});

document.addEventListener("pointerup", () => {
  if (!held) return;
  const { mark, moved } = held;
  held = null;
  if (Math.abs(moved) < 2) { place(mark, 0); openMark(mark); }
  else move(mark, moved);
});

function letGo() {
  if (held) place(held.mark, 0);
  held = null;
}

document.addEventListener("pointercancel", letGo);

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") letGo();
  const mark = event.target.closest?.("[data-movable]");
  if (!mark) return;
  const by = Number(mark.dataset.by ?? 0);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) {
    mark.dataset.by = by + (step * Number(drawing(mark).dataset.day) * STEP) / 86400;
    place(mark, Number(mark.dataset.by));
  } else if (event.key === "Enter" && by) move(mark, by);
  else if (event.key === "Enter") openMark(mark);
  else if (event.key === "Escape") { delete mark.dataset.by; place(mark, 0); }
  else return;
  event.preventDefault();
});

async function move(mark, by) {
  const at = new Date(secondsAt(drawing(mark), place(mark, by)) * 1000);
  try {
    await sendFrom(mark, { move_to: at.toISOString().replace(/\.\d+Z$/, "Z") });
    say(`Moved to ${inWords(at, mark)}`, { undo: () => takeBack(mark) });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(error.message, { bad: true });
    place(mark, 0);
  }
  await refresh().catch(() => {});
}
