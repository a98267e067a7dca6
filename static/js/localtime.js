// Brings exact moments into the reader's own zone. One in words tells its exact moment on hover (its title) and at the focus.
import { exact, local, ZONE } from "./moment.js";

const SHOWN = { exact, local };

export default function localtime(element) {
  for (const time of element.querySelectorAll("time[datetime]")) {
    const value = time.getAttribute("datetime");
    const moment = new Date(value);
    if (!value.includes("T") || Number.isNaN(moment.getTime())) continue;
    const { shape } = time.dataset;
    time.title = exact(moment);
    if (shape in SHOWN) time.textContent = SHOWN[shape](moment);
    else if (!time.closest("a, button")) time.tabIndex = 0;
  }
  for (const zone of element.querySelectorAll("[data-zone]")) zone.textContent = ZONE;
}
