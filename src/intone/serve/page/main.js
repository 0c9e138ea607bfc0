// The page: asks the service how it is set up, then lets each part begin.

import { json } from "./api.js";
import { setEmotions } from "./answer.js";
import * as baseline from "./baseline.js";
import { $, complain } from "./dom.js";
import { setColours } from "./draw.js";
import * as history from "./history.js";
import * as live from "./live.js";
import * as recorder from "./recorder.js";
import * as recording from "./recording.js";
import * as result from "./result.js";

const tabs = [...document.querySelectorAll("[role=tab]")];

function choose(tab) {
  for (const each of tabs) {
    const chosen = each === tab;
    each.setAttribute("aria-selected", chosen);
    each.tabIndex = chosen ? 0 : -1;
    $(each.getAttribute("aria-controls")).hidden = !chosen;
  }
  $("baseline-box").classList.toggle("unused", tab.id === "tab-history");
  if (tab.id === "tab-history") history.list();
}

tabs.forEach((tab, number) => {
  tab.onclick = () => choose(tab);
  tab.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const other = tabs[(number + step + tabs.length) % tabs.length];
    choose(other);
    other.focus();
  };
});

// A file that misses the field is not opened in place of the page.
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());

// The browser asks before what is being said, or was recorded and not heard yet, is lost.
addEventListener("beforeunload", (event) => (recorder.recording() || live.listening()) && event.preventDefault());

try {
  const service = await json("/v1/about");
  setEmotions(service.emotions);
  setColours(service.emotions);
  $("about").textContent = `${service.model} · version ${service.version}`;
  result.begin(service);
  recording.begin(service);
  live.begin(service);
  history.begin(service, async (kept) => {
    choose($("tab-recording"));
    await result.showKept(kept);
  });
  baseline.begin(service);
  document.body.dataset.ready = "true";
} catch (error) {
  complain(error);
}
