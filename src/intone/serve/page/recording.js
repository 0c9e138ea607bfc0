// A recording: taken by drop, choice or microphone, answered by the service, and shown over time.

import { ask, form, json, query, save } from "./api.js";
import { Answer, swatch } from "./answer.js";
import { baseline } from "./baseline.js";
import { $, calm, clock, complain, make, percent } from "./dom.js";
import { axis, ribbon, spectra, wave } from "./draw.js";
import { decode, Microphone, wav } from "./sound.js";

const UTTERANCE_SECONDS = 8; // what is no longer is answered as one
const DRAWN_SECONDS = 1800; // what is longer is not decoded here, since it would fill the browser's memory
const NAMES = { parquet: "Parquet", webvtt: "WebVTT", textgrid: "TextGrid (Praat)", eaf: "EAF (ELAN)", csv: "CSV", json: "JSON", jsonl: "JSON Lines", rttm: "RTTM" };

let about;
let answer;
let shown = null; // { said, segments, file, channels, voices, duration }
let pending = null;
let drawnWidth = 0;

export function begin(service) {
  about = service;
  answer = new Answer($("result-answer"));
  $("store-label").hidden = !service.keeps_results;
  $("store-word").textContent = service.keeps_sound ? "Keep the answer and the sound" : "Keep the answer";
  $("file").onchange = (event) => event.target.files.length && hear(event.target.files[0]).finally(() => (event.target.value = ""));
  const drop = $("drop");
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => (event.preventDefault(), drop.classList.add("over")));
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, (event) => (event.preventDefault(), drop.classList.remove("over")));
  drop.addEventListener("drop", (event) => {
    const files = event.dataTransfer.files;
    if (files.length > 1) complain(new Error(`${files.length} files were dropped; one at a time is heard here.`));
    else if (files.length) hear(files[0]);
  });
  $("record").onclick = record;
  $("cancel").onclick = () => pending?.abort();
  playback();
  new ResizeObserver(() => $("canvases").clientWidth !== drawnWidth && draw()).observe($("canvases"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

let microphone = null;
let frames = [];

async function record() {
  calm();
  try {
    if (!microphone) {
      frames = [];
      microphone = await Microphone.open((frame) => {
        frames.push(frame);
        $("busy").textContent = `Recording, ${clock(frames.length / 10, false)}`;
      });
      $("record").classList.add("on");
      $("record-word").textContent = "Stop and hear it";
      return;
    }
    const { rate } = microphone;
    await microphone.close();
    microphone = null;
    $("record").classList.remove("on");
    $("record-word").textContent = "Record";
    $("busy").textContent = "";
    if (frames.length) await hear(new File([wav(frames.flatMap((frame) => [...frame]), rate)], "recording.wav"));
  } catch (error) {
    complain(error);
  }
}

async function hear(file) {
  calm();
  pending?.abort();
  if (file.size > about.max_upload_mb * 2 ** 20) {
    complain(new Error(`${file.name}: it has ${Math.ceil(file.size / 2 ** 20)} MiB; accepted are ${about.max_upload_mb}.`));
    return;
  }
  const control = (pending = new AbortController());
  busy(`Hearing ${file.name} …`);
  try {
    const seconds = await lengthOf(file);
    const channels = seconds > DRAWN_SECONDS ? null : await decode(file).catch(() => null);
    const length = channels ? channels[0].length / 16000 : seconds;
    const separate = $("channels").value === "separate";
    const keep = $("store").checked;
    const fields = { subject: $("subject").value, baseline: baseline() && JSON.stringify(baseline()) };
    const options = { method: "POST", body: form([file], fields), signal: control.signal };
    if (length && length <= UTTERANCE_SECONDS && !separate) {
      const [said] = (await json(`/v1/predict${query({ store: keep })}`, options)).predictions;
      show({ said, file, channels, kind: "utterance" });
    } else {
      const asked = { channels: $("channels").value, hindsight: $("hindsight").checked };
      const said = await json(`/v1/timeline${query({ ...asked, store: keep })}`, options);
      show({ said, file, channels, kind: "timeline", asked });
    }
    $("result-name").focus();
  } catch (error) {
    complain(error);
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

// Shows one that was kept; its sound is there only where the service keeps sound.
export async function showKept(kept) {
  let file = null;
  if (kept.has_sound) file = new File([await (await ask(`/v1/recordings/${kept.id}/sound`)).blob()], kept.name);
  const channels = file && kept.duration <= DRAWN_SECONDS ? await decode(file).catch(() => null) : null;
  show({ said: { ...kept.answer, id: kept.id }, file, channels, kind: kept.kind, subject: kept.subject });
  $("result-name").focus();
}

function show(found) {
  const { said } = found;
  const single = found.kind === "utterance";
  const segments = single ? [{ ...said, start: 0, end: said.duration, channel: 1 }] : said.segments;
  shown = { ...found, segments, voices: voicesOf(said, segments), duration: said.duration };
  $("result").hidden = false;
  $("result-name").textContent = said.file === "<body>" ? found.file.name : said.file;
  const parts = [`${clock(said.duration)} long`, said.model, found.subject && `subject ${found.subject}`, said.hindsight && "with hindsight", said.id && `kept as ${said.id.slice(0, 8)}`];
  $("result-about").textContent = parts.filter(Boolean).join(" · ");
  source(found.file);
  $("position").max = said.duration;
  move(0);
  summary();
  list();
  exports();
  draw();
}

function voicesOf(said, segments) {
  const names = Object.keys(said.voices || {});
  const nameOf = (segment) => segment.speaker || String(segment.channel);
  return names.length > 1 ? names.map((name) => [name, segments.filter((each) => nameOf(each) === name)]) : [["", segments]];
}

const voiceName = (name) => (/^\d+$/.test(name) ? `channel ${name}` : name);

function summary() {
  const { said, kind } = shown;
  if (kind === "utterance") answer.show({ title: "The recording", scores: said.scores, unsure: said.unsure });
  else answer.show({ title: "The whole recording", scores: said.summary.shares, share: true, unsureShare: said.summary.unsure });
  const call = $("call");
  call.hidden = !said.talk;
  if (said.talk) call.replaceChildren(talk(said));
  const points = kind === "utterance" ? [] : said.summary.turning_points;
  const jump = (point) => make("li", {}, make("button", { onclick: () => seek(point.at) }, clock(point.at)), ` from ${point.from} to ${point.to}`, said.talk ? `, ${voiceName(point.speaker || String(point.channel))}` : "");
  $("turns").replaceChildren(...(points.length ? [make("div", { class: "card" }, make("h3", {}, "Where it turns"), make("ul", {}, ...points.map(jump)))] : []));
}

function talk(said) {
  const names = Object.keys(said.voices);
  const main = (shares) => Object.entries(shares).sort((one, other) => other[1] - one[1])[0];
  const row = (word, value) => make("tr", {}, make("th", { scope: "row" }, word), ...names.map((name) => make("td", {}, value(name))));
  const mostly = (name) => {
    const [best, share] = main(said.voices[name].shares);
    return share ? `${best}, ${percent(share)} of it` : "no speech";
  };
  const table = make("table", {},
    make("thead", {}, make("tr", {}, make("td"), ...names.map((name) => make("th", { scope: "col" }, voiceName(name))))),
    make("tbody", {}, row("Speech", (name) => clock(said.talk.speech[name])), row("Mostly", mostly), row("Unsure", (name) => percent(said.voices[name].unsure)),
      row("Turns", (name) => String(said.talk.turns[name])), row("Interruptions", (name) => String(said.talk.interruptions[name]))));
  const line = `Both at once ${clock(said.talk.overlap)}, silence ${clock(said.talk.silence)}, median pause between turns ${said.talk.gap.toFixed(1).replace("-", "−")} s.`;
  return make("div", { class: "card" }, make("h3", {}, "The call"), make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "The voices" }, table), make("p", { class: "quiet" }, line));
}

function list() {
  const several = shown.voices.length > 1;
  const row = (segment) => make("tr", {},
    make("td", {}, make("button", { onclick: () => seek(segment.start), "aria-label": `Go to ${clock(segment.start)}` }, clock(segment.start))), make("td", {}, clock(segment.end)),
    ...(several ? [make("td", {}, voiceName(segment.speaker || String(segment.channel)))] : []),
    make("td", {}, swatch(segment.emotion), segment.unsure ? `unsure (${segment.emotion}?)` : segment.emotion), make("td", {}, percent(segment.confidence)));
  const head = ["From", "To", ...(several ? ["Voice"] : []), "Emotion", "Confidence"].map((word) => make("th", { scope: "col" }, word));
  $("segments").replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...shown.segments.map(row))));
  $("segments-details").hidden = $("whole").hidden = shown.kind === "utterance";
}

function exports() {
  const { said, kind, file } = shown;
  const again = file !== null; // it can be asked for once more, where its answer was not kept
  const possible = about.formats.filter((name) => name === "json" || (kind !== "utterance" && (said.id || again)));
  const button = (name) => make("button", { onclick: () => exported(name).catch(complain) }, NAMES[name] || name);
  $("exports").replaceChildren(make("span", {}, "Export"), ...possible.map(button));
}

async function exported(name) {
  const { said, file, asked } = shown;
  const stem = said.file.replace(/\.[^.]*$/, "").replace(/[<>]/g, "") || "answer";
  if (name === "json") return save(new Blob([JSON.stringify(said, null, 1)], { type: "application/json" }), `${stem}.json`);
  const found = said.id
    ? await ask(`/v1/recordings/${said.id}${query({ format: name })}`)
    : await ask(`/v1/timeline${query({ ...asked, format: name, store: false })}`, { method: "POST", body: form([file]) });
  return save(await found.blob(), `${stem}.${{ webvtt: "vtt", textgrid: "TextGrid", audformat: "csv" }[name] || name}`);
}

function draw() {
  if (!shown || $("recording").hidden) return;
  drawnWidth = $("canvases").clientWidth;
  const { channels, voices, duration } = shown;
  for (const id of ["wave", "spectrogram"]) $(id).hidden = !channels;
  $("no-sound").hidden = Boolean(channels);
  $("no-sound").textContent = shown.file ? "This browser cannot draw this sound; the answers are there all the same." : "The sound was not kept; its answers were.";
  if (channels) {
    wave($("wave"), channels.length > 1 && voices.length > 1 ? channels : [mixed(channels)]);
    spectra($("spectrogram"), mixed(channels));
  }
  $("ribbons").replaceChildren(...voices.flatMap(([name, segments]) => {
    const words = segments.map((each) => `${clock(each.start)} ${each.unsure ? "unsure" : each.emotion}`).slice(0, 40).join(", ");
    const canvas = make("canvas", { height: 40, role: "img", "aria-label": `Emotion over time${name && `, ${voiceName(name)}`}: ${words}` });
    return name ? [make("p", { class: "ribbon-name" }, voiceName(name)), canvas] : [canvas];
  }));
  [...$("ribbons").querySelectorAll("canvas")].forEach((canvas, number) => ribbon(canvas, voices[number][1], duration));
  axis($("axis"), duration, clock);
  move(Number($("position").value), false);
}

function mixed(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, index) => channels.reduce((sum, channel) => sum + channel[index], 0) / channels.length);
}

function source(file) {
  const audio = $("audio");
  audio.pause();
  if (audio.src) URL.revokeObjectURL(audio.src);
  if (file) audio.src = URL.createObjectURL(file);
  else audio.removeAttribute("src");
  $("play").disabled = !file;
}

function playback() {
  const audio = $("audio");
  const follow = () => {
    move(audio.currentTime);
    if (!audio.paused) requestAnimationFrame(follow);
  };
  audio.onplay = () => {
    $("play").textContent = "Pause";
    follow();
  };
  audio.onpause = () => ($("play").textContent = "Play");
  audio.onerror = () => audio.getAttribute("src") && ($("play").disabled = true);
  $("play").onclick = () => (audio.paused ? audio.play().catch(complain) : audio.pause());
  $("position").oninput = (event) => seek(Number(event.target.value));
  $("whole").onclick = () => (audio.pause(), seek(0), summary());
  $("canvases").onpointerdown = (event) => {
    const box = $("canvases").getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * shown.duration);
  };
}

function seek(seconds) {
  if ($("audio").getAttribute("src")) $("audio").currentTime = seconds;
  move(seconds);
}

// Puts the cursor at a moment, and shows the answer to what is spoken there.
function move(seconds, told = true) {
  $("position").value = seconds;
  $("position").setAttribute("aria-valuetext", clock(seconds));
  $("clock").textContent = clock(seconds);
  $("cursor").style.left = `${(100 * seconds) / shown.duration}%`;
  if (!told || shown.kind === "utterance" || !seconds) return;
  const here = shown.segments.filter((segment) => segment.start <= seconds && seconds < segment.end);
  const segment = here[here.length - 1];
  if (!segment) return;
  const voice = shown.voices.length > 1 ? `, ${voiceName(segment.speaker || String(segment.channel))}` : "";
  answer.show({ title: `${clock(segment.start)} to ${clock(segment.end)}${voice}`, scores: segment.scores, unsure: segment.unsure });
}
