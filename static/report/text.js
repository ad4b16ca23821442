/* Text and elements. Whatever comes from the test is put in as text, never as markup. */

/* What cannot be seen is shown as its code, as in \u202e: control characters, and what turns the direction. */
function shown(value) {
  return String(value === null || value === undefined ? "" : value).replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

/* h("td", {class: "r", onclick: f}, child, ...): children are elements or text. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return element;
}

const TEXT_AT_MOST = 240;

/* Text of any length: the rest of a long one is shown when asked for. */
function longText(value, className) {
  const all = Array.from(shown(value));
  const box = h("span", {class: "text" + (className ? " " + className : "")});
  if (all.length <= TEXT_AT_MOST + 40) {
    box.textContent = all.join("");
    return box;
  }
  const part = document.createTextNode(all.slice(0, TEXT_AT_MOST).join("") + "\u2026");
  const button = h("button", {class: "more-text", type: "button"}, `all ${integer(all.length)} characters`);
  button.addEventListener("click", () => {
    part.data = all.join("");
    button.remove();
  });
  box.append(part, button);
  return box;
}

function shortText(value, most) {
  const all = Array.from(shown(value).replace(/\s+/g, " "));
  return all.length <= most ? all.join("") : all.slice(0, most).join("") + "\u2026";
}

/* --- Numbers, written alike for every reader: 1,234.5 */

const format = {};

function decimal(x, digits) {
  if (typeof x !== "number" || !isFinite(x)) {
    return "\u2013";
  }
  format[digits] = format[digits] || new Intl.NumberFormat("en-US", {
    minimumFractionDigits: digits, maximumFractionDigits: digits});
  return format[digits].format(x);
}

function integer(x) {
  return decimal(x, 0);
}

/* About three digits. */
function rate(x) {
  return decimal(x, x === 0 ? 0 : Math.abs(x) < 10 ? 2 : Math.abs(x) < 100 ? 1 : 0);
}

/* About three digits; what is below a microsecond was not measured. */
function milliseconds(x) {
  return decimal(x, x === 0 || x >= 100 ? 0 : x >= 10 ? 1 : x >= 1 ? 2 : 3);
}

/* A value and its unit, for large type. */
function timeParts(ms) {
  if (typeof ms !== "number") {
    return ["\u2013", ""];
  }
  return ms >= 10000 ? [decimal(ms / 1000, 1), "s"] : [milliseconds(ms), "ms"];
}

function percent(part) {
  const x = part * 100;
  const digits = x === 0 || x >= 99.95 && part === 1 ? 0 : x < 0.1 ? 3 : x < 10 ? 2 : 1;
  return (x > 0 && x < 0.001 ? "<0.001" : decimal(x, digits)) + "\u2009%";
}

function bytes(x) {
  const units = ["B", "kB", "MB", "GB"];
  let i = 0;
  while (x >= 1000 && i < units.length - 1) {
    x /= 1000;
    i += 1;
  }
  return decimal(x, i === 0 ? 0 : 1) + "\u2009" + units[i];
}

/* What the keys of percentiles begin with. */
const PERCENTILE = "response_time_percentile_";

function percentileName(p) {
  return "p" + String(Math.round(p * 1e8) / 1e6);
}

/* --- Times: seconds since the epoch. */

function two(n) {
  return String(n).padStart(2, "0");
}

function dayText(seconds) {
  const d = new Date(seconds * 1000);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

function clockText(seconds, withSeconds) {
  const d = new Date(seconds * 1000);
  return two(d.getHours()) + ":" + two(d.getMinutes()) + (withSeconds ? ":" + two(d.getSeconds()) : "");
}

function momentText(seconds) {
  return dayText(seconds) + " " + clockText(seconds, true);
}

/* The reader's offset from UTC at that time. */
function zoneText(seconds) {
  const minutes = -new Date(seconds * 1000).getTimezoneOffset();
  if (minutes === 0) {
    return "UTC";
  }
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "\u2212" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function elapsedText(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const minutes = two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
  return s >= 3600 ? Math.floor(s / 3600) + ":" + minutes : minutes;
}

function epochOf(text) {
  const ms = Date.parse(text);
  return isNaN(ms) ? null : ms / 1000;
}
