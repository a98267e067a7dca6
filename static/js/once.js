// Ignores a second click on a form that is on its way; the server would not carry it out twice, but a
// browser shows only the last answer, and a new token stands in the first.
export default function once(form) {
  form.addEventListener("submit", (event) => {
    if (form.ariaBusy === "true") event.preventDefault();
    form.ariaBusy = "true";
  });
  // Back from the answer, out of the browser's memory.
  addEventListener("pageshow", () => (form.ariaBusy = null));
}
