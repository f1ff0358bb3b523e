// Values that several inputs make together: checked boxes, days, months, a day of the month, dates, texts by language. Each returns [[path, value], …];
// undefined leaves a value out.

const part = (group, name) => group.querySelector(`[data-part="${name}"]`).value.trim();
const chosen = (group) => [...group.querySelectorAll(":checked")].map((box) => box.value);

export const composites = {
  boxes: (group) => [[group.dataset.path, chosen(group)]],

  days: (group) => [[group.dataset.path, chosen(group).join(",")]],

  months(group) {
    const found = chosen(group).map(Number);
    if (!found.length) throw new Error("must have at least one month");
    return [[group.dataset.path, found.length < 12 ? found : undefined]];
  },

  month_day(group) {
    const which = part(group, "which");
    if (which === "nth") {
      const nth = part(group, "nth");
      return [[group.dataset.path, { nth: nth === "last" ? nth : Number(nth), weekday: part(group, "weekday") }]];
    }
    if (which !== "number") return [[group.dataset.path, which]];
    if (!/^\d{1,2}$/.test(part(group, "number"))) throw new Error("must be a day from 1 to 31");
    return [[group.dataset.path, Number(part(group, "number"))]];
  },

  // A text that is empty is left out, and so is a row with nothing in it.
  texts(group) {
    const rows = [...group.querySelectorAll("[data-row]")].map((row) => {
      const texts = [...row.querySelectorAll("[data-text]")].filter((one) => one.value.trim()).map((one) => [one.dataset.text, one.value]);
      return [part(row, "tag"), Object.fromEntries(texts), texts.length];
    }).filter(([tag, , count]) => tag || count);
    if (!rows.every(([tag]) => tag)) throw new Error("must have a language beside each text, such as de, or * for every other language");
    const found = Object.fromEntries(rows);
    if (Object.keys(found).length < rows.length) throw new Error("must not have a language twice");
    return [[group.dataset.path, rows.length ? found : undefined]];
  },

  // One date is `at`; several are `dates`.
  dates(group) {
    const further = part(group, "further").split("\n").map((line) => line.trim()).filter(Boolean);
    const dates = [part(group, "first"), ...further].filter(Boolean).map(inFull);
    if (!dates.length) throw new Error("must be a date and a time");
    return dates.length > 1 ? [[group.dataset.also, dates]] : [[group.dataset.path, dates[0]]];
  },
};

// Writes 2026-12-24 18:00 as 2026-12-24T18:00:00; leaves other texts to the API.
const inFull = (text) => text.replace(/^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})$/, "$1T$2:00").replace(/^(\d{4}-\d{2}-\d{2}) (?=\d)/, "$1T");
