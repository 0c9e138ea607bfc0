// What the speaker sounds like otherwise: made from recordings, kept in this tab, saved and loaded as a file.

import { form, json, save } from "./api.js";
import { $, calm, complain } from "./dom.js";
import { Microphone, wav } from "./sound.js";

let known = null;

export const baseline = () => known;

function take(found) {
  known = found;
  const seconds = found && Math.round(found.seconds);
  $("baseline-status").textContent = found ? `${found.count} recording${found.count === 1 ? "" : "s"}, ${seconds} s${found.rest ? ", at rest" : ""}` : "none";
  for (const id of ["baseline-save", "baseline-clear"]) $(id).disabled = !found;
}

async function made(files) {
  calm();
  $("baseline-status").textContent = "being made …";
  try {
    take(await json(`/v1/baselines?rest=${$("baseline-rest").checked}`, { method: "POST", body: form(files) }));
  } catch (error) {
    take(known);
    complain(error);
  }
}

export function begin(usable) {
  $("baseline-box").hidden = !usable;
  let microphone = null;
  let frames = [];
  $("baseline-files").onchange = (event) => event.target.files.length && made([...event.target.files]);
  $("baseline-load").onchange = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      const found = JSON.parse(await file.text());
      if (found.format !== 1 || !Array.isArray(found.mean)) throw new Error();
      take(found);
      calm();
    } catch {
      complain(new Error(`${file.name}: no baseline; accepted is what "Save it" or intone baseline wrote.`));
    }
  };
  $("baseline-save").onclick = () => save(new Blob([JSON.stringify(known)], { type: "application/json" }), "baseline.json");
  $("baseline-clear").onclick = () => take(null);
  $("baseline-record").onclick = async () => {
    calm();
    try {
      if (!microphone) {
        frames = [];
        microphone = await Microphone.open((frame) => frames.push(frame));
        $("baseline-record").textContent = "Stop, and use it";
        return;
      }
      const { rate } = microphone;
      await microphone.close();
      microphone = null;
      $("baseline-record").textContent = "Record some";
      await made([new File([wav(frames.flatMap((frame) => [...frame]), rate)], "baseline.wav")]);
    } catch (error) {
      complain(error);
    }
  };
}
