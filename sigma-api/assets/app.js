// What makes the pages better where scripts run. Everything works without.
"use strict";

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
/** An element: its tag, what it has, what is in it. */
const make = (tag, has = {}, ...inside) => {
  const made = Object.assign(document.createElement(tag), has);
  made.append(...inside);
  return made;
};
const rows = () => all("#rows > tr");
const is_typing = (at) => at.isContentEditable || at.matches("textarea, select, input:not([type=checkbox], [type=radio])");

/* What is said aloud, and seen by nobody. */
const voice = make("p", { className: "unseen", role: "status", ariaLive: "polite" });
document.body.append(voice);
const say = (sentence) => {
  // The same sentence twice is said twice.
  voice.textContent = voice.textContent === sentence ? sentence + "\u00a0" : sentence;
};

/* Times: "5 s ago" goes on. The clock is the hub's. */
let ahead = 0;
const set_clock = (hub) => { ahead = Date.now() - Number(hub); };
const long = (s) => s < 120 ? `${s} s` : s < 7200 ? `${Math.floor(s / 60)} min`
  : s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} days`;
const tick = () => {
  for (const time of all("time[datetime*=T]")) {
    if (time.textContent && !time.textContent.endsWith(" ago")) continue;
    const passed = Math.max(0, Date.now() - ahead - Date.parse(time.dateTime));
    const words = long(Math.floor(passed / 1000)) + " ago";
    if (time.textContent !== words) time.textContent = words;
  }
};
setInterval(() => document.hidden || tick(), 3000);

/* Copying: buttons with data-copy="#id of what is copied", and one beside each address. */
/** Where the browser lets no page copy, a person can. */
const by_hand = (text) => {
  const area = make("textarea", { value: text, readOnly: true, rows: 4, cols: 40, ariaLabel: "To copy" });
  const dialog = make("dialog", { ariaLabel: "Copy by hand", onclose: () => dialog.remove() },
    make("p", {}, "The browser does not let this page copy. The text is marked: press Ctrl+C, or copy it from here."), area,
    make("form", { method: "dialog" }, make("button", {}, "Close")));
  document.body.append(dialog);
  dialog.showModal();
  area.select();
};
/** Says whether it did. */
const copy = async (text) => {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain http there is no clipboard but this.
    const focus = document.activeElement, area = make("textarea", { value: text, className: "unseen" });
    (one("dialog[open]") ?? document.body).append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    focus?.focus({ preventScroll: true });
  }
  if (done) say("Copied");
  else by_hand(text);
  return done;
};
const add_copying = (within) => {
  for (const button of all("[data-copy]", within)) button.hidden = false;
  for (const ip of all("li.ip", within)) {
    if (one(".copy", ip)) continue;
    const text = ip.textContent.trim();
    // Not on the way of the Tab key, which has rows to cross: the key c does the same.
    ip.append(make("button", { type: "button", className: "copy", tabIndex: -1, title: "Copy", ariaLabel: `Copy ${text}`, value: text }));
  }
};
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy], .copy");
  if (!button) return;
  const from = button.dataset.copy && one(button.dataset.copy);
  if (!await copy(from ? (from.value ?? from.textContent).trim() : button.value)) return;
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
});

/* data-confirm="sentence" on a form or a button: asks first. */
document.addEventListener("submit", (event) => {
  const sentence = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (sentence && !confirm(sentence)) event.preventDefault();
});

/* data-poll="/url": what is there replaces the element, every 3 seconds. */
/** What stands there, without what this script put there and times, which go on by themselves. */
const said = (element) => {
  const plain = element.cloneNode(true);
  for (const made of all(".copy", plain)) made.remove();
  for (const button of all("[data-copy]", plain)) button.hidden = true;
  for (const time of all("time", plain)) time.textContent = "";
  return plain.innerHTML.trim();
};
const poll = async (element) => {
  const answer = await fetch(element.dataset.poll, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = element.id && page.getElementById(element.id);
  // Nobody's focus or marked text is taken away: it is asked again soon.
  if (said(fresh || page.body) === said(element) || element.contains(document.activeElement) || is_marked(element)) return;
  if (fresh) element.replaceWith(fresh);
  else element.replaceChildren(...page.body.childNodes);
  add_copying(fresh || element);
};
setInterval(() => document.hidden || all("[data-poll]").forEach((element) => poll(element).catch(() => {})), 3000);

/* Menus close where one would expect it. */
const close_menus = (but) => {
  for (const menu of all("details.menu[open]")) if (menu !== but) menu.open = false;
};
document.addEventListener("click", (event) => close_menus(event.target.closest?.("details.menu")));

/* Choosing machines. */
const bar = one("#bulk");
let last_picked = null;
const boxes = () => all("#rows input[name=id]");
const count = () => {
  if (!bar) return;
  const [of_page, whole] = [one("#pick-page"), one("#pick-all")];
  const picked = boxes().filter((box) => box.checked).length;
  bar.hidden = !picked && !whole.checked;
  one("#chosen").textContent = whole.checked ? "All that are found" : picked === 1 ? "1 machine" : `${picked} machines`;
  of_page.checked = picked > 0 && picked === boxes().length;
  of_page.indeterminate = picked > 0 && !of_page.checked;
};
const pick = (box, on, is_range) => {
  const every = boxes();
  const [from, to] = [every.indexOf(last_picked), every.indexOf(box)].sort((a, b) => a - b);
  const range = is_range && from >= 0 ? every.slice(from, to + 1) : [box];
  for (const each of range) each.checked = on;
  last_picked = box;
  count();
};
if (bar) {
  one("#pick-page").hidden = one("#pick-none").hidden = false;
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (box.matches?.("#rows input[name=id]")) pick(box, box.checked, event.shiftKey);
  });
  bar.addEventListener("change", count);
  one("#pick-page").addEventListener("change", (event) => {
    for (const box of boxes()) box.checked = event.target.checked;
    count();
  });
  one("#pick-none").addEventListener("click", () => {
    for (const box of boxes()) box.checked = false;
    one("#pick-all").checked = false;
    count();
    rows()[0]?.focus();
  });
  addEventListener("pageshow", count);
  count();
}

/* Keys. */
const keys = [
  ["/", "Search"], ["j", "Next machine"], ["k", "Previous machine"], ["o", "Open the machine"], ["x", "Choose it"],
  ["Shift x", "Choose all from the last one to it"], ["c", "Copy its first address"], ["Esc", "Close what is open"], ["?", "This list"],
];
/* Who speaks to a computer types keys without meaning to: they can be switched off. */
const kept_keys = (word) => {
  try {
    if (word) localStorage.setItem("keys", word);
    return localStorage.getItem("keys");
  } catch { /* A browser that keeps nothing has them on. */ }
};
let has_keys = kept_keys() !== "off";
const help = () => {
  const dialog = one("#keys") ?? make("dialog", { id: "keys", ariaLabel: "Keys" }, make("h2", {}, "Keys"),
    make("dl", {}, ...keys.flatMap(([key, what]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, what)])),
    make("p", {}, make("label", { className: "check" }, make("input", {
      type: "checkbox", checked: has_keys, onchange: (event) => kept_keys((has_keys = event.target.checked) ? "on" : "off"),
    }), " These keys work here. Without them this list is on the page of your account.")),
    make("form", { method: "dialog" }, make("button", {}, "Close")));
  if (!dialog.isConnected) document.body.append(dialog);
  if (!dialog.open) dialog.showModal();
  return true;
};
for (const button of all("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", help);
}
const here = () => document.activeElement.closest?.("#rows > tr");
const go = (row) => {
  if (!row) return;
  row.tabIndex = -1;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
  return true;
};
/** Each says whether it did something. */
const deeds = {
  "/": () => {
    one("input[name=q]")?.select();
    return one("input[name=q]");
  },
  "?": help,
  j: () => go(here() ? here().nextElementSibling : rows()[0]),
  k: () => go(here() ? here().previousElementSibling : rows().at(-1)),
  o: () => {
    const link = here() && one("th a", here());
    link?.click();
    return link;
  },
  x: (event) => {
    const box = here() && one("input[name=id]", here());
    if (box) pick(box, event.shiftKey || !box.checked, event.shiftKey);
    return box;
  },
  c: () => here() && one(".copy", here()) && copy(one(".copy", here()).value),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const at = event.target;
  if (event.key === "Escape") {
    const menu = at.closest?.("details.menu[open]");
    close_menus();
    menu && one("summary", menu).focus();
    return;
  }
  if (is_typing(at) || one("dialog[open]")) return;
  const is_row = at.matches("#rows > tr");
  const deed = event.key === "Enter" ? is_row && deeds.o : deeds[event.key.length === 1 ? event.key.toLowerCase() : ""];
  if (deed && (has_keys || event.key === "Enter") && deed(event)) event.preventDefault();
});

/* The fleet, live: what changes on the hub changes here, in its place. */
const fleet = one("[data-live]");
const lost_line = make("p", { className: "lost", hidden: true, role: "status" });
let source = null, lost_since = null, heard = 0, wait = 5000, again = 0;

const focusable = (row) => all("a, button, input", row);
/** Puts a fresh row in the place of the old one; what was chosen and where one is stays. */
const swap = (old, fresh) => {
  const at = document.activeElement, place = focusable(old).indexOf(at);
  const box = one("input[name=id]", old);
  if (box) {
    const fresh_box = one("input[name=id]", fresh);
    fresh_box.checked = box.checked;
    if (last_picked === box) last_picked = fresh_box;
  }
  old.replaceWith(fresh);
  if (at === old) go(fresh);
  else if (place >= 0) focusable(fresh)[place]?.focus({ preventScroll: true });
};
const is_marked = (row) => {
  const chosen = getSelection();
  return !chosen.isCollapsed && chosen.containsNode(row, true);
};
/** Fresh rows that wait until nothing is marked in the old ones. */
const held = new Map();
let letting_go = 0;
document.addEventListener("selectionchange", () => {
  if (!held.size) return;
  clearTimeout(letting_go);
  // Not in the middle of a click or while one still marks.
  letting_go = setTimeout(() => {
    for (const [old, fresh] of held) {
      if (old.isConnected && is_marked(old)) continue;
      held.delete(old);
      if (old.isConnected) swap(old, fresh);
    }
    tick();
    count();
  }, 400);
});
const take_rows = (news) => {
  const body = one("#rows");
  if (!body) return location.reload();
  for (const { id, html, first } of news.rows) {
    const from = make("template");
    // Our own hub made it, as it makes the page.
    from.innerHTML = html;
    const fresh = from.content.firstElementChild, old = document.getElementById("m-" + id);
    add_copying(fresh);
    // Nobody's marked text is taken away.
    held.delete(old);
    if (old && is_marked(old)) held.set(old, fresh);
    else if (old) swap(old, fresh);
    if (!old) {
      fresh.classList.add("new");
      body.append(fresh);
    }
    // After a break the hub tells some again.
    if (first && !old) say(first);
  }
  if (news.order) {
    const at = document.activeElement;
    const wanted = new Set(news.order.map((id) => "m-" + id));
    for (const row of rows()) if (!wanted.has(row.id)) row.remove();
    let place = body.firstElementChild;
    for (const id of wanted) {
      const row = document.getElementById(id);
      if (row === place) place = place.nextElementSibling;
      else if (row) body.insertBefore(row, place);
    }
    if (at !== document.activeElement && at.isConnected) at.focus({ preventScroll: true });
  }
  tick();
  count();
};
const take_sum = (news) => {
  const put = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };
  put(one(".head .sum"), news.sum);
  put(one("#span"), news.span);
  put(one("#all-of-them"), news.all);
  if (bar) one("input[name=found]", bar).value = news.found;
  all(".chips b").forEach((chip, index) => put(chip, String(news.chips[index] ?? news.found)));
};
const lost = () => {
  stop();
  lost_since ??= new Date();
  again = setTimeout(live, wait * (0.7 + 0.6 * Math.random()));
  wait = Math.min(wait * 1.5, 60000);
};
const hear = (event) => {
  heard = Date.now();
  lost_since = null;
  wait = 5000;
  lost_line.hidden = true;
  if (event.lastEventId) set_clock(event.lastEventId);
  return event.data ? JSON.parse(event.data) : null;
};
function stop() {
  clearTimeout(again);
  source?.close();
  source = null;
}
function live() {
  stop();
  heard = Date.now();
  const have = rows().map((row) => row.dataset.v).join("");
  source = new EventSource(`${fleet.dataset.live}&since=${fleet.dataset.now}&have=${have}`);
  source.addEventListener("rows", (event) => take_rows(hear(event)));
  source.addEventListener("sum", (event) => take_sum(hear(event)));
  source.addEventListener("still", hear);
  source.onerror = lost;
}
if (fleet) {
  set_clock(fleet.dataset.now);
  fleet.before(lost_line);
  // Browsers open few connections to one place: only a page that is seen has one.
  document.addEventListener("visibilitychange", () => document.hidden ? stop() : live());
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && live());
  setInterval(() => {
    if (source && Date.now() - heard > 35000) lost();
    if (lost_since && Date.now() - lost_since > 10000 && !document.hidden) {
      const sentence = `Not live since ${lost_since.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })}; trying again.`;
      if (lost_line.textContent !== sentence) lost_line.textContent = sentence;
      lost_line.hidden = false;
    }
  }, 1000);
  if (!document.hidden) live();
}
add_copying(document);
