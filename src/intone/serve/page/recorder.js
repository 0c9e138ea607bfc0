// A button that records: one click opens the microphone, the next hands over what it heard as a WAV file.

import { save } from "./api.js";
import { $, calm, complain, once } from "./dom.js";
import { Microphone, RATE, SAMPLE_BYTES, whole, wav } from "./sound.js";

const FORM_BYTES = 64 * 1024; // room for what goes along with the sound

const recorders = [];
let unsaved = null; // what was recorded and not heard yet

export const recording = () => Boolean(unsaved) || recorders.some(({ microphone }) => microphone);

export class Recorder {
  // told: gets the seconds while it records, null at the end; use: gets the file and a word, and says whether it was heard
  constructor(button, service, { name, told, use }) {
    Object.assign(this, { button, service, name, told, use, microphone: null, chunks: null });
    this.word = button.lastElementChild;
    this.words = { begin: this.word.textContent, stop: button.dataset.stop };
    button.onclick = (event) => event.detail < 2 && this.#turn(() => (this.microphone ? this.#stop() : this.#begin()));
    recorders.push(this);
  }

  #turn(work) {
    return once(this.button, work);
  }

  async #begin() {
    calm();
    this.chunks = [];
    this.samples = 0;
    this.microphone = await Microphone.open((frame, rate) => this.#push(frame, rate), RATE);
    this.microphone.onEnd(() => this.#turn(() => this.#stop("The microphone is gone; this is what it heard until then.")));
    this.#look("stop");
  }

  #push(frame, rate) {
    if (!this.chunks) return; // a late one
    const most = Math.min(this.service.max_seconds * rate, (this.service.max_upload_mb * 2 ** 20 - FORM_BYTES) / SAMPLE_BYTES);
    if (this.samples + frame.length > most) {
      this.#turn(() => this.#stop("The recording was stopped, since this service hears no longer ones."));
      return;
    }
    this.chunks.push(whole(frame));
    this.samples += frame.length;
    this.told(this.samples / rate);
  }

  async #stop(word = "") {
    const { microphone } = this;
    if (!microphone) return;
    await microphone.close();
    const { chunks } = this;
    this.microphone = this.chunks = null;
    this.#look("begin");
    this.told(null);
    if (chunks.length) this.#hand(wav(chunks, microphone.rate, this.name), word);
    else complain(new Error(word || "Nothing was recorded."));
  }

  async #hand(file, word) {
    $("save-recording").hidden = true;
    unsaved = file;
    const heard = await this.use(file, word);
    if (unsaved !== file) return;
    if (heard) unsaved = null;
    else offer(file);
  }

  #look(state) {
    this.button.classList.toggle("on", state === "stop");
    this.word.textContent = this.words[state];
  }
}

function offer(file) {
  const button = $("save-recording");
  button.hidden = false;
  button.onclick = () => {
    save(file, file.name);
    unsaved = null;
    button.hidden = true;
  };
}
