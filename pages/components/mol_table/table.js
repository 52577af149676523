// Molecules as a table: pictures, numbers with their range, a button per row and per sorted column.
// Text from data reaches the page only as text nodes and attributes of elements made here; a
// picture is shown as an image, in which nothing runs.

const SIGNS = { ascending: " ↑", descending: " ↓", none: "" };

function make(parent, tag, name = "", text = null) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== null) element.textContent = text;
  parent.appendChild(element);
  return element;
}

function head(row, column, send) {
  const cell = make(row, "th", column.number ? "number" : "");
  cell.scope = "col";
  if (!column.sort) {
    cell.textContent = column.label;
    return;
  }
  cell.setAttribute("aria-sort", column.sort);
  const button = make(cell, "button", "", `${column.label}${SIGNS[column.sort]}`);
  button.type = "button";
  button.onclick = () => send("sort", column.key);
}

function kind(column) {
  if (column.number) return "number";
  return column.words ? "words" : column.key;
}

// Where a number lies between 0 and 1, with the range it has; or how far it is from 0.
function track(cell, spec) {
  const line = make(cell, "div", "track");
  line.setAttribute("aria-hidden", "true");
  const place = (name, left, width) => {
    const mark = make(line, "div", name);
    mark.style.left = `${100 * left}%`;
    if (width !== undefined) mark.style.width = `${100 * width}%`;
  };
  if (spec.signed) {
    const half = Math.abs(spec.at) / 2;
    place(spec.at < 0 ? "against" : "for", spec.at < 0 ? 0.5 - half : 0.5, half);
    place("limit", 0.5);
    return;
  }
  if (spec.low !== null) place("range", spec.low, spec.high - spec.low);
  if (spec.limit !== null) place("limit", spec.limit);
  place("at", spec.at);
}

function body(row, spec, columns, send) {
  if (spec.opened) {
    row.className = "opened";
    row.setAttribute("aria-current", "true");
  }
  for (const [number, content] of spec.cells.entries()) {
    const column = columns[number];
    const cell = make(row, "td", kind(column));
    if (content.picture) {
      const image = make(cell, "img");
      image.alt = content.text;
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(content.picture)}`;
    } else if (content.opens) {
      const button = make(cell, "button", "", content.text);
      button.type = "button";
      button.onclick = () => send("open", spec.id);
    } else {
      cell.textContent = content.text;
    }
    if (content.track) track(cell, content.track);
    if (content.note) make(cell, "div", "note", content.note);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame");
  frame.setAttribute("aria-label", data.caption);
  frame.querySelector("caption").textContent = data.caption;
  const top = frame.querySelector("thead");
  const rows = frame.querySelector("tbody");
  top.replaceChildren();
  rows.replaceChildren();
  const line = top.insertRow();
  for (const column of data.columns) head(line, column, setTriggerValue);
  for (const spec of data.rows) body(rows.insertRow(), spec, data.columns, setTriggerValue);
}
