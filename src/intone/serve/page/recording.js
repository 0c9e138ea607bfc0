// A recording: taken by drop, choice or microphone, and answered by the service.

import { form, json, query } from "./api.js";
import { baseline } from "./baseline.js";
import { $, calm, clock, complain } from "./dom.js";
import { Recorder } from "./recorder.js";
import { outdated, show } from "./result.js";
import { decode, DRAWN_SECONDS, RATE } from "./sound.js";

const UTTERANCE_SECONDS = 8; // what is no longer is answered as one

let about;
let pending = null;

export function begin(service) {
  about = service;
  $("store-label").hidden = !service.keeps_results;
  $("store-word").textContent = service.keeps_sound ? "Keep the answer and the sound" : "Keep the answer";
  $("file").onchange = (event) => event.target.files.length && hear(event.target.files[0]).finally(() => (event.target.value = ""));
  const drop = $("drop");
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => (event.preventDefault(), drop.classList.add("over")));
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, (event) => (event.preventDefault(), drop.classList.remove("over")));
  drop.addEventListener("drop", dropped);
  new Recorder($("record"), service, {
    name: "recording.wav",
    told: (seconds) => ($("busy").textContent = seconds === null ? "" : `Recording, ${clock(seconds, false)}`),
    use: hear,
  });
  $("cancel").onclick = () => pending?.abort();
}

function dropped({ dataTransfer: { files, items } }) {
  if (files.length > 1) complain(new Error(`${files.length} files were dropped; one at a time is heard here.`));
  else if (files.length && items[0].webkitGetAsEntry?.()?.isDirectory) complain(new Error(`${files[0].name} is a folder; one recording is heard here.`));
  else if (files.length) hear(files[0]);
}

// Says false where the file was not heard, unless another was given in its place. The word is said of it beforehand.
async function hear(file, word = "") {
  calm();
  if (word) complain(new Error(word));
  pending?.abort();
  const control = (pending = new AbortController());
  busy(`Hearing ${file.name} …`);
  try {
    if (file.size > about.max_upload_mb * 2 ** 20) {
      throw new Error(`${file.name}: it has ${Math.ceil(file.size / 2 ** 20)} MiB; accepted are ${about.max_upload_mb}.`);
    }
    const beside = baseline() && JSON.stringify(baseline());
    const body = await form([file], { subject: $("subject").value.trim(), baseline: beside });
    const seconds = await lengthOf(file);
    const channels = seconds > DRAWN_SECONDS ? null : await decode(file).catch(() => null);
    const length = channels ? channels[0].length / RATE : seconds;
    const separate = $("channels").value === "separate";
    const keep = $("store").checked;
    const options = { method: "POST", body, signal: control.signal };
    if (length && length <= UTTERANCE_SECONDS && !separate) {
      const [said] = (await json(`/v1/predict${query({ store: keep })}`, options)).predictions;
      show({ said, file, channels, kind: "utterance" });
    } else {
      const asked = { channels: $("channels").value, hindsight: $("hindsight").checked };
      const said = await json(`/v1/timeline${query({ ...asked, store: keep })}`, options);
      show({ said, file, channels, kind: "timeline", asked, baseline: beside });
    }
    return true;
  } catch (error) {
    if (error.name !== "AbortError") outdated();
    complain(error);
    return pending !== control;
  } finally {
    if (pending === control) busy("");
  }
}

function busy(words) {
  $("busy").textContent = words;
  $("progress").hidden = $("cancel").hidden = !words;
}

// The length by the browser's player, which reads the head of the file alone; 0 where it cannot tell.
function lengthOf(file) {
  return new Promise((done) => {
    const player = new Audio();
    const end = (seconds) => (URL.revokeObjectURL(player.src), done(Number.isFinite(seconds) ? seconds : 0));
    player.onloadedmetadata = () => end(player.duration);
    player.onerror = () => end(0);
    player.src = URL.createObjectURL(file);
  });
}
