// Format an exact time in the reader's time zone, as the server does in the tenant's: 24 Oct 2027, 09:12 Europe/Berlin
const PARTS = new Intl.DateTimeFormat("en-US", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export const ZONE = PARTS.resolvedOptions().timeZone;

export function local(moment) {
  const of = Object.fromEntries(PARTS.formatToParts(moment).map((part) => [part.type, part.value]));
  return `${of.day} ${of.month} ${of.year}, ${of.hour}:${of.minute}`;
}

export const exact = (moment) => `${local(moment)} ${ZONE}`;

// The time of day if the moment is today.
export const clock = (moment) => (moment.toDateString() === new Date().toDateString() ? local(moment).slice(-5) : local(moment));
