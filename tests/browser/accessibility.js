// A small audit of the page's own markup; returns what is wrong, as a list of sentences.
() => {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.checkVisibility();
  const words = (element) => element.getAttribute("aria-label")
    ?? element.getAttribute("aria-labelledby")?.split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ")
    ?? element.textContent;
  const named = (element) => words(element).trim() !== "";
  const brief = (element) => element.outerHTML.slice(0, 90);

  if (!document.documentElement.lang) wrong.push("the page has no language");
  if (!document.title.trim()) wrong.push("the page has no title");
  if (all("h1").filter(shown).length !== 1) wrong.push(`there are ${all("h1").filter(shown).length} h1`);
  for (const [selector, name] of [["main", "main"], ["body > header", "banner"], ["body > footer", "footer"]]) {
    if (all(selector).length !== 1) wrong.push(`there is not one ${name}`);
  }

  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids.filter((each, index) => ids.indexOf(each) !== index))) wrong.push(`the id ${id} is there twice`);
  for (const attribute of ["for", "aria-describedby", "aria-labelledby", "popovertarget"]) {
    for (const element of all(`[${attribute}]`)) {
      for (const id of element.getAttribute(attribute).split(" ")) {
        if (!document.getElementById(id)) wrong.push(`${attribute} names ${id}, which is not there`);
      }
    }
  }

  for (const control of all("input:not([type=hidden]), select, textarea")) {
    if (!control.labels.length && !control.hasAttribute("aria-label")) wrong.push(`no label: ${brief(control)}`);
  }
  for (const element of all("a[href], button")) if (!named(element)) wrong.push(`no name: ${brief(element)}`);
  for (const image of all("img")) if (!image.hasAttribute("alt")) wrong.push(`no alt: ${brief(image)}`);
  for (const group of all("fieldset")) if (!group.querySelector(":scope > legend")) wrong.push(`no legend: ${brief(group)}`);
  for (const region of all("nav, [role=region], [role=group]")) {
    if (!region.hasAttribute("aria-label") && !region.hasAttribute("aria-labelledby")) wrong.push(`no label: ${brief(region)}`);
  }
  for (const cell of all("thead th")) if (!cell.hasAttribute("scope")) wrong.push(`no scope: ${brief(cell)}`);
  for (const element of all("[tabindex]")) if (element.tabIndex > 0) wrong.push(`out of order: ${brief(element)}`);
  for (const element of all("[style], [onclick], script:not([src])")) wrong.push(`inline: ${brief(element)}`);

  // What people wrote has headings of its own; the page's go down one step at a time.
  let level = 0;
  for (const heading of all("h1, h2, h3, h4").filter((each) => shown(each) && !each.closest(".prose"))) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push(`h${next} after h${level}: ${heading.textContent.trim().slice(0, 40)}`);
    level = next;
  }

  for (const target of all("button, .button, .control, .nav__link").filter(shown)) {
    const { height } = target.getBoundingClientRect();
    if (height < 43.5) wrong.push(`${Math.round(height)} px high: ${brief(target)}`);
  }
  return wrong;
}
