// A link from elsewhere comes without the cookie. Is one signed in all the same?
import { get } from "./api.js";

const form = document.querySelector("form[data-next]");
if (form && !document.getElementById("key-error")) {
  get("/session").then((answer) => { if (answer.signed_in) location.replace(form.dataset.next); }, () => {});
}
