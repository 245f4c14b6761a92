// The page of a check: records of laws.

const records = data.records.map(([rule, backend, law, status, error, tolerance, name, seconds, said], number) =>
  ({ rule, backend, law, status, error, tolerance, name, seconds, said, number }));

function share(record) {
  return record.error === null || !record.tolerance ? null : record.error / record.tolerance;
}

// Counts by power of ten of error / tolerance, from 1e-10 and below to 1e4 and beyond.
function plot(list) {
  const bins = new Array(14).fill(0);
  for (const record of list) {
    const ratio = share(record);
    if (ratio === null) continue;
    const power = ratio === 0 ? -10 : ratio > 1 ? Math.max(Math.log10(ratio), 0.01) : Math.min(Math.log10(ratio), -0.01);
    bins[Math.min(13, Math.max(0, Math.floor(power) + 10))] += 1;
  }
  const total = bins.reduce((a, b) => a + b, 0);
  if (!total) return null;
  const highest = Math.max(...bins);
  const beyond = bins.slice(10).reduce((a, b) => a + b, 0);
  const drawing = make("svg", { class: "plot", viewBox: "0 0 210 44", role: "img" },
    make("title", {}, `${total} errors over their tolerance on a log scale; ${beyond} beyond the tolerance`),
    make("line", { class: "axis", x1: 0, x2: 210, y1: 32, y2: 32 }));
  bins.forEach((count, i) => {
    if (!count) return;
    const height = Math.max(2, 30 * count / highest);
    drawing.append(make("rect", { class: i > 9 ? "beyond" : null, x: 15 * i + 1, y: 32 - height, width: 13, height }));
  });
  for (const power of [-8, -4, 0]) {
    const x = 15 * (power + 10);
    drawing.append(make("line", { class: power ? "axis" : "limit", x1: x, x2: x, y1: power ? 32 : 0, y2: 35 }),
      make("text", { x, y: 44 }, power ? `1e${power}` : "1"));
  }
  return drawing;
}

function cell(rule, backend) {
  const laws = new Map();
  for (const record of records) {
    if (record.rule !== rule || record.backend !== backend) continue;
    if (!laws.has(record.law)) laws.set(record.law, []);
    laws.get(record.law).push(record);
  }
  const body = make("tbody", {});
  for (const [law, list] of laws) {
    const states = Object.keys(data.states).filter((state) => list.some((r) => r.status === state));
    const button = make("button", { type: "button", class: `state ${data.states[states[0]].style}`, "aria-expanded": "false" },
      mark(states[0]), states.map((state) => `${list.filter((r) => r.status === state).length} ${data.states[state].word}`).join(", "));
    button.addEventListener("click", () => toggle(button, () => inputs(list)));
    body.append(make("tr", {}, make("th", { scope: "row" }, law), make("td", {}, button), make("td", {}, plot(list)),
      make("td", { class: "number" }, `${list.reduce((sum, r) => sum + r.seconds, 0).toFixed(2)} s`)));
  }
  return make("div", {}, make("h3", {}, `${rule} on ${backend}`),
    make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {},
      ...["law", "inputs", "error / tolerance"].map((name) => make("th", { scope: "col" }, name)),
      make("th", { scope: "col", class: "number" }, "time"))), body)));
}

function inputs(list) {
  return make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {},
    ...["input", "", "error", "tolerance", "message"].map((name) => make("th", { scope: "col" }, name || make("span", { class: "unseen" }, "status"))))),
  make("tbody", {}, ...list.map((r) => make("tr", {}, make("th", { scope: "row", class: "prose" }, r.name || "all"), make("td", {}, status(r)),
    make("td", { class: "number" }, scientific(r.error)), make("td", { class: "number" }, scientific(r.tolerance)),
    make("td", { class: "prose" }, r.said.message || ""))))));
}

function status(record) {
  const { style } = data.states[record.status];
  return make("span", { class: style }, mark(record.status), record.status);
}

function detail(record) {
  const facts = make("dl", {});
  const add = (name, value, kind) => value && facts.append(make("dt", {}, name), make("dd", { class: kind }, value));
  add("input", record.name);
  add("error", scientific(record.error));
  add("tolerance", scientific(record.tolerance));
  add("seconds", record.seconds.toFixed(3));
  const { repeat, ...said } = record.said;
  for (const [name, text] of Object.entries(said)) add(name, text, "data");
  return make("div", { class: "detail" }, facts, repeat ? script(repeat, "The command that repeats it") : null);
}

listing([["rule"], ["backend"], ["law"], ["status"], ["input", "case"], ["error", "number"], ["tolerance", "number"], ["", ""]], records, {
  state: (r) => r.status,
  words: (r) => `${r.rule} ${r.backend} ${r.law} ${r.status} ${r.name} ${r.said.message || ""}`,
  line: (r) => {
    const button = make("button", { type: "button", class: "open", "aria-expanded": "false" }, "Open",
      make("span", { class: "unseen" }, ` ${r.rule}, ${r.backend}, ${r.law}, ${r.name}`));
    button.addEventListener("click", () => toggle(button, () => detail(r)));
    return make("tr", {}, make("th", { scope: "row" }, r.rule), make("td", {}, r.backend), make("td", {}, r.law), make("td", {}, status(r)),
      make("td", { class: "case" }, r.name), make("td", { class: "number" }, scientific(r.error)),
      make("td", { class: "number" }, scientific(r.tolerance)), make("td", {}, button));
  },
});

for (const row of document.querySelectorAll("#laws tbody tr")) {
  const drawing = plot(records.filter((r) => r.law === row.dataset.law));
  row.querySelector(".plot").append(drawing || "");
}
