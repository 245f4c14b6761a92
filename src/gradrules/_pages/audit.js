// The page of an audit: findings about functions.

const records = data.records.map(([rule, backend, where, mode, native, ours, truth, tolerance, input, code], number) =>
  ({ rule, backend, where, mode, native, ours, truth, tolerance, input, code, number }));

function verdict(given) {
  const [word, error] = given;
  return word === "wrong" && error !== null ? `wrong ${scientific(error)}` : word;
}

function chip(record) {
  const [word] = record.native;
  const button = make("button", { type: "button", class: `state ${data.states[word].style}`, "aria-expanded": "false" },
    mark(word), make("span", { class: "unseen" }, `${record.where}, ${record.mode}: `), verdict(record.native));
  button.addEventListener("click", () => toggle(button, () => detail(record)));
  return button;
}

function cell(rule, backend) {
  const list = records.filter((r) => r.rule === rule && r.backend === backend);
  const modes = [...new Set(list.map((r) => r.mode))];
  const rows = new Map();
  for (const record of list) {
    if (!rows.has(record.where)) rows.set(record.where, new Map());
    rows.get(record.where).set(record.mode, record);
  }
  const body = make("tbody", {});
  for (const [where, found] of rows) {
    body.append(make("tr", {}, make("th", { scope: "row" }, where),
      ...modes.map((mode) => make("td", {}, found.has(mode) ? chip(found.get(mode)) : null))));
  }
  return make("div", {}, make("h3", {}, `${data.functions[`${rule} ${backend}`] || `${rule}: ${backend} has none`}`),
    make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `${rule} on ${backend}` },
      make("table", { class: "situations" }, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "input"),
        ...modes.map((mode) => make("th", { scope: "col" }, mode)))), body)));
}

function came(given) {
  const [word, error, found, message] = given;
  const parts = [found, message].filter(Boolean).join("; ");
  return make("span", {}, make("b", { class: data.states[word].style }, mark(word), verdict([word, error])), parts ? ` ${parts}` : "");
}

function detail(record) {
  const facts = make("dl", {});
  const add = (name, value, kind) => facts.append(make("dt", {}, name), make("dd", { class: kind }, value));
  add("question", `${record.where}; ${record.mode}`);
  add("input", data.inputs[record.input], "data");
  add("truth", record.truth === null ? "none: a number is wrong here" : String(record.truth), "data");
  add(record.backend, came(record.native));
  add("gradrules", came(record.ours));
  add("tolerance", record.truth === null ? "–" : `${scientific(record.tolerance)}, relative; an error of 100 tolerances is called wrong`);
  return make("div", { class: "detail" }, facts,
    record.code ? make("div", {}, make("h3", {}, `With ${record.backend} alone`), script(record.code, "A script that shows it")) : null);
}

listing([["function"], ["framework"], ["input", "case"], ["derivative"], ["theirs"], ["ours"]], records, {
  state: (r) => r.native[0],
  words: (r) => `${r.rule} ${r.backend} ${r.where} ${r.mode} ${r.native[0]} ${r.native[3]}`,
  line: (r) => make("tr", {}, make("th", { scope: "row" }, r.rule), make("td", {}, r.backend), make("td", { class: "case" }, r.where),
    make("td", {}, r.mode), make("td", {}, chip(r)),
    make("td", {}, make("span", { class: data.states[r.ours[0]].style }, mark(r.ours[0]), verdict(r.ours)))),
});
