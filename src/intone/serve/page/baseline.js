// What the speaker sounds like otherwise: made from recordings, kept in this tab, saved and loaded as a file.

import { form, json, save } from "./api.js";
import { $, calm, clock, complain } from "./dom.js";
import { Recorder } from "./recorder.js";

let known = null;

export const baseline = () => known;

function take(found) {
  known = found;
  const seconds = found && Math.round(found.seconds);
  $("baseline-status").textContent = found ? `${found.count} recording${found.count === 1 ? "" : "s"}, ${seconds} s${found.rest ? ", at rest" : ""}` : "none";
  for (const id of ["baseline-save", "baseline-clear"]) $(id).disabled = !found;
}

async function made(files, word = "") {
  calm();
  if (word) complain(new Error(word));
  $("baseline-status").textContent = "being made …";
  try {
    take(await json(`/v1/baselines?rest=${$("baseline-rest").checked}`, { method: "POST", body: await form(files) }));
    return true;
  } catch (error) {
    take(known);
    complain(error);
    return false;
  }
}

async function loaded(file) {
  try {
    const found = JSON.parse(await file.text());
    if (found.format !== 1 || !Array.isArray(found.mean)) throw new Error();
    take(found);
    calm();
  } catch {
    complain(new Error(`${file.name}: no baseline; accepted is what "Save it" or intone baseline wrote.`));
  }
}

export function begin(service) {
  $("baseline-box").hidden = !service.baselines;
  for (const [id, use] of [["baseline-files", made], ["baseline-load", ([file]) => loaded(file)]]) {
    $(id).onchange = ({ target }) => {
      const files = [...target.files];
      target.value = ""; // so that the same ones can be chosen again
      if (files.length) use(files);
    };
  }
  $("baseline-save").onclick = () => save(new Blob([JSON.stringify(known)], { type: "application/json" }), "baseline.json");
  $("baseline-clear").onclick = () => take(null);
  new Recorder($("baseline-record"), service, {
    name: "baseline.wav",
    told: (seconds) => (seconds === null ? take(known) : ($("baseline-status").textContent = `recording, ${clock(seconds, false)}`)),
    use: (file, word) => made([file], word),
  });
}
