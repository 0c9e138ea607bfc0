// The microphone, heard while it runs: the protocol of docs/service.md over a WebSocket.

import { key } from "./api.js";
import { Answer } from "./answer.js";
import { baseline } from "./baseline.js";
import { $, calm, clock, complain, make, once, percent } from "./dom.js";
import { prepared, stripe, style } from "./draw.js";
import { Microphone } from "./sound.js";

const SHOWN_SECONDS = 60;
const LOG_LINES = 200;
const QUIET_DB = -60;

let answer;
let session = null;

export function begin(service) {
  answer = new Answer($("live-answer"));
  answer.show({ title: "Now", scores: Object.fromEntries(service.emotions.map(({ name }) => [name, 0])), share: true, unsureShare: 0 });
  $("live-button").onclick = (event) => event.detail < 2 && once($("live-button"), () => (session ? session.stop() : start()));
  new ResizeObserver(() => draw(session?.heard)).observe($("live-canvas").parentElement);
  for (const wish of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(wish).addEventListener("change", () => draw(session?.heard));
}

export const listening = () => session !== null;

async function start() {
  calm();
  session = new Session();
  try {
    await session.start();
  } catch (error) {
    session?.end();
    throw error;
  }
  $("live-button").classList.add("on");
  $("live-word").textContent = "Stop";
}

class Session {
  #over;
  ended = new Promise((done) => (this.#over = done));
  heard = { seconds: 0, levels: [], segments: [], interim: null };

  async start() {
    this.microphone = await Microphone.open((frame) => this.push(frame));
    this.microphone.onEnd(() => {
      complain(new Error("The microphone is gone."));
      this.stop();
    });
    $("live-log").replaceChildren();
    const address = new URL("/v1/stream", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    this.socket = new WebSocket(address);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = (event) => this.told(JSON.parse(event.data));
    this.socket.onclose = () => {
      if (session === this && !this.explained) complain(new Error("The connection to the service ended."));
      this.end();
    };
    await new Promise((done, failed) => {
      this.socket.onopen = done;
      this.socket.onerror = () => failed(new Error("The service does not answer."));
    });
    const begun = { type: "session.begin", format: "f32le", rate: this.microphone.rate, name: "microphone", subject: $("subject").value.trim(), store: $("store").checked };
    this.socket.send(JSON.stringify({ ...begun, ...(key() && { key: key() }), ...(baseline() && { baseline: baseline() }) }));
    $("live-status").textContent = "Listening …";
  }

  push(frame) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(frame.buffer);
    this.heard.seconds += frame.length / this.microphone.rate;
    const power = frame.reduce((sum, sample) => sum + sample * sample, 0) / frame.length;
    this.heard.levels.push({ at: this.heard.seconds, db: 10 * Math.log10(power + 1e-10) });
    if (this.heard.levels.length > 10 * SHOWN_SECONDS) this.heard.levels.shift();
    draw(this.heard);
  }

  told(event) {
    const { segment } = event;
    if (event.type === "segment.update") {
      this.heard.interim = segment;
      answer.show({ title: `Now, since ${clock(segment.start)}`, scores: segment.scores, unsure: segment.unsure });
    } else if (event.type === "segment.final") {
      this.heard.interim = null;
      this.heard.segments.push(segment);
      answer.show({ title: `${clock(segment.start)} to ${clock(segment.end)}`, scores: segment.scores, unsure: segment.unsure });
      const words = segment.unsure ? `unsure, perhaps ${segment.emotion}` : `${segment.emotion}, ${percent(segment.confidence)} sure`;
      log(`${clock(segment.start)} to ${clock(segment.end)}: ${words}`);
    } else if (event.type === "notice") {
      log(`${clock(event.at)}: ${event.message}`);
    } else if (event.type === "error") {
      complain(new Error(event.message));
      this.explained = true;
    } else if (event.type === "session.closed") {
      this.result = `${clock(event.duration)} heard${event.id ? `; kept as ${event.id.slice(0, 8)}, see History` : ""}.`;
      this.explained = true;
    }
    draw(this.heard);
  }

  async stop() {
    if (!this.stopping) {
      this.stopping = true;
      $("live-status").textContent = "Finishing …";
      await this.microphone.close();
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type: "session.close" }));
      else this.end();
    }
    await this.ended;
  }

  end() {
    if (session !== this) return;
    session = null;
    this.microphone?.close();
    this.socket?.close();
    $("live-button").classList.remove("on");
    $("live-word").textContent = "Listen";
    $("live-status").textContent = `${this.result || ""} The microphone is off.`.trim();
    this.#over();
  }
}

function log(words) {
  $("live-log").prepend(make("li", {}, words));
  while ($("live-log").children.length > LOG_LINES) $("live-log").lastChild.remove();
}

// The last minute: loudness above, emotions below.
function draw(heard) {
  const canvas = $("live-canvas");
  if (!canvas.clientWidth) return;
  const { context, width } = prepared(canvas);
  const from = Math.max(0, (heard?.seconds || 0) - SHOWN_SECONDS);
  const place = (seconds) => ((seconds - from) / SHOWN_SECONDS) * width;
  context.fillStyle = style("line");
  context.fillRect(0, 84, width, 1);
  if (!heard) return;
  context.fillStyle = style("ink");
  for (const { at, db } of heard.levels) {
    const tall = Math.max(1, 80 * Math.min(1, 1 - db / QUIET_DB));
    context.fillRect(place(at - 0.1), 84 - tall, Math.max(1, width / SHOWN_SECONDS / 10 - 1), tall);
  }
  for (const segment of heard.segments.slice(-SHOWN_SECONDS)) {
    if (segment.end > from) stripe(context, segment, place(segment.start), place(segment.end), 96, 24);
  }
  if (heard.interim) stripe(context, heard.interim, place(heard.interim.start), place(heard.interim.end), 96, 24, true);
}
