// Show times in the reader's time zone. Relative times have the exact time as their title; the switch in the footer shows exact times.
import { clock, exact, local, ZONE } from "./moment.js";

const SHOWN = { clock, exact, local };

export default function localtime(element) {
  const isExact = document.documentElement.dataset.times === "exact";
  for (const time of element.querySelectorAll("time[datetime]")) {
    const value = time.getAttribute("datetime");
    const moment = new Date(value);
    if (!value.includes("T") || Number.isNaN(moment.getTime())) continue;
    const { style } = time.dataset;
    time.title = exact(moment);
    if (style in SHOWN) {
      time.textContent = SHOWN[style](moment);
    } else {
      time.dataset.relative ??= time.textContent;
      time.textContent = isExact ? local(moment) : time.dataset.relative;
    }
  }
  for (const zone of element.querySelectorAll("[data-zone]")) zone.textContent = ZONE;
}
