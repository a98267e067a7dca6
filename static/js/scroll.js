// Takes regions out of the tab order while all of their content is in sight.
export default function scroll(element) {
  const labels = new Map();
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) update(target);
  });
  for (const region of element.querySelectorAll(".scroll")) {
    labels.set(region, region.getAttribute("aria-label"));
    observer.observe(region);
  }

  function update(region) {
    if (region.scrollWidth > region.clientWidth) {
      region.tabIndex = 0;
      region.setAttribute("role", "region");
      region.setAttribute("aria-label", labels.get(region));
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) region.removeAttribute(name);
    }
  }
}
