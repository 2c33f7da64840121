// The numbers of the segment under the pointer, or gone to by keys, stand below the image.
for (const image of document.querySelectorAll(".iomap .tinted")) {
  const segments = [...image.querySelectorAll("path[tabindex]")], tip = image.querySelector(".tip");
  for (const one of segments) one.querySelector("title").remove();
  roving(image, segments);
  const show = (event) => { tip.textContent = event.target.getAttribute("aria-label") || ""; };
  image.addEventListener("pointerover", show);
  image.addEventListener("focusin", show);
  tip.textContent = "Point at a segment, or go to it with the Tab and arrow keys, to read its numbers.";
}
