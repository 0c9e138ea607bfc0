// Sound in the browser: decoding for pictures, a microphone in frames, WAV files, and spectra.

export const RATE = 16_000;
export const SAMPLE_BYTES = 2;
export const DRAWN_SECONDS = 1800; // what is longer is not decoded here, since it would fill the browser's memory
const WINDOW = 512;
const MOST_WINDOWS = 6;
export const BINS = WINDOW / 2;

export async function decode(blob) {
  const context = new OfflineAudioContext(1, 1, RATE);
  const buffer = await context.decodeAudioData(await blob.arrayBuffer());
  return Array.from({ length: buffer.numberOfChannels }, (_, number) => buffer.getChannelData(number));
}

// Samples from -1 to 1 as whole numbers of 16 bits.
export const whole = (samples) => Int16Array.from(samples, (sample) => 32767 * Math.max(-1, Math.min(1, sample)));

// A WAV file of pieces of whole numbers, which lie in it as in memory: every browser's machine has the low byte first.
export function wav(pieces, rate, name) {
  const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const view = new DataView(new ArrayBuffer(44));
  const text = (at, word) => [...word].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, SAMPLE_BYTES * rate, true);
  view.setUint16(32, SAMPLE_BYTES, true);
  view.setUint16(34, 8 * SAMPLE_BYTES, true);
  text(36, "data");
  view.setUint32(40, bytes, true);
  return new File([view, ...pieces], name, { type: "audio/wav" });
}

// The microphone as the browser has it: no gain control or noise suppression, which would hide how something was said.
export class Microphone {
  // heard: gets each frame and its rate; rate: the one wished for, that of the device where there is none
  static async open(heard, rate) {
    if (!navigator.mediaDevices) throw new Error("A browser gives the microphone to pages by HTTPS or from this machine alone.");
    const wishes = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: wishes });
    } catch (error) {
      throw new Error(error.name === "NotFoundError" ? "There is no microphone." : "The microphone was not allowed.");
    }
    let failed;
    for (const sampleRate of [rate, undefined]) { // Firefox may take a microphone at the device's rate only
      const context = new AudioContext({ sampleRate });
      try {
        await context.audioWorklet.addModule("/page/worklet.js");
        const node = new AudioWorkletNode(context, "intone-frames", { numberOfOutputs: 0 });
        node.port.onmessage = (event) => heard(event.data, context.sampleRate);
        context.createMediaStreamSource(stream).connect(node);
        await context.resume();
        return new Microphone(stream, context);
      } catch (error) {
        failed = error;
        await context.close();
      }
    }
    stream.getTracks().forEach((track) => track.stop());
    throw failed;
  }

  constructor(stream, context) {
    this.stream = stream;
    this.context = context;
    this.rate = context.sampleRate;
  }

  onEnd(ended) {
    this.stream.getAudioTracks().forEach((track) => track.addEventListener("ended", ended));
  }

  async close() {
    this.stream.getTracks().forEach((track) => track.stop());
    if (this.context.state !== "closed") await this.context.close();
  }
}

// Loudness in decibels, 0 to BINS-1 upwards, of `columns` stretches of the sound; the mean of a few windows of each.
export function spectrogram(samples, columns) {
  const out = new Float32Array(columns * BINS);
  const hann = Float32Array.from({ length: WINDOW }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / WINDOW));
  const real = new Float32Array(WINDOW);
  const imaginary = new Float32Array(WINDOW);
  const turns = Array.from({ length: WINDOW / 2 }, (_, n) => [Math.cos((-2 * Math.PI * n) / WINDOW), Math.sin((-2 * Math.PI * n) / WINDOW)]);
  const windows = Math.max(1, Math.min(MOST_WINDOWS, Math.floor((2 * samples.length) / columns / WINDOW)));
  for (let number = 0; number < columns * windows; number += 1) {
    const middle = Math.floor(((number + 0.5) * samples.length) / (columns * windows));
    for (let n = 0; n < WINDOW; n += 1) {
      real[n] = (samples[middle + n - WINDOW / 2] || 0) * hann[n];
      imaginary[n] = 0;
    }
    transform(real, imaginary, turns);
    const row = Math.floor(number / windows) * BINS;
    for (let bin = 0; bin < BINS; bin += 1) out[row + bin] += (real[bin] ** 2 + imaginary[bin] ** 2) / windows;
  }
  return out.map((power) => 10 * Math.log10(power + 1e-10));
}

// The radix-2 fast Fourier transform of Cooley and Tukey (1965), in place.
function transform(real, imaginary, turns) {
  const size = real.length;
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  for (let length = 2; length <= size; length *= 2) {
    const step = size / length;
    for (let start = 0; start < size; start += length) {
      for (let n = 0; n < length / 2; n += 1) {
        const [cosine, sine] = turns[n * step];
        const a = start + n;
        const b = a + length / 2;
        const r = real[b] * cosine - imaginary[b] * sine;
        const i = real[b] * sine + imaginary[b] * cosine;
        real[b] = real[a] - r;
        imaginary[b] = imaginary[a] - i;
        real[a] += r;
        imaginary[a] += i;
      }
    }
  }
}
