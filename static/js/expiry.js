// Token form: show the exact expiry while the lifetime is edited. The server computes the real one.
import { exact } from "./moment.js";

const MILLISECONDS = { minute: 6e4, hour: 36e5, day: 864e5, week: 6048e5 };
const MONTHS = { month: 1, year: 12 };

export default function expiry(element) {
  const form = element.closest("form") ?? element;
  const number = form.querySelector("[name='duration']");
  const unit = form.querySelector("[name='duration_unit']");
  const answer = element.querySelector("output");
  const { longest } = element.dataset;
  const presets = [...element.querySelectorAll("[data-preset-duration]")];
  if (!number || !unit || !answer) return;

  form.addEventListener("input", show);
  element.addEventListener("click", (event) => {
    const preset = event.target.closest("[data-preset-duration]");
    if (!preset) return;
    number.value = preset.dataset.presetDuration;
    unit.value = preset.dataset.presetUnit;
    show();
  });
  show();
  // The expiry moves with the clock until the form is submitted.
  setInterval(show, 1e4);

  function show() {
    const end = endOf(Number(number.value), bare(unit.value), longest);
    const text = end ?? "once number and unit are filled in";
    if (answer.textContent !== text) answer.textContent = text;
    for (const preset of presets) {
      const chosen = preset.dataset.presetDuration === number.value && bare(preset.dataset.presetUnit) === bare(unit.value);
      preset.setAttribute("aria-pressed", String(chosen));
    }
  }
}

const bare = (unit) => unit.replace(/\(s\)$|s$/, "");

function endOf(amount, unit, longest) {
  if (!Number.isInteger(amount) || amount < 1) return null;
  const now = new Date();
  const most = parseInt(longest, 10);
  const latest = addMonths(now, most);
  const months = MONTHS[unit] * amount;
  const asked = unit in MONTHS ? addMonths(now, Math.min(months, most + 1)) : new Date(now.getTime() + MILLISECONDS[unit] * amount);
  const cut = !(asked <= latest);
  const text = exact(cut ? latest : asked);
  return cut ? `${text} (${longest} maximum)` : text;
}

function addMonths(date, months) {
  const end = new Date(date);
  end.setUTCDate(1);
  end.setUTCMonth(end.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() + 1, 0)).getUTCDate();
  end.setUTCDate(Math.min(date.getUTCDate(), lastDay));
  return end;
}
