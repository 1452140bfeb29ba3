"use strict";
// What a report does when someone points at it. Everything can be reached with a mouse, a finger and the arrow keys;
// Escape puts away what is told. Nothing is loaded, and without this script the page shows all but that.

const byId = (name) => document.getElementById(name);
const told = byId("told");
let subject = null;

/** Tells a text beside an element, within the window; screen readers read it. */
function tell(text, element) {
  subject = element;
  told.textContent = text;
  putBeside();
}

/** Puts what is told above its element, or below where there is no room. */
function putBeside() {
  if (!subject) return;
  const { left, right, top, bottom } = subject.getBoundingClientRect();
  const { width, height } = told.getBoundingClientRect();
  const x = Math.min(Math.max((left + right - width) / 2, 8), window.innerWidth - width - 8);
  const y = top > height + 16 ? top - height - 8 : Math.min(bottom + 8, window.innerHeight - height - 8);
  told.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}

function hush() {
  subject = null;
  told.textContent = "";
}

addEventListener("keydown", ({ key }) => {
  if (key === "Escape") hush();
});
addEventListener("scroll", putBeside, { passive: true, capture: true });
addEventListener("resize", putBeside);

/**
 * Lets a mouse and the arrow keys go through the parts of a box: one is "here", and it is told.
 * `next(place, key)` returns where a key leads, and `show(cell, place)` says what is there.
 */
function walk(box, cells, next, show) {
  const places = new Map(cells.map((cell, place) => [cell, place]));
  let here = -1;
  function go(place) {
    if (!(place >= 0 && place < cells.length)) return;
    if (here >= 0) cells[here].classList.remove("here");
    here = place;
    cells[here].classList.add("here");
    tell(show(cells[here], here), cells[here]);
  }
  let spot = "";
  box.addEventListener("pointermove", ({ target, clientX, clientY }) => {
    // A mouse that is not moving fires "pointermove" when the page scrolls beneath it.
    const isMeant = spot !== `${clientX} ${clientY}`;
    spot = `${clientX} ${clientY}`;
    if (isMeant && places.has(target) && (places.get(target) !== here || !told.textContent)) go(places.get(target));
  });
  box.addEventListener("click", ({ target }) => go(places.get(target)));
  box.addEventListener("pointerleave", hush);
  box.addEventListener("focus", () => {
    if (box.matches(":focus-visible")) go(Math.max(here, 0));
  });
  box.addEventListener("blur", hush);
  box.addEventListener("keydown", (event) => {
    const place = { Home: 0, End: cells.length - 1 }[event.key] ?? next(Math.max(here, 0), event.key);
    if (place === undefined) return;
    event.preventDefault();
    if (cells[place]) cells[place].scrollIntoView({ block: "nearest", inline: "nearest" });
    go(place);
  });
}

/** Returns where a key leads in a text: to the next symbol, or to the one below or above. */
function nextInText(cells) {
  return (place, key) => {
    if (key === "ArrowLeft") return place - 1;
    if (key === "ArrowRight") return place + 1;
    const step = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (step === undefined) return undefined;
    const { offsetTop, offsetLeft } = cells[place];
    let found = place;
    let line = offsetTop;
    for (let other = place + step; cells[other]; other += step) {
      if (cells[other].offsetTop !== line && line !== offsetTop) break;
      line = cells[other].offsetTop;
      if (line === offsetTop) continue;
      const isNearer = Math.abs(cells[other].offsetLeft - offsetLeft) < Math.abs(cells[found].offsetLeft - offsetLeft);
      if (found === place || isNearer) found = other;
    }
    return found;
  };
}

/** Tells the values of the curves at the place that is pointed at. */
function tellCurves(box) {
  const { across, ends, units, curves } = JSON.parse(box.dataset.chart);
  const [first, last] = ends;
  const plot = box.querySelector(".plot");
  const cursor = document.createElement("i");
  const places = [...new Set(curves.flatMap(([, points]) => points.map(([place]) => place)))].sort((a, b) => a - b);
  let here = -1;
  const short = (value) => Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });
  function toldOf([name, points]) {
    const gap = (point) => Math.abs(point[0] - places[here]);
    const point = points.reduce((nearest, other) => (gap(other) < gap(nearest) ? other : nearest));
    const values = units.map(([label, factor]) => `${short(point[1] * factor)} ${label}`);
    const at = point[0] === places[here] ? "" : ` (at ${short(point[0])})`;
    return `${name}: ${values.join(", ")}${at}`;
  }
  function go(place) {
    here = Math.min(Math.max(place, 0), places.length - 1);
    cursor.className = "cursor";
    cursor.style.left = `${(100 * (places[here] - first)) / (last - first)}%`;
    plot.append(cursor);
    tell([`${across} ${places[here].toLocaleString("en")}`, ...curves.map(toldOf)].join("\n"), cursor);
  }
  function leave() {
    cursor.remove();
    hush();
  }
  box.addEventListener("pointermove", ({ clientX }) => {
    const { left, width } = plot.getBoundingClientRect();
    const place = first + ((clientX - left) / width) * (last - first);
    const gap = (other) => Math.abs(places[other] - place);
    go(places.reduce((nearest, _, other) => (gap(other) < gap(nearest) ? other : nearest), 0));
  });
  box.addEventListener("pointerleave", leave);
  box.addEventListener("blur", leave);
  box.addEventListener("focus", () => {
    if (box.matches(":focus-visible")) go(here);
  });
  box.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: places.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    go(moves[event.key]);
  });
}
document.querySelectorAll("[data-chart]").forEach(tellCurves);

/** Tells how surprising each symbol of a text is; its `title` says it where no script runs. */
function tellSurprise(box) {
  const symbols = [...box.querySelectorAll("span")];
  for (const symbol of symbols) {
    symbol.dataset.told = symbol.title;
    symbol.removeAttribute("title");
  }
  walk(box, symbols, nextInText(symbols), (symbol) => symbol.dataset.told);
}
if (byId("text")) tellSurprise(byId("text"));

/** Colors the symbols that a position attends to, in the layer and the head that are picked. */
function showAttention(box) {
  const { layers, heads, weights } = JSON.parse(box.dataset.attention);
  const levels = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  const symbols = [...byId("attention-text").querySelectorAll("span")];
  const canvas = box.querySelector("canvas");
  const cell = document.createElement("i");
  const [layer, head] = [byId("attention-layer"), byId("attention-head")];
  let position = symbols.length - 1;
  const weight = (written, row, column) => (levels.indexOf(written[(row * (row + 1)) / 2 + column]) / 63) ** 2;
  function attended(row, column) {
    const picked = Number(head.value);
    const first = Number(layer.value) * heads;
    const chosen = picked < 0 ? weights.slice(first, first + heads) : [weights[first + picked]];
    return chosen.reduce((sum, written) => sum + weight(written, row, column), 0) / chosen.length;
  }
  function color() {
    symbols.forEach((symbol, column) => {
      const share = column > position ? 0 : attended(position, column);
      symbol.style.setProperty("--surprise", Math.sqrt(share).toFixed(2));
    });
  }
  function draw() {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = getComputedStyle(box).getPropertyValue("--heat");
    symbols.forEach((_, row) => {
      for (let column = 0; column <= row; column += 1) {
        context.globalAlpha = Math.sqrt(attended(row, column));
        context.fillRect(column, row, 1, 1);
      }
    });
    color();
  }
  function describe(_, place) {
    position = place;
    color();
    const shares = symbols.slice(0, place + 1).map((symbol, column) => [attended(place, column), symbol, column]);
    shares.sort((one, other) => other[0] - one[0]);
    const most = shares.slice(0, 3).map(([share, symbol, column]) => {
      const back = place === column ? "itself" : `${place - column} before`;
      return `${symbol.textContent} ${Math.round(100 * share)}% (${back})`;
    });
    return `${symbols[place].textContent} attends to ${most.join(", ")}`;
  }
  /** Tells the cell of the square that is pointed at. */
  function tellCell({ clientX, clientY }) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const column = Math.floor(((clientX - left) / width) * symbols.length);
    const row = Math.floor(((clientY - top) / height) * symbols.length);
    if (!(row in symbols && column in symbols)) return;
    const size = width / symbols.length;
    Object.assign(cell.style, {
      left: `${canvas.offsetLeft + column * size}px`,
      top: `${canvas.offsetTop + row * size}px`,
      width: `${size}px`,
      height: `${size}px`,
    });
    canvas.after(cell);
    const [from, to] = [row, column].map((place) => `${symbols[place].textContent} (${place + 1})`);
    const does = column > row ? "comes before" : `attends ${Math.round(100 * attended(row, column))}% to`;
    tell(`${from} ${does} ${column === row ? "itself" : to}`, cell);
  }
  canvas.addEventListener("pointermove", tellCell);
  canvas.addEventListener("click", tellCell);
  canvas.addEventListener("pointerleave", () => {
    cell.remove();
    hush();
  });
  for (const picker of [layer, head]) picker.addEventListener("change", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  walk(byId("attention-text"), symbols, nextInText(symbols), describe);
  box.hidden = false;
  draw();
}
if (byId("attention-box")) showAttention(byId("attention-box"));

/** Tells the probability in each cell of the transition table, except those that a narrow screen leaves out. */
function tellTransitions(table) {
  const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const cells = [...table.querySelectorAll("tbody td")];
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -names.length, ArrowDown: names.length };
  function next(place, key) {
    if (!(key in moves)) return undefined;
    let found = place + moves[key];
    while (cells[found] && cells[found].offsetParent === null) found += moves[key];
    return found;
  }
  walk(byId("heat-box"), cells, next, (cell, place) => {
    const before = names[Math.floor(place / names.length)];
    return `${names[place % names.length]} after ${before}: ${cell.textContent}%`;
  });
}
if (byId("heat")) tellTransitions(byId("heat"));
