// What must be true of every page, as it is laid out now. Returns sentences about what is not.
const faults = [];
document.activeElement?.blur();
const all = (selector) => [...document.querySelectorAll(selector)];
const say = (element) => {
  const text = (element.getAttribute("aria-label") || element.textContent || element.getAttribute("name") || "").trim();
  const id = element.id ? "#" + element.id : "";
  const kind = element.classList.length ? "." + [...element.classList].join(".") : "";
  return `<${element.localName}${id}${kind}> "${text.replace(/\s+/g, " ").slice(0, 40)}"`;
};
const isShown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
const width = document.documentElement.clientWidth;

// Structure.
if (!document.documentElement.lang) faults.push("the page does not say its language");
if (!/^\S.* · Sigma$/.test(document.title)) faults.push(`the title ${JSON.stringify(document.title)} is not "… · Sigma"`);
const mains = all("main").filter(isShown).length;
if (mains !== 1) faults.push(`${mains} main landmarks`);
const ones = all("h1").filter(isShown).length;
if (ones !== 1) faults.push(`${ones} headings of the first level`);
let level = 0;
for (const heading of all("h1, h2, h3, h4, h5, h6").filter(isShown)) {
  const own = Number(heading.localName[1]);
  if (own > level + 1) faults.push(`${say(heading)} follows a heading of level ${level}`);
  level = own;
}
const seen = new Set();
for (const element of all("[id]")) {
  if (seen.has(element.id)) faults.push(`the id ${element.id} is there twice`);
  seen.add(element.id);
}
for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
  for (const element of all(`[${name}]`)) {
    for (const id of element.getAttribute(name).split(/\s+/)) {
      if (id && !document.getElementById(id)) faults.push(`${say(element)} names ${id} in ${name}, which is not there`);
    }
  }
}
for (const cell of all("th")) {
  if (!["row", "col", "rowgroup", "colgroup"].includes(cell.getAttribute("scope"))) faults.push(`${say(cell)} has no scope`);
}
for (const image of all("img")) if (!image.hasAttribute("alt")) faults.push(`${say(image)} has no alt`);
for (const image of all("svg")) {
  if (image.parentElement.closest("svg") || image.closest("[aria-hidden=true], button, a")) continue;
  if (image.getAttribute("role") !== "img") faults.push(`${say(image)} has neither role="img" nor aria-hidden`);
}
for (const element of all("[tabindex]")) if (element.tabIndex > 0) faults.push(`${say(element)} has a place of its own in the order of Tab`);

// Width: nothing may stand out to the right, or the whole page could be pushed.
const root = document.documentElement;
if (root.scrollWidth > width) {
  const out = all("body *").filter((element) => {
    const box = element.getBoundingClientRect();
    return isShown(element) && box.right + scrollX > width + 1 && !inScroller(element);
  });
  faults.push(`the page is ${root.scrollWidth} wide at ${width}: ${out.slice(0, 3).map(say).join(", ")}`);
}
function inScroller(element) {
  for (let parent = element.parentElement; parent && parent !== document.body; parent = parent.parentElement) {
    if (getComputedStyle(parent).overflowX !== "visible") return true;
  }
  return false;
}

// Size of targets (WCAG 2.2, 2.5.8): 24 by 24, or a circle of that size that meets no other; links in text are excepted.
const TARGETS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=switch], [tabindex='0']";
const targets = all(TARGETS).filter((element) => isShown(element) && !element.disabled && !isOff(element) && !isCovered(element)).map((element) => {
  const boxes = [element, ...(element.labels || [])].map((part) => part.getBoundingClientRect()).filter((box) => box.width && box.height);
  const own = element.getBoundingClientRect();
  // A label that is clicked counts, if it touches its field.
  const near = boxes.filter((box) => box.left <= own.right + 8 && own.left <= box.right + 8 && box.top <= own.bottom + 8 && own.top <= box.bottom + 8);
  const left = Math.min(...near.map((box) => box.left)), right = Math.max(...near.map((box) => box.right));
  const top = Math.min(...near.map((box) => box.top)), bottom = Math.max(...near.map((box) => box.bottom));
  return { element, left, right, top, bottom, isSmall: right - left < 23.9 || bottom - top < 23.9 };
});
for (const target of targets.filter((target) => target.isSmall && !isInText(target.element))) {
  const x = (target.left + target.right) / 2, y = (target.top + target.bottom) / 2;
  const other = targets.find((other) => {
    if (other === target || other.element.contains(target.element) || target.element.contains(other.element)) return false;
    if (other.isSmall) return Math.hypot((other.left + other.right) / 2 - x, (other.top + other.bottom) / 2 - y) < 23.9;
    const dx = Math.max(other.left - x, 0, x - other.right), dy = Math.max(other.top - y, 0, y - other.bottom);
    return Math.hypot(dx, dy) < 11.9;
  });
  const size = `${Math.round(target.right - target.left)} by ${Math.round(target.bottom - target.top)}`;
  if (other) faults.push(`${say(target.element)} is ${size}, too near to ${say(other.element)}`);
}
function isInText(element) {
  if (element.localName !== "a" || getComputedStyle(element).display !== "inline") return false;
  return [...element.parentElement.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && /\w/.test(node.data));
}
// Out of sight until it has the focus, as the link that skips to the content.
function isOff(element) {
  if (isClipped(element.closest("thead"))) return true;
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  return box.right + scrollX <= 0 || box.bottom + scrollY <= 0 || (box.width <= 1 && box.height <= 1) || /inset\(50%|rect\((0|1)px/.test(style.clipPath + style.clip);
}

// Under a menu that is open nothing can be hit.
function isCovered(element) {
  const box = element.getBoundingClientRect();
  const above = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2)?.closest("details.menu[open] > :not(summary), dialog[open]");
  return above && !above.contains(element);
}
function isClipped(element) {
  return element && /inset\(50%/.test(getComputedStyle(element).clipPath);
}

// Contrast. A canvas turns every notation of a colour into bytes.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const colours = new Map();
function colour(text) {
  if (!colours.has(text)) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = "#000";
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    colours.set(text, [red, green, blue, alpha / 255]);
  }
  return colours.get(text);
}
const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3])).concat(1);
function luminance(rgb) {
  const [red, green, blue] = rgb.slice(0, 3).map((byte) => {
    const part = byte / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(one, two) {
  const [dark, light] = [luminance(one), luminance(two)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
// All the grounds that may lie under an element: more than one where there are gradients.
const canvasColour = matchMedia("(prefers-color-scheme: dark)").matches && /dark/.test(getComputedStyle(root).colorScheme) ? [18, 18, 18, 1] : [255, 255, 255, 1];
const grounds = new Map();
function groundsOf(element) {
  if (!element) return [canvasColour];
  if (!grounds.has(element)) {
    const style = getComputedStyle(element);
    const own = colour(style.backgroundColor);
    const stops = style.backgroundImage.includes("gradient") ? (style.backgroundImage.match(/(rgba?|hsla?|oklab|oklch|lab|lch|color)\([^()]*\)/g) || []).map(colour) : [];
    const isAll = own[3] === 1;
    let below = isAll ? [own] : groundsOf(element.parentElement).map((ground) => over([...own.slice(0, 3), own[3] * Number(style.opacity)], ground));
    if (stops.length) below = below.concat(below.flatMap((ground) => stops.map((stop) => over(stop, ground))));
    grounds.set(element, below.slice(0, 16));
  }
  return grounds.get(element);
}
const told = new Set();
function readable(element, style, text) {
  if (element.closest(":disabled, [aria-disabled=true]")) return;
  let opacity = 1;
  for (let part = element; part; part = part.parentElement) opacity *= Number(getComputedStyle(part).opacity);
  const ink = colour(style.color);
  const size = parseFloat(style.fontSize), isBold = Number(style.fontWeight) >= 700;
  const least = size >= 24 || (isBold && size >= 18.66) ? 3 : 4.5;
  const found = Math.min(...groundsOf(element).map((ground) => contrast(over([...ink.slice(0, 3), ink[3] * opacity], ground), ground)));
  const key = `${element.localName}.${element.className}${style.color}`;
  if (found < least && !told.has(key)) {
    told.add(key);
    faults.push(`${say(element)}: the contrast of "${text.trim().slice(0, 30)}" is ${found.toFixed(2)}, below ${least}`);
  }
}
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, element = node.parentElement;
  if (!/\S/.test(node.data) || ["SCRIPT", "STYLE", "NOSCRIPT", "OPTION"].includes(element.tagName)) continue;
  if (element.closest("template, title, desc") || !isShown(element) || isOff(element)) continue;
  readable(element, getComputedStyle(element), node.data);
}
for (const element of all("body *").filter(isShown)) {
  for (const part of ["::before", "::after"]) {
    const style = getComputedStyle(element, part);
    if (/^"[^"]*\S[^"]*"/.test(style.content)) readable(element, style, style.content);
  }
}
for (const field of all("input:not([type=hidden], [type=checkbox], [type=radio]), textarea, select").filter(isShown)) {
  const isEmpty = !field.value && field.placeholder;
  readable(field, getComputedStyle(field, isEmpty ? "::placeholder" : null), field.placeholder || field.value || "text");
}

// Focus: each that can have it must show it, and more than by a colour that nobody tells from the ground.
const look = (style) => [style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow, style.backgroundColor, style.borderColor, style.textDecorationLine].join("|");
for (const element of all(TARGETS).filter((element) => isShown(element) && !element.disabled && element.tabIndex >= 0).slice(0, 150)) {
  element.blur();
  const without = look(getComputedStyle(element));
  element.focus({ preventScroll: true, focusVisible: true });
  if (document.activeElement !== element) continue;
  const style = getComputedStyle(element);
  if (look(style) === without) faults.push(`${say(element)} does not show the focus`);
  else if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) {
    const ground = groundsOf(element.parentElement);
    const found = Math.min(...ground.map((ground) => contrast(over(colour(style.outlineColor), ground), ground)));
    if (found < 3) faults.push(`${say(element)}: the contrast of the focus is ${found.toFixed(2)}, below 3`);
  }
  element.blur();
}
return faults;
