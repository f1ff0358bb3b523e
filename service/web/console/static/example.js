// Imports the example address book, optionally changed, by the request of a button, and resolves with the report.
import { Refused, sendFrom } from "./api.js";

export async function importExample(button, url, change = (cards) => cards) {
  const file = await fetch(url);
  if (!file.ok) throw new Refused(file.status, "The example address book is missing");
  return sendFrom(button, change(await file.text()), { headers: { "Content-Type": "text/vcard" } });
}
