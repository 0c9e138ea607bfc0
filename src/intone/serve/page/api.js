// Asks the service; a refusal becomes an Error with its sentence, and a missing key is asked for once.

const KEY = "intone-key";
const PATIENCE = 3;

const fits = (text) => /^[\x21-\x7e]+$/.test(text); // what a header can carry

export class Refused extends Error {
  constructor(problem, status) {
    super(problem.detail || `The service answered ${status}.`);
    this.code = problem.code || "service";
    this.status = status;
  }
}

export const key = () => {
  const found = sessionStorage.getItem(KEY) || "";
  return fits(found) ? found : "";
};

export async function ask(path, { method = "GET", body, signal } = {}) {
  for (let turn = 0; ; turn += 1) {
    const headers = key() ? { Authorization: `Bearer ${key()}` } : {};
    const answer = await fetch(path, { method, body, signal, headers }).catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new Error("The service does not answer.");
    });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    if (answer.status === 401 && (await askForKey(Boolean(key())))) continue;
    if (answer.status === 503 && turn < PATIENCE) {
      await new Promise((done) => setTimeout(done, 1000 * Number(answer.headers.get("Retry-After") || 1)));
      continue;
    }
    throw new Refused(problem, answer.status);
  }
}

export const json = async (path, options) => (await ask(path, options)).json();

let asking = null; // one dialog, however many requests wait for it

function askForKey(wrong) {
  asking ??= new Promise((done) => {
    const dialog = document.getElementById("key-dialog");
    const field = document.getElementById("key");
    document.getElementById("key-title").textContent = wrong ? "This key is not accepted" : "A key is needed";
    sessionStorage.removeItem(KEY);
    field.value = "";
    const judge = () => field.setCustomValidity(!field.value || fits(field.value.trim()) ? "" : "This is no key: one has no spaces, and only letters, digits and signs of ASCII.");
    judge();
    field.oninput = judge;
    document.getElementById("key-form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, field.value.trim());
      dialog.close();
    };
    document.getElementById("key-cancel").onclick = () => dialog.close();
    dialog.onclose = () => {
      asking = null;
      done(Boolean(key()));
    };
    dialog.showModal();
  });
  return asking;
}

export async function form(files, fields = {}) {
  const made = new FormData();
  for (const file of files) {
    // Else the browser would fail on the way, as if the service did not answer.
    await file.slice(0, 1).arrayBuffer().catch(() => {
      throw new Error(`${file.name} cannot be read: it is a folder, or was moved, changed or deleted.`);
    });
    made.append("file", file, file.name || "recording.wav");
  }
  for (const [name, value] of Object.entries(fields)) if (value) made.append(name, value);
  return made;
}

export function query(fields) {
  const given = Object.entries(fields).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
