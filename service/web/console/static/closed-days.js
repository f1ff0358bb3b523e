// Closed days as people write them, a line each: "2026-12-24", "2026-12-24 – 2027-01-02: Winter break".
const LINE = /^(\d{4}-\d{2}-\d{2})(?:\s*(?:–|—|\.\.|\s-\s|\sto\s)\s*(\d{4}-\d{2}-\d{2}))?(?:\s*:\s*(.+))?$/u;

// Reads lines. Returns {dates, ranges, places, errors}. places: "dates[0]" → the number of its line, from 1.
export function readDays(text) {
  const found = { dates: [], ranges: [], places: {}, errors: [] };
  for (const [index, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const [, from, to, why] = LINE.exec(line.trim()) ?? [];
    if (!from) {
      found.errors.push(`line ${index + 1} must begin with a date such as 2026-12-24, or a range such as 2026-12-24 – 2027-01-02.`);
      continue;
    }
    const kind = to || why ? "ranges" : "dates";
    found.places[`${kind}[${found[kind].length}]`] = index + 1;
    found[kind].push(kind === "dates" ? from : { from, to: to ?? from, ...(why && { why }) });
  }
  return found;
}

// Writes a calendar's dates and ranges in order.
export function writeDays({ dates, ranges }) {
  return [...dates, ...ranges.map(written)].sort().join("\n");
}

const written = ({ from, to, why }) => (from === to && why ? from : `${from} – ${to}`) + (why ? `: ${why}` : "");
