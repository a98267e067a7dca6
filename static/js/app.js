// Attach controllers to elements: <div data-controller="copy expiry"> calls copy(element) and expiry(element).
import ballot from "./ballot.js";
import connection from "./connection.js";
import copy from "./copy.js";
import count from "./count.js";
import expiry from "./expiry.js";
import live from "./live.js";
import localtime from "./localtime.js";
import once from "./once.js";
import scroll from "./scroll.js";
import tap from "./tap.js";
import theme from "./theme.js";
import times from "./times.js";
import unsaved from "./unsaved.js";

const controllers = {
  ballot,
  connection,
  copy,
  count,
  expiry,
  live,
  localtime,
  once,
  scroll,
  tap,
  theme,
  times,
  unsaved,
};

for (const element of document.querySelectorAll("[data-controller]")) {
  for (const name of element.dataset.controller.split(/\s+/)) {
    if (Object.hasOwn(controllers, name)) controllers[name](element);
  }
}
