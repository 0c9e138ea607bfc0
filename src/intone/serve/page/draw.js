// Pictures over time: waveform, spectrogram, the ribbon of emotions, and the axis below them.

import { BINS, spectrogram } from "./sound.js";

const LOUD_DB = 30;
const RANGE_DB = 75;
const colours = new Map(); // of the emotions, as the service tells them

export function setColours(emotions) {
  emotions.forEach((emotion) => colours.set(emotion.name, emotion.colour));
}

export const colour = (emotion) => colours.get(emotion);

export function style(name) {
  // A canvas knows no light-dark(): a probe resolves the variable for the scheme that is on.
  const probe = document.createElement("span");
  probe.style.forcedColorAdjust = "none"; // else every colour is that of letters
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export function prepared(canvas) {
  canvas.dataset.height ??= canvas.height;
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth || 600;
  const height = Number(canvas.dataset.height);
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return { context, width, height };
}

export function wave(canvas, channels) {
  const { context, width, height } = prepared(canvas);
  const lane = height / channels.length;
  context.fillStyle = style("ink");
  channels.forEach((samples, number) => {
    const middle = lane * (number + 0.5);
    const peak = Math.max(0.05, samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
    for (let x = 0; x < width; x += 1) {
      const from = Math.floor((x * samples.length) / width);
      const to = Math.max(from + 1, Math.floor(((x + 1) * samples.length) / width));
      let low = 0;
      let high = 0;
      for (let n = from; n < to && n < samples.length; n += 1) {
        if (samples[n] < low) low = samples[n];
        if (samples[n] > high) high = samples[n];
      }
      const top = (high / peak) * (lane / 2 - 2);
      context.fillRect(x, middle - top, 1, Math.max(1, top - (low / peak) * (lane / 2 - 2)));
    }
  });
}

export function spectra(canvas, samples) {
  const { context, width, height } = prepared(canvas);
  const columns = Math.min(Math.round(width), 1200);
  const loudness = spectrogram(samples, columns);
  const picture = new ImageData(columns, BINS);
  const [paper, ink] = [rgb(style("card")), rgb(style("ink"))];
  for (let x = 0; x < columns; x += 1) {
    for (let bin = 0; bin < BINS; bin += 1) {
      const share = Math.max(0, Math.min(1, 1 + (loudness[x * BINS + bin] - LOUD_DB) / RANGE_DB));
      const at = 4 * ((BINS - 1 - bin) * columns + x);
      for (let part = 0; part < 3; part += 1) picture.data[at + part] = paper[part] + share * (ink[part] - paper[part]);
      picture.data[at + 3] = 255;
    }
  }
  const sheet = new OffscreenCanvas(columns, BINS);
  sheet.getContext("2d").putImageData(picture, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(sheet, 0, 0, width, height);
}

const rgb = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number);

export function ribbon(canvas, segments, duration) {
  const { context, width } = prepared(canvas);
  segments.forEach((segment) => stripe(context, segment, (segment.start / duration) * width, (segment.end / duration) * width, 0, 22));
}

// One segment: its colour, hatched where unsure, and its name below where there is room, so that colour is not all.
export function stripe(context, segment, left, right, top, height, interim = false) {
  const wide = Math.max(2, right - left - 1);
  const unsure = segment.unsure || interim;
  context.save();
  context.globalAlpha = unsure ? 0.45 : 1;
  context.fillStyle = colour(segment.emotion);
  context.fillRect(left, top, wide, height);
  context.globalAlpha = 1;
  context.strokeStyle = style("quiet");
  context.strokeRect(left + 0.5, top + 0.5, wide - 1, height - 1);
  if (segment.unsure) {
    context.beginPath();
    context.rect(left, top, wide, height);
    context.clip();
    context.beginPath();
    for (let x = left - height; x < right; x += 6) {
      context.moveTo(x, top + height);
      context.lineTo(x + height, top);
    }
    context.stroke();
  }
  context.restore();
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = style("ink");
  const word = segment.unsure ? `${segment.emotion}?` : segment.emotion;
  const said = [word, word.slice(0, 3)].find((each) => context.measureText(each).width < wide - 2);
  if (said) context.fillText(said, left + 1, top + height + 13);
}

export function axis(canvas, duration, clock) {
  const { context, width } = prepared(canvas);
  const step = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800].find((each) => (each / duration) * width > 64) || 3600;
  context.fillStyle = style("quiet");
  context.font = "12px system-ui, sans-serif";
  for (let at = 0; at < duration; at += step) {
    const x = (at / duration) * width;
    context.fillRect(x, 0, 1, 4);
    const word = clock(at, step < 1);
    if (x + context.measureText(word).width < width) context.fillText(word, x, 16);
  }
}
