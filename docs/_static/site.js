// Words that were searched for are highlighted by Sphinx, which stops with an error in the title of an SVG, and
// takes formulas apart.
document.addEventListener("DOMContentLoaded", () => {
  for (const inside of document.querySelectorAll("svg *, math *")) inside.classList.add("nohighlight");
});

// The index of rules: what is written in the box, all of its words, is what remains.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("rule-filter");
  if (!place) return;
  const box = document.createElement("input");
  box.type = "search";
  box.placeholder = "Filter: a name, a formula, what went wrong";
  box.setAttribute("aria-label", box.placeholder);
  place.append(box);
  const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  const families = [...document.querySelectorAll("table.rule-index")].map((table) => ({
    section: table.closest("section"),
    rows: [...table.querySelectorAll("tr")].map((row) => [row, plain(row.textContent)]),
  }));
  box.addEventListener("input", () => {
    const words = plain(box.value).split(/\s+/);
    for (const { section, rows } of families) {
      for (const [row, text] of rows) row.hidden = !words.every((word) => text.includes(word));
      section.hidden = rows.every(([row]) => row.hidden);
    }
  });
});
