for (const lane of document.querySelectorAll(".iomap .series .lane"))
  roving(lane, [...lane.querySelectorAll("mark[tabindex]")]);
