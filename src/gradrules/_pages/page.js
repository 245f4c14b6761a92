"use strict";
// What both pages do: open things when asked, filter records, copy scripts.

const data = JSON.parse(document.getElementById("data").textContent);
const STEP = 100;

function make(tag, attributes, ...children) {
  const drawn = ["svg", "rect", "line", "text", "title"].includes(tag);
  const node = drawn ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function say(text) {
  document.getElementById("said").textContent = text;
}

function mark(state) {
  return make("span", { class: "mark", "aria-hidden": "true" }, data.states[state].mark);
}

function scientific(number) {
  return number === null || number === undefined ? "" : number === 0 ? "0" : number.toExponential(1);
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers give no clipboard to some files; the older way needs a selection.
    const area = make("textarea", {});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = "Copied";
  say("Copied");
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function script(text, label) {
  return make("div", { class: "script" },
    make("pre", { tabindex: "0", "aria-label": label }, text),
    make("button", { type: "button", class: "copy" }, "Copy"));
}

let panels = 0;

// Open or close what belongs to a button of a table: a row beneath its own, made when first seen.
function toggle(button, build) {
  const row = button.closest("tr");
  const open = button.getAttribute("aria-expanded") === "true";
  const before = row.nextElementSibling;
  if (before && before.classList.contains("opened")) before.remove();
  for (const other of row.querySelectorAll('[aria-expanded="true"]')) {
    other.setAttribute("aria-expanded", "false");
    other.removeAttribute("aria-controls");
  }
  if (open) return;
  panels += 1;
  const panel = make("div", { class: "panel", id: `panel-${panels}`, role: "region", "aria-label": button.textContent.trim() }, build());
  const width = [...row.cells].reduce((total, cell) => total + cell.colSpan, 0);
  row.after(make("tr", { class: "opened" }, make("td", { colspan: width }, panel)));
  button.setAttribute("aria-expanded", "true");
  button.setAttribute("aria-controls", panel.id);
}

// The records that fit the words and the chosen states, a hundred at a time.
function listing(columns, records, { state, words, line }) {
  const table = document.getElementById("records");
  const [head, body] = [table.tHead.rows[0], table.tBodies[0]];
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const search = document.getElementById("words");
  const boxes = [...document.querySelectorAll('input[name="state"]')];
  const indexed = records.map((record) => words(record).toLowerCase());
  let fitting = [];
  for (const [name, kind] of columns) head.append(make("th", { scope: "col", class: kind }, name));

  function show() {
    const start = body.querySelectorAll("tr:not(.opened)").length;
    body.append(...fitting.slice(start, start + STEP).map(line));
    more.hidden = start + STEP >= fitting.length;
  }
  function filter() {
    const chosen = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    fitting = records.filter((record, i) => chosen.has(state(record)) && wanted.every((word) => indexed[i].includes(word)));
    count.textContent = `${fitting.length.toLocaleString("en")} of ${records.length.toLocaleString("en")}`;
    body.replaceChildren();
    show();
  }
  search.addEventListener("input", filter);
  for (const box of boxes) box.addEventListener("change", filter);
  more.addEventListener("click", show);
  filter();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.classList.contains("copy")) copy(button, button.parentNode.querySelector("pre").textContent);
  else if (button.classList.contains("cell")) toggle(button, () => cell(button.dataset.row, button.dataset.column));
});
