// Ignore a second submission while the first is pending. The server carries out only one, but the browser
// shows the last response, and a new token is in the first.
export default function once(form) {
  form.addEventListener("submit", (event) => {
    if (form.ariaBusy === "true") event.preventDefault();
    form.ariaBusy = "true";
  });
  // The page was restored from the back/forward cache.
  addEventListener("pageshow", () => (form.ariaBusy = null));
}
