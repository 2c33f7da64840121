// The surrogate's answer to any switches: ŷ = g⁻¹(b + Σ wₖ φₖ(z)), as surrogates/surrogate.py predicts.
for (const part of document.querySelectorAll(".iomap .whatif")) {
  const data = dataOf(part), switches = [...part.querySelectorAll("input[type=checkbox]")];
  const rows = [...part.querySelectorAll(".said tr[data-j]")];
  const asked = new Map(unpackedBits(data.asked, data.on.length).map((row, i) => [row.join(""), i]));
  const factor = ([i, low, high], z) => (low === null || low < z[i]) && (high === null || z[i] <= high);
  const term = (phi, z) => phi.box ? Number(phi.box.every((one) => factor(one, z)))
    : phi.product.reduce((out, i, n) => out * (z[i] - phi.centers[n]), 1);
  function curve(link, line) {
    if (link.kind === "logistic") return link.low + (link.high - link.low) / (1 + Math.exp(-line));
    if (link.kind === "learned") {
      const at = link.knots, to = link.values, next = at.findIndex((knot, i) => i && (line <= knot || i === at.length - 1));
      return to[next - 1] + (to[next] - to[next - 1]) * (line - at[next - 1]) / (at[next] - at[next - 1]);
    }
    if (link.kind !== "log") return line;
    const distance = Math.exp(Math.min(line * (link.high === null ? 1 : -1), 345));
    return link.high === null ? link.low + distance : link.high - distance;
  }
  function draw() {
    const on = data.on.map(() => 1);
    for (const one of switches) if (!one.checked) on[one.dataset.i] = 0;
    const z = on.map((yes, i) => (yes ? data.on : data.off)[i]);
    const phi = data.terms.map((one) => term(one, z)), known = asked.get(on.join(""));
    rows.forEach((row, j) => {
      const line = data.coef[j].reduce((sum, weight, k) => sum + weight * phi[k], data.intercept[j]);
      const value = curve(data.links[j], line), [, surrogate, model] = row.children;
      const write = (cell, number) => cell.firstElementChild.replaceChildren(shown(number, rounded(scaled(number, data.power))));
      write(surrogate, value);
      if (known === undefined) model.firstElementChild.textContent = data.answers ? "not asked" : "not kept here";
      else write(model, data.answers[j][known]);
    });
    const off = on.filter((yes) => !yes).length;
    part.querySelector(".count").textContent = off ? off + " of " + on.length + " switched off" : "all as in this input";
  }
  const all = (yes) => () => { for (const one of switches) one.checked = yes; draw(); };
  part.querySelector(".all").addEventListener("click", all(true));
  part.querySelector(".none").addEventListener("click", all(false));
  part.addEventListener("change", ({target}) => {
    // a feature may have several pieces
    for (const one of switches) if (one.dataset.i === target.dataset.i) one.checked = target.checked;
    draw();
  });
  part.hidden = false;
  all(true)();
}
