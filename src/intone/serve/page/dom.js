// Small words for making elements.

export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function drawn(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function clock(seconds, tenths = true) {
  const count = Math.floor(seconds * 10 + 1e-6);
  const minutes = Math.floor(count / 600);
  const hours = Math.floor(minutes / 60);
  const rest = `${String(Math.floor((count % 600) / 10)).padStart(2, "0")}${tenths ? `.${count % 10}` : ""}`;
  return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export const percent = (share) => `${Math.round(100 * share)}\u00a0%`; // which is not broken over two lines

export function complain(error) {
  if (error.name === "AbortError") return;
  $("alert").textContent = error.message;
  $("alert").hidden = false;
  $("alert").scrollIntoView({ block: "nearest" });
}

export function calm() {
  $("alert").hidden = true;
}

// Does one thing at a time for a button, and gives back the focus that a disabled button loses.
export async function once(button, work) {
  if (button.disabled) return;
  const focused = document.activeElement === button;
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
    if (focused && document.activeElement.contains(button)) button.focus();
  }
}
