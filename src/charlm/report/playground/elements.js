"use strict";
// Elements of the page.

const byId = (id) => document.getElementById(id);

/** Returns a new element with classes and a text. */
function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
