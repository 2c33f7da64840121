// One stop of the Tab key for many pieces: arrow keys, Home and End go from one to the next.
function roving(box, pieces, moved = () => {}) {
  if (!pieces.length) return;
  pieces.forEach((piece, i) => { piece.tabIndex = i ? -1 : 0; });
  const stay = (piece) => pieces.forEach((other) => { other.tabIndex = other === piece ? 0 : -1; });
  box.addEventListener("focusin", (event) => {
    const piece = event.target.closest("[tabindex]");
    if (pieces.includes(piece)) stay(piece);
  });
  box.addEventListener("keydown", (event) => {
    const at = pieces.indexOf(document.activeElement);
    const to = {ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0,
      End: pieces.length - 1}[event.key];
    if (event.key === "Escape" && at >= 0) document.activeElement.blur();
    if (at < 0 || to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = Math.min(Math.max(to, 0), pieces.length - 1);
    pieces[next].focus();
    moved(next, at, event);
  });
}
