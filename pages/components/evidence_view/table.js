// A plain table; every cell is a text node.

function fill(row, tag, texts, numbers) {
  for (const [column, text] of texts.entries()) {
    const cell = document.createElement(tag);
    if (tag === "th") cell.scope = "col";
    if (numbers[column]) cell.className = "number";
    cell.textContent = text;
    row.appendChild(cell);
  }
}

export default function ({ data, parentElement }) {
  const frame = parentElement.querySelector(".frame");
  frame.setAttribute("aria-label", data.caption);
  frame.querySelector("caption").textContent = data.caption;
  const head = frame.querySelector("thead");
  const body = frame.querySelector("tbody");
  head.replaceChildren();
  body.replaceChildren();
  fill(head.insertRow(), "th", data.columns, data.numbers);
  for (const texts of data.rows) fill(body.insertRow(), "td", texts, data.numbers);
}
