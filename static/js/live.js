// Keep a page about something that is going on up to date: fetch it again and show what changed, until it is over.
// The elements with data-part are updated by id: "text" keeps the element, so that screen readers announce it,
// "append" adds new items, and "replace" takes the new content. Without the script there is a link that reloads the page.
import localtime from "./localtime.js";

const SHORTEST = 1000;
const LONGEST = 10000;

export default function live(root) {
  if (root.dataset.live !== "on") return;

  let wait = SHORTEST;
  hideReload();
  setTimeout(update, wait);

  async function update() {
    if (document.hidden) {
      document.addEventListener("visibilitychange", update, { once: true });
      return;
    }
    const fresh = await read();
    if (fresh === null) return;
    wait = fresh && showAll(fresh) ? SHORTEST : Math.min(wait * 1.5, LONGEST);
    if (fresh) root.dataset.live = fresh.querySelector("[data-live]").dataset.live;
    if (root.dataset.live === "on") setTimeout(update, wait);
  }

  // Return the page; undefined if it could not be read now, null if it is not there any more.
  async function read() {
    try {
      const response = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (response.status >= 500 || response.status === 429) return undefined;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (page.querySelector("[data-live]")) return page;
      location.reload();
      return null;
    } catch {
      return undefined;
    }
  }

  // Return whether something has happened since. Counts of seconds are no news.
  function showAll(page) {
    let hasNews = false;
    for (const part of document.querySelectorAll("[data-part]")) {
      const isChanged = show(part, page.getElementById(part.id));
      hasNews ||= isChanged && part.dataset.part !== "replace";
    }
    return hasNews;
  }

  function show(part, fresh) {
    if (part.dataset.part === "append") return append(part, fresh);
    const text = fresh.textContent.trim();
    if (fresh.hidden === part.hidden && text === (part.dataset.shown ?? part.textContent.trim())) return false;
    part.dataset.shown = text;
    if (part.dataset.part === "text") part.textContent = text;
    else replace(part, fresh);
    return true;
  }

  function replace(part, fresh) {
    const hasFocus = part.contains(document.activeElement);
    part.replaceChildren(...fresh.childNodes);
    part.hidden = fresh.hidden;
    localtime(part);
    hideReload();
    if (hasFocus) document.querySelector("h1").focus();
  }

  function append(list, fresh) {
    const last = list.querySelector(":scope > [data-is-under-way]");
    last?.remove();
    const items = [...fresh.children].slice(list.children.length);
    list.append(...items);
    localtime(list);
    return items.length > (last ? 1 : 0);
  }

  function hideReload() {
    for (const link of document.querySelectorAll("[data-reload]")) link.hidden = true;
  }
}
