"use strict";
// The text and the table are navigated in the same way: one element is "here", and a line below describes it.
function walk(box, cells, columns, told, describe) {
  let here = -1;
  function show(place) {
    if (place < 0 || place >= cells.length || place === here) return;
    if (here >= 0) cells[here].classList.remove("here");
    here = place;
    cells[here].classList.add("here");
    told.textContent = describe(cells[here], here);
  }
  cells.forEach((cell, place) => {
    cell.place = place;
  });
  let spot = "";
  box.addEventListener("mousemove", ({ target, clientX, clientY }) => {
    // A mouse that is not moving fires "mousemove" when the page scrolls beneath it.
    const isMeant = spot !== `${clientX} ${clientY}`;
    spot = `${clientX} ${clientY}`;
    if (isMeant && target.place !== undefined) show(target.place);
  });
  box.addEventListener("click", ({ target }) => {
    if (target.place !== undefined) show(target.place);
  });
  box.addEventListener("focus", () => show(Math.max(here, 0)));
  box.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const places = { Home: 0, End: cells.length - 1 };
    const place = event.key in places ? places[event.key] : here + moves[event.key];
    if (Number.isNaN(place)) return;
    event.preventDefault();
    show(place);
    if (cells[here]) cells[here].scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}
const byId = (name) => document.getElementById(name);

const characters = [...byId("text").querySelectorAll("span")];
for (const character of characters) {
  character.dataset.told = character.title;
  character.removeAttribute("title");
}
walk(byId("text"), characters, 40, byId("text-told"), (character) => character.dataset.told);

const table = byId("heat");
const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
walk(byId("heat-box"), [...table.querySelectorAll("tbody td")], names.length, byId("heat-told"), (cell, place) => {
  const before = names[Math.floor(place / names.length)];
  return `${names[place % names.length]} after ${before}: ${cell.textContent}%`;
});
