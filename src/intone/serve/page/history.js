// What was heard before, with this key: filters, pages, deletion and export.

import { ask, json, query, save } from "./api.js";
import { swatch } from "./answer.js";
import { $, calm, clock, complain, make, once, percent } from "./dom.js";

const PAGE = 25;
const cell = (text) => make("td", {}, text);
const KINDS = { stream: "live" };

let listed = {}; // the filters of the rows, which the cursor belongs to
let next = "";
let openKept;

export function begin(service, opened) {
  openKept = opened;
  $("filter-emotion").append(...service.emotions.map(({ name }) => make("option", {}, name)));
  $("filters").onsubmit = (event) => {
    event.preventDefault();
    list();
  };
  $("older").onclick = () => once($("older"), () => list(next));
  $("export-jsonl").onclick = () => exported("jsonl");
  $("export-csv").onclick = () => exported("csv");
  $("forget").onclick = forget;
  if (!service.keeps_results) {
    for (const id of ["filters", "export-jsonl", "export-csv"]) $(id).hidden = true;
  }
}

function filters() {
  const day = (id, later = 0) => {
    if (!$(id).value) return "";
    const found = new Date(`${$(id).value}T00:00`);
    found.setDate(found.getDate() + later);
    return found.toISOString();
  };
  return {
    subject: $("filter-subject").value.trim(), emotion: $("filter-emotion").value, kind: $("filter-kind").value,
    unsure: $("filter-unsure").value, since: day("filter-since"), until: day("filter-until", 1),
  };
}

export async function list(after = "") {
  calm();
  const asked = after ? listed : (listed = filters());
  try {
    const page = await json(`/v1/recordings${query({ ...asked, limit: PAGE, after })}`);
    if (asked !== listed) return; // another list was asked for meanwhile
    const body = $("history-table").tBodies[0];
    if (!after) body.replaceChildren();
    body.append(...page.recordings.map(row));
    next = page.next;
    told();
  } catch (error) {
    if (asked !== listed) return;
    if (error.code === "no-store") $("history-status").textContent = "This service keeps nothing.";
    else complain(error);
  }
}

function told() {
  const count = $("history-table").tBodies[0].rows.length;
  $("history-table").hidden = !count;
  $("older").hidden = !next;
  $("history-status").textContent = count ? `${count} recording${count === 1 ? "" : "s"}${next ? ", and older ones" : ""}.` : "There is none.";
  const { subject } = listed;
  $("forget").hidden = !(subject && count);
  $("forget").textContent = `Delete everything of ${subject}`;
}

function row(kept) {
  const line = make("tr");
  const open = () => json(`/v1/recordings/${kept.id}`).then(openKept).catch(complain);
  const remove = async () => {
    if (!confirm(`Delete ${kept.name}?`)) return;
    await ask(`/v1/recordings/${kept.id}`, { method: "DELETE" });
    line.remove();
    told();
  };
  const emotion = kept.emotion ? (kept.unsure ? `unsure (${kept.emotion}?)` : `${kept.emotion}, ${percent(kept.confidence)}`) : "no speech";
  line.append(
    ...[new Date(kept.created).toLocaleString([], { dateStyle: "short", timeStyle: "short" }), kept.name].map(cell),
    make("td", {}, swatch(kept.emotion), emotion),
    ...[kept.subject, KINDS[kept.kind] || kept.kind, clock(kept.duration)].map(cell),
    make("td", {}, make("button", { onclick: open, "aria-label": `Open ${kept.name}` }, "Open"), " ",
      make("button", { class: "danger", onclick: () => remove().catch(complain), "aria-label": `Delete ${kept.name}` }, "Delete")),
  );
  return line;
}

async function exported(format) {
  calm();
  try {
    const found = await ask(`/v1/export${query({ ...filters(), format })}`);
    save(await found.blob(), `intone.${format}`);
  } catch (error) {
    complain(error);
  }
}

async function forget() {
  const { subject } = listed; // the one on the button
  if (!confirm(`Delete everything of ${subject}? It cannot be brought back.`)) return;
  try {
    const { deleted } = await json(`/v1/subjects/${encodeURIComponent(subject)}`, { method: "DELETE" });
    await list();
    $("history-status").textContent = `${deleted} deleted.`;
  } catch (error) {
    complain(error);
  }
}
