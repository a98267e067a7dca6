// Gives every <time datetime> its exact moment in the reader's own zone, shown on hover.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export default function localtime(element) {
  for (const time of element.querySelectorAll("time[datetime]")) {
    const value = time.getAttribute("datetime");
    const moment = new Date(value);
    if (value.includes("T") && !Number.isNaN(moment.getTime())) time.title = format.format(moment);
  }
}
