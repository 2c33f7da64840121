// A segment of the image is switched by a click, and grey while it is off.
for (const part of document.querySelectorAll(".iomap .whatif")) {
  const segments = [...part.querySelectorAll("path[data-i]")], switches = [...part.querySelectorAll("input[type=checkbox]")];
  const paint = () => segments.forEach((one) => one.classList.toggle("gone", !switches[one.dataset.i].checked));
  for (const one of segments) one.addEventListener("click", () => switches[one.dataset.i].click());
  part.addEventListener("change", paint);
  for (const button of part.querySelectorAll("button")) button.addEventListener("click", paint);
}
