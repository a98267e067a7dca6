// Ask whether a client has connected until it has, less often as time passes, for ten minutes at most.
import { clock, exact } from "./moment.js";

const FIRST = 1000;
const LONGEST = 15000;
const GROWTH = 1.25;
const GIVE_UP_AFTER = 600000;

export default function connection(element) {
  const state = element.querySelector("[data-state]");
  const again = element.querySelector("[data-again]");
  const giveUpAt = Date.now() + GIVE_UP_AFTER;
  let pause = FIRST;
  again.hidden = true;
  setTimeout(ask, pause);

  async function ask() {
    const found = await status(element.dataset.url);
    if (found?.is_connected) return show(found);
    if (!found || Date.now() > giveUpAt) return (again.hidden = false);
    pause = Math.min(pause * GROWTH, LONGEST);
    setTimeout(ask, pause);
  }

  function show(found) {
    const moment = new Date(found.at);
    const time = document.createElement("time");
    time.dateTime = found.at;
    time.title = exact(moment);
    time.textContent = clock(moment);
    const where = found.from ? `, from ${found.from}` : "";
    state.replaceChildren("Connected: ", time, where, found.client ? `, ${found.client}` : "");
    element.dataset.connected = "";
  }
}

// The status of the connection; undefined if the page is gone, the session has ended, or the server did not answer.
async function status(url) {
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}
