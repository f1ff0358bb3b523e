// A list's filters by days: they count in the reader's time zone, which the address then names.
import { zone } from "./times.js";

const filters = document.getElementById("filters");
const days = [...filters.querySelectorAll("[type=date]")];

// The days of a shared address stay those of whoever shared it.
if (!days.some((day) => day.defaultValue)) {
  document.getElementById("zone").value = zone;
  for (const place of filters.querySelectorAll("[data-zone]")) place.textContent = zone;
}
filters.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
  if (!days.some((day) => day.value)) formData.delete("zone");
});
