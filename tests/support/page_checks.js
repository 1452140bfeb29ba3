// What is wrong with the layout of a page, as one sentence for each defect: [] is a page without any.
//
// Called by page_checks.py with the least contrast. Looks at what is visible: text that lies outside a box that scrolls or
// clips is left out, since another place of the scroll bar shows it. Pictures behind text are not looked at, and the shapes
// of an SVG count as no background.
(leastContrast) => {
  "use strict";
  const troubles = [];
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  function named(element) {
    const id = element.id ? `#${element.id}` : "";
    const classes = [...element.classList].map((name) => `.${name}`).join("");
    const text = (element.textContent || "").trim().replace(/\s+/g, " ").slice(0, 30);
    return `${element.localName}${id}${classes}${text ? ` "${text}"` : ""}`;
  }

  const colors = new Map();
  function rgba(color) {
    if (!colors.has(color)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
      colors.set(color, { channels: [red, green, blue], alpha: alpha / 255 });
    }
    return colors.get(color);
  }

  const over = (top, alpha, under) => under.map((channel, place) => channel + (top[place] - channel) * alpha);

  function luminance(channels) {
    const linear = channels.map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  }

  // The contrast of WCAG 2 between a color and what is behind an element, whose ancestors are painted one over the other.
  function contrast(element, color) {
    const layers = [];
    let opacity = 1;
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      opacity *= Number(style.opacity);
      layers.push(rgba(style.backgroundColor));
    }
    const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;
    let behind = dark ? [18, 18, 18] : [255, 255, 255];
    for (const { channels, alpha } of layers.reverse()) behind = over(channels, alpha, behind);
    const text = rgba(color);
    const [darker, lighter] = [luminance(over(text.channels, text.alpha * opacity, behind)), luminance(behind)].sort((a, b) => a - b);
    return (lighter + 0.05) / (darker + 0.05);
  }

  // The part of the page that the ancestors of an element leave visible.
  function windowOf(element) {
    const clip = { left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity };
    for (let each = element; each && each !== document.documentElement; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.position === "fixed") break;
      if (each === document.body || (style.overflowX === "visible" && style.overflowY === "visible")) continue;
      const box = each.getBoundingClientRect();
      clip.left = Math.max(clip.left, box.left);
      clip.right = Math.min(clip.right, box.right);
      clip.top = Math.max(clip.top, box.top);
      clip.bottom = Math.min(clip.bottom, box.bottom);
    }
    return clip;
  }

  function isShown(element) {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const style = getComputedStyle(element);
    return style.fontSize !== "0px" && rgba(style.color).alpha > 0 && !(style.clipPath !== "none" && style.position === "absolute");
  }

  // The visible lines of each text node, a little smaller than the font, which leaves room around the letters.
  function labels() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const element = node.parentElement;
      if (!node.data.trim() || element.closest("script, style, noscript, template, option") || !isShown(element)) continue;
      range.selectNodeContents(node);
      const clip = windowOf(element);
      for (const box of range.getClientRects()) {
        const spare = box.height * 0.2;
        const line = {
          element, left: box.left, right: box.right, top: box.top + spare, bottom: box.bottom - spare,
        };
        const isInside = line.left >= clip.left - 1 && line.right <= clip.right + 1 && line.top >= clip.top && line.bottom <= clip.bottom;
        if (box.width > 0 && isInside && box.right > 0) found.push(line);
      }
    }
    return found;
  }

  function tellOverflow() {
    const width = document.documentElement.clientWidth;
    const scrolled = document.documentElement.scrollWidth;
    if (scrolled > width) troubles.push(`the page is ${scrolled} px wide in a window of ${width} px`);
    for (const element of document.body.querySelectorAll("*")) {
      if (!isShown(element) || element.closest("svg, .katex, .MathJax")) continue;
      const clip = windowOf(element.parentElement);
      const box = element.getBoundingClientRect();
      if (box.width > 1 && box.right > 0 && box.right > width + 1 && clip.right > width + 1) {
        troubles.push(`${named(element)} ends ${Math.round(box.right - width)} px right of the window`);
      }
      const style = getComputedStyle(element);
      const isCut = style.overflowX === "hidden" || style.overflowX === "clip";
      if (isCut && element.scrollWidth > element.clientWidth + 1 && box.width > 1) {
        troubles.push(`${named(element)} is cut off at its right`);
      }
    }
    for (const text of document.querySelectorAll("svg text")) {
      if (!isShown(text)) continue;
      const box = text.getBoundingClientRect();
      const around = text.ownerSVGElement.getBoundingClientRect();
      if (box.left < around.left - 1 || box.right > around.right + 1 || box.top < around.top - 1 || box.bottom > around.bottom + 1) {
        troubles.push(`${named(text)} is cut off at the edge of its drawing`);
      }
    }
  }

  function tellOverlaps(lines) {
    lines.sort((a, b) => a.top - b.top);
    const told = new Set();
    lines.forEach((first, place) => {
      for (let next = place + 1; next < lines.length && lines[next].top < first.bottom; next += 1) {
        const second = lines[next];
        const across = Math.min(first.right, second.right) - Math.max(first.left, second.left);
        if (first.element === second.element || across <= 1) continue;
        const words = `${named(first.element)} and ${named(second.element)} overlap`;
        if (!told.has(words)) troubles.push(words);
        told.add(words);
      }
    });
  }

  function tellFaint(lines) {
    const seen = new Map();
    for (const { element } of lines) {
      if (element.closest(":disabled, [aria-disabled=true]")) continue;
      const color = element.closest("svg") ? getComputedStyle(element).fill : getComputedStyle(element).color;
      if (!seen.has(element)) seen.set(element, contrast(element, color));
    }
    for (const field of document.querySelectorAll("input, textarea, select")) {
      const { color } = getComputedStyle(field);
      if (isShown(field) && !field.disabled && rgba(color).alpha > 0) seen.set(field, contrast(field, color));
      if (isShown(field) && field.placeholder && !field.value) {
        seen.set(field, contrast(field, getComputedStyle(field, "::placeholder").color));
      }
    }
    for (const [element, found] of seen) {
      if (found < leastContrast) troubles.push(`${named(element)} has a contrast of ${found.toFixed(2)}`);
    }
  }

  function tellNameless() {
    const controls = "a[href], button, input, select, textarea, summary, svg[role], table, [role=region], [role=group], [role=slider]";
    for (const element of document.querySelectorAll(controls)) {
      if (!isShown(element) || element.closest("[aria-hidden=true]")) continue;
      const by = (element.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent);
      const isContainer = ["table", "svg"].includes(element.localName) || /region|group/.test(element.getAttribute("role"));
      const own = isContainer ? element.querySelector("caption, legend, title")?.textContent : element.textContent;
      const image = element.querySelector("img[alt]")?.alt;
      const names = [element.ariaLabel, ...by, ...[...(element.labels ?? [])].map((label) => label.textContent), own, image, element.title];
      if (!names.some((name) => name?.trim())) troubles.push(`${named(element)} has no name for screen readers`);
    }
  }

  const lines = labels();
  tellOverflow();
  tellOverlaps(lines);
  tellFaint(lines);
  tellNameless();
  return troubles;
};
