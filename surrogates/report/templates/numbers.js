// Numbers as probes/rounding.py writes them; a test compares the two.
const MINUS = "−", LESS = 1e-4;
function fixed(value, decimals) {
  const text = value.toFixed(decimals), digits = value.toFixed(100).split(".")[1];
  // of two that are as near the even one, as in Python
  if (/^50*$/.test(digits.slice(decimals)) && Number(text.at(-1)) % 2)
    return (Number(text) - Math.sign(value) * 10 ** -decimals).toFixed(decimals);
  return text;
}
function grouped(text) {
  const [whole, rest] = text.replace("-", MINUS).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest ? "." + rest : "");
}
function rounded(value) {
  if (!Number.isFinite(value)) return "";
  const size = Math.abs(value);
  if (size > 0 && size < LESS / 2) return (value < 0 ? MINUS : "") + "<0.0001";
  if (value >= 0.995 && value < 1 - 1e-9)
    return [3, 4].map((decimals) => fixed(value, decimals)).find((text) => text < "1") || ">0.9999";
  const leading = size ? Number(size.toExponential(2).split("e")[1]) : 0;
  let kept = Math.min(Math.max(2 - leading, 0), 4);
  for (let decimals = 0; decimals < kept; decimals++)
    if (Math.abs(value - Number(value.toFixed(decimals))) <= 1e-9 * size) kept = decimals;
  return grouped(fixed(value || 0, kept));
}
const signed = (value) => (value > 0 ? "+" : "") + rounded(value);
const between = (low, high) => "[" + rounded(low) + ", " + rounded(high) + "]";
const scaled = (value, power) => (power ? value / 10 ** power : value);
// tables and rows as surrogates/report/scripts.py packs them
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
function unpacked(table, columns) {
  const view = new DataView(bytes(table.numbers).buffer);
  return table.units.map((unit, row) =>
    Float64Array.from({length: columns}, (_, i) => unit * view.getInt16(2 * (row * columns + i), true)));
}
function unpackedBits(text, columns) {
  const all = bytes(text), width = Math.ceil(columns / 8);
  return Array.from({length: width ? all.length / width : 0}, (_, row) =>
    Array.from({length: columns}, (_, i) => (all[row * width + (i >> 3)] >> (7 - (i & 7))) & 1));
}
const dataOf = (part) => JSON.parse(part.querySelector('script[type="application/json"]').textContent);
function shown(value, text) {
  const made = document.createElement("data");
  made.value = value;
  made.textContent = text;
  return made;
}
