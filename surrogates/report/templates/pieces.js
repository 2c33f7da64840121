for (const text of document.querySelectorAll(".iomap .block"))
  if (!text.closest(".anyphrase")) roving(text, [...text.querySelectorAll("mark[tabindex]")]);
