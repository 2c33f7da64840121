// Effects on any run of tokens: a linear map of the answers, as surrogates/local/token_effects.py computes them.
for (const part of document.querySelectorAll(".iomap .anyphrase")) {
  const data = dataOf(part), tokens = [...part.querySelectorAll(".tokens > span")];
  const answers = unpacked(data.answers, data.rows), weights = unpacked(data.weights, data.rows);
  const errors = unpacked(data.errors, data.rows), signs = unpackedBits(data.signs, data.names.length);
  const find = (name) => part.querySelector("." + name), marks = [...part.querySelectorAll("mark[data-i]")];
  const dot = (a, b) => { let sum = 0; for (let i = 0; i < a.length; i++) sum += a[i] * b[i]; return sum; };

  function estimated(first, stop) {
    const y = new Float64Array(data.rows), least = Math.max(...data.answers.units.slice(first, stop));
    const some = (value) => (Math.abs(value) <= least ? 0 : value);  // packing makes as much of nothing
    for (let t = first; t < stop; t++) for (let i = 0; i < data.rows; i++) y[i] += answers[t][i] / (stop - first);
    const error = errors.map((row) => dot(row, y)), m = error.length;
    const squares = dot(error, error);
    return weights.map((row, j) => {
      let sum = 0;
      for (let i = 0; i < m; i++) sum += signs[i][j] ? error[i] : -error[i];
      const variance = m ? Math.max(squares - sum * sum / m, 0) / (m - 1) : 0;
      const value = some(dot(row, y)), half = some(data.quantile * data.sizes[j] * Math.sqrt(variance));
      return {value, low: value - half, high: value + half};
    });
  }
  function effects(first, stop) {
    const ready = data.prepared.find((p) => p.first === first && p.stop === stop);
    if (!ready) return {rows: estimated(first, stop), ready};
    const row = (value, j) => ({value, low: value - ready.halves[j], high: value + ready.halves[j]});
    return {rows: ready.effects.map(row), ready};
  }
  function draw(first, stop) {
    const {rows, ready} = effects(first, stop);
    tokens.forEach((token, i) => token.setAttribute("aria-selected", String(i >= first && i < stop)));
    const phrase = tokens.slice(first, stop).map((token) => token.textContent).join("").trim();
    const count = stop - first;
    find("phrase").textContent = "“" + phrase + "”";
    find("tokens-count").textContent = count > 1 ? ": mean over " + count + " tokens; their sum is " + count + " times that" : ": one token";
    find("trust").textContent = ready ? ready.words : data.words;
    part.classList.toggle("refused", Boolean(ready && ready.refused));
    const order = rows.map((_, j) => j).sort((a, b) => Math.abs(rows[b].value) - Math.abs(rows[a].value) || a - b);
    const top = order.slice(0, data.shown), reach = Math.max(...top.map((j) => Math.max(...Object.values(rows[j]).map(Math.abs)))) || 1;
    const body = find("sources");
    body.replaceChildren(...top.map((j) => line(rows[j], data.names[j], reach)));
    const largest = Math.abs(rows[order[0]].value) || 1;
    for (const mark of marks) {
      const row = rows[mark.dataset.i], sure = row.low > 0 || row.high < 0;
      mark.className = row.value >= 0 ? "up" : "down";
      mark.style.setProperty("--strength", (Math.abs(row.value) / largest * (sure ? 0.75 : 0.3)).toFixed(2));
      mark.setAttribute("aria-description", told(row).join(" ") + " " + data.unit);
    }
  }
  const told = (row) => [signed(scaled(row.value, data.power)), between(scaled(row.low, data.power), scaled(row.high, data.power))];
  function line(row, name, reach) {
    const made = find("row").content.firstElementChild.cloneNode(true), at = (value) => 50 + 50 * value / reach;
    const cells = made.querySelectorAll("td"), axis = made.querySelector(".axis"), [effect, interval] = told(row);
    made.classList.toggle("faint", row.low <= 0 && row.high >= 0);
    cells[0].textContent = name;
    const small = document.createElement("small");
    small.className = "narrow across";
    small.textContent = " " + interval;
    cells[1].append(shown(row.value, effect), small);
    cells[2].textContent = interval;
    axis.classList.add(row.value >= 0 ? "up" : "down");
    const [bar, whisker] = axis.children;
    bar.style.left = at(Math.min(row.value, 0)) + "%";
    bar.style.width = 50 * Math.abs(row.value) / reach + "%";
    whisker.style.left = at(row.low) + "%";
    whisker.style.width = 50 * (row.high - row.low) / reach + "%";
    return made;
  }

  // `start`: where a phrase begins that a second tap, click or press of a key ends; `drag`: where a mouse went down
  let start = null, drag = null, pointer = "";
  const box = find("tokens"), select = (one, other) => draw(Math.min(one, other), Math.max(one, other) + 1);
  const at = (event) => tokens.indexOf(document.elementFromPoint(event.clientX, event.clientY));
  function chosen(i) {
    if (start === null) { start = i; select(i, i); } else { select(start, i); start = null; }
  }
  box.addEventListener("pointerdown", (event) => {
    const i = tokens.indexOf(event.target);
    pointer = event.pointerType;
    if (i < 0 || event.button || pointer !== "mouse") return;
    event.preventDefault();
    tokens[i].focus();
    drag = start === null ? i : null;
    chosen(i);
  });
  document.addEventListener("pointermove", (event) => {
    const i = drag === null ? -1 : at(event);
    if (i < 0 || (i === drag && start !== null)) return;
    start = null;
    select(drag, i);
  });
  document.addEventListener("pointerup", () => { drag = null; });
  box.addEventListener("click", (event) => {
    const i = tokens.indexOf(event.target), mouse = pointer === "mouse";
    pointer = "";
    if (i >= 0 && !mouse) chosen(i);
  });
  let anchor = null;  // where a selection by Shift and arrow keys began
  roving(box, tokens, (next, before, event) => {
    anchor = event.shiftKey ? anchor ?? before : null;
    if (event.shiftKey) { start = null; select(anchor, next); }
  });
  box.addEventListener("keydown", (event) => {
    const i = tokens.indexOf(document.activeElement);
    if (i < 0 || ![" ", "Enter"].includes(event.key)) return;
    event.preventDefault();
    chosen(i);
  });
  for (const button of part.querySelectorAll(".ready button"))
    button.addEventListener("click", () => { start = null; draw(Number(button.dataset.first), Number(button.dataset.stop)); });
  for (const text of part.querySelectorAll(".block")) roving(text, [...text.querySelectorAll("mark")]);
  part.hidden = false;
  draw(data.first, data.stop);
}
