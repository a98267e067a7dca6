// The targets outside running text that a finger misses: their area is less than 44 px high or wide.
() => {
  const SIZE = 44;
  const TARGETS = "a[href], button, summary, select, textarea, input:not([type=hidden]), [tabindex='0'][role=button]";
  // Links inside a sentence have the height of its line, as WCAG 2.5.8 allows.
  const RUNNING_TEXT = ".prose a, p a, figcaption a, caption a, pre *, dd a, td a:not(.person), td * a";
  const IN_A_LIST = "nav *, .aside *, .byline *, .stream *, .comment *, .rows *, .plain-list *, .people *, .pager *, .foot *";

  const inSentence = (element) => {
    const texts = [...element.parentElement.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    return (texts.map((node) => node.textContent).join("").match(/\p{L}/gu) ?? []).length >= 10;
  };
  // The skip link is shown to keyboards alone, and nothing inert can be touched.
  const counts = (element) => !element.matches(".skip, [inert] *") && !inSentence(element) && element.checkVisibility({ checkVisibilityCSS: true })
    && (!element.matches(RUNNING_TEXT) || (element.matches(IN_A_LIST) && !element.closest(".prose")));
  const reached = (element, x, y) => element.contains(document.elementFromPoint(x, y));

  const missed = [];
  for (const found of [...document.querySelectorAll(TARGETS)].filter(counts)) {
    // A label around a box is part of its target.
    const element = found.closest("label") ?? found;
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const box = element.getBoundingClientRect();
    const [x, y, far] = [box.x + box.width / 2, box.y + box.height / 2, SIZE / 2 - 1.25];
    const points = [[x, y - far], [x, y + far], [x - far, y], [x + far, y]];
    // The middle of a link over several lines may lie beside its words.
    if (element.getClientRects().length === 1 && !points.every(([px, py]) => reached(element, px, py))) {
      missed.push(`${Math.round(box.width)} × ${Math.round(box.height)} px: ${element.outerHTML.slice(0, 110)}`);
    }
  }
  return missed;
}
