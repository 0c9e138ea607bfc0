// The answer to a recording, shown over time, played and exported.

import { ask, form, query, Refused, save } from "./api.js";
import { Answer, swatch } from "./answer.js";
import { $, clock, complain, make, percent } from "./dom.js";
import { axis, ribbon, spectra, wave } from "./draw.js";
import { decode, DRAWN_SECONDS } from "./sound.js";

const NAMES = { parquet: "Parquet", webvtt: "WebVTT", textgrid: "TextGrid (Praat)", eaf: "EAF (ELAN)", csv: "CSV", json: "JSON", jsonl: "JSON Lines", rttm: "RTTM" };

let formats;
let answer;
let shown = null; // { said, segments, file, channels, voices, duration, and how it was asked for: asked, baseline }
let drawnWidth = 0;

export function begin(service) {
  ({ formats } = service);
  answer = new Answer($("result-answer"));
  playback();
  new ResizeObserver(() => $("canvases").clientWidth !== drawnWidth && draw()).observe($("canvases"));
  for (const wish of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(wish).addEventListener("change", draw);
}

// Shows one that was kept; its sound is there only where the service keeps sound.
export async function showKept(kept) {
  let file = null;
  if (kept.has_sound) file = new File([await (await ask(`/v1/recordings/${kept.id}/sound`)).blob()], kept.name);
  const channels = file && kept.duration <= DRAWN_SECONDS ? await decode(file).catch(() => null) : null;
  show({ said: { ...kept.answer, id: kept.id }, file, channels, kind: kept.kind, subject: kept.subject });
}

export function show(found) {
  const { said } = found;
  const single = found.kind === "utterance";
  const segments = single ? [{ ...said, start: 0, end: said.duration, channel: 1 }] : said.segments;
  shown = { ...found, segments, voices: voicesOf(said, segments), duration: said.duration };
  $("result").hidden = false;
  $("result-name").textContent = nameOf(found);
  const parts = [`${clock(said.duration)} long`, said.model, found.subject && `subject ${found.subject}`, said.hindsight && "with hindsight", said.id && `kept as ${said.id.slice(0, 8)}`];
  $("result-about").textContent = parts.filter(Boolean).join(" · ");
  source(found.file);
  $("position").max = said.duration;
  move(0);
  summary();
  list();
  exports();
  draw();
  $("result-name").focus();
}

const nameOf = ({ said, file }) => (said.file === "<body>" ? file.name : said.file);

// What is shown is not of the recording that was given last, which could not be heard.
export function outdated() {
  if (shown) $("result-name").textContent = `Earlier: ${nameOf(shown)}`;
}

function voicesOf(said, segments) {
  const names = Object.keys(said.voices || {});
  const voiceOf = (segment) => segment.speaker || String(segment.channel);
  return names.length > 1 ? names.map((name) => [name, segments.filter((each) => voiceOf(each) === name)]) : [["", segments]];
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
  const possible = formats.filter((name) => name === "json" || (kind !== "utterance" && (said.id || again)));
  const button = (name) => make("button", { onclick: () => exported(name).catch(complain) }, NAMES[name] || name);
  $("exports").replaceChildren(make("span", {}, "Export"), ...possible.map(button));
}

async function exported(name) {
  const { said } = shown;
  const stem = said.file.replace(/\.[^.]*$/, "").replace(/[<>]/g, "") || "answer";
  if (name === "json") return save(new Blob([JSON.stringify(said, null, 1)], { type: "application/json" }), `${stem}.json`);
  const found = said.id ? await kept(name) : await again(name);
  return save(await found.blob(), `${stem}.${{ webvtt: "vtt", textgrid: "TextGrid", audformat: "csv" }[name] || name}`);
}

function kept(name) {
  const { said, asked, file } = shown;
  return ask(`/v1/recordings/${said.id}${query({ format: name })}`).catch((error) => {
    if (asked && file && error instanceof Refused && error.status === 404) return again(name); // deleted meanwhile
    throw error;
  });
}

// Asks once more for what is shown, in the same way.
async function again(name) {
  const { file, asked, baseline } = shown;
  return ask(`/v1/timeline${query({ ...asked, format: name, store: false })}`, { method: "POST", body: await form([file], { baseline }) });
}

function draw() {
  if (!shown || $("recording").hidden) {
    drawnWidth = 0; // so that it is drawn when it is seen again
    return;
  }
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
