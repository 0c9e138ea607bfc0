// One answer: a headline that owns up to being unsure, seven bars, and a place on the plane of valence and arousal.

import { drawn, make, percent } from "./dom.js";

const SIDES = { happiness: ["end", 6, 14], fear: ["end", -7, -5], anger: ["start", 7, -5], disgust: ["end", -7, 10], surprise: ["middle", 0, -8] };
let emotions = [];

export function setEmotions(found) {
  emotions = found;
}

export class Answer {
  constructor(place) {
    this.place = place;
    this.headline = make("div", { class: "card" });
    this.bars = make("tbody");
    this.plane = make("div", { class: "card" });
    const table = make("table", { class: "bars" }, make("caption", { class: "unseen" }, "Probability of each emotion"), this.bars);
    place.replaceChildren(this.headline, make("div", { class: "card" }, table), this.plane);
  }

  // what: { title, scores, unsure, share } - share: scores are shares of the speech rather than probabilities
  show(what) {
    const ranked = Object.entries(what.scores).sort((one, other) => other[1] - one[1]);
    const [[best, most], [second, next]] = ranked;
    const lines = what.share
      ? [line(most ? [swatch(best), `mostly ${best}`] : ["no speech"]), note(most ? `${percent(most)} of the speech; unsure in ${percent(what.unsureShare)} of it` : "There is nothing to answer.")]
      : what.unsure
        ? [make("p", { class: "headline unsure" }, "Unsure"), note(`perhaps ${best} (${percent(most)}) or ${second} (${percent(next)}). The model would not stand by this.`)]
        : [line([swatch(best), best]), note(`${percent(most)} sure; then ${second}, ${percent(next)}`)];
    this.headline.replaceChildren(make("h3", {}, what.title), ...lines);
    this.bars.replaceChildren(...emotions.map(({ name }) => this.#row(name, what.scores[name] || 0, name === best && most > 0)));
    this.plane.replaceChildren(plane(what.scores, what.unsure));
  }

  #row(name, share, best) {
    const bar = make("div", { class: "bar" });
    bar.style.width = `${Math.max(0.5, 100 * share)}%`;
    bar.style.background = emotions.find((emotion) => emotion.name === name).colour;
    return make("tr", best ? { class: "best" } : {}, make("th", { scope: "row" }, swatch(name), name), make("td", {}, bar), make("td", {}, percent(share)));
  }
}

export function swatch(name) {
  const found = make("span", { class: "swatch", "aria-hidden": "true" });
  found.style.background = emotions.find((emotion) => emotion.name === name)?.colour || "none";
  return found;
}

const line = (children) => make("p", { class: "headline" }, ...children);
const note = (text) => make("p", {}, text);

function plane(scores, unsure) {
  const place = ({ valence, arousal }) => [100 + 85 * valence, 100 - 85 * arousal];
  const total = Object.values(scores).reduce((sum, share) => sum + share, 0) || 1;
  const mean = (axis) => emotions.reduce((sum, emotion) => sum + (emotion[axis] * (scores[emotion.name] || 0)) / total, 0);
  const here = { valence: mean("valence"), arousal: mean("arousal") };
  const picture = drawn("svg", { viewBox: "0 0 200 200", class: "plane", role: "img", "aria-label": `Valence ${here.valence.toFixed(2)}, arousal ${here.arousal.toFixed(2)}, each from −1 to 1` });
  picture.append(
    drawn("line", { x1: 8, x2: 192, y1: 100, y2: 100, class: "axis" }),
    drawn("line", { x1: 100, x2: 100, y1: 8, y2: 192, class: "axis" }),
    words("unpleasant", 8, 113, "start", "names"), words("pleasant", 192, 113, "end", "names"),
    words("aroused", 104, 14, "start", "names"), words("calm", 104, 192, "start", "names"),
  );
  for (const emotion of emotions) {
    const [x, y] = place(emotion);
    const [anchor, right, down] = SIDES[emotion.name] || ["start", 7, 3];
    picture.append(drawn("circle", { cx: x, cy: y, r: 4, fill: emotion.colour, class: "axis" }), words(emotion.name, x + right, y + down, anchor, ""));
  }
  const [x, y] = place(here);
  picture.append(drawn("circle", { cx: x, cy: y, r: 7, class: unsure ? "here unsure" : "here" }));
  const source = "Worked out from the probabilities and where people place the words (Russell and Mehrabian 1977); not measured.";
  return make("figure", {}, picture, make("figcaption", { class: "quiet" }, source));
}

const words = (text, x, y, anchor, kind) => drawn("text", { x, y, "text-anchor": anchor, class: kind }, text);
