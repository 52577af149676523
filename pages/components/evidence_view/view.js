// The evidence view: paints a drawing that the server has laid out.
// Text from data reaches the page only as text nodes and attributes of SVG elements made here.

const SVG = "http://www.w3.org/2000/svg";
const NARROW = 700; // px; below this the drawing runs top-down
const MAX_SCALE = 1.25;
const MAX_HEIGHT = 1200;
const HINT = "Select a node or an edge to read it in full.";
const views = new WeakMap();

function make(parent, tag, attributes = {}, text = null) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== "" && value !== null) element.setAttribute(name, String(value));
  }
  if (text !== null) element.textContent = text;
  parent.appendChild(element);
  return element;
}

function isDark(color) {
  const numbers = color.startsWith("#")
    ? [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))
    : (color.match(/[\d.]+/g) || [255, 255, 255]).slice(0, 3).map(Number);
  return 0.2126 * numbers[0] + 0.7152 * numbers[1] + 0.0722 * numbers[2] < 128;
}

// The line and its label lie in different layers, so that no line covers a label.
function paintLine(layer, edge) {
  const group = make(layer, "g", { class: "line-of", "data-line": `edge:${edge.id}` });
  const outer = edge.double ? edge.width + 4 : edge.width;
  make(group, "path", { class: "touch", d: edge.path });
  make(group, "path", { class: "glow", d: edge.path, "stroke-width": outer + 7 });
  make(group, "path", {
    class: "line", d: edge.path, "stroke-width": outer, "stroke-dasharray": edge.dash,
    style: `stroke: var(--ev-${edge.color})`,
  });
  if (edge.double) {
    make(group, "path", { class: "core", d: edge.path, "stroke-width": Math.max(edge.width, 2) });
  }
  if (edge.head) make(group, "path", { d: edge.head, style: `fill: var(--ev-${edge.color})` });
}

function paintEdge(layer, edge) {
  const group = make(layer, "g", {
    class: "item edge", tabindex: 0, role: "button", "aria-label": edge.name,
    "aria-pressed": "false", "data-key": `edge:${edge.id}`,
  });
  const wide = Math.max(edge.label_width + 6, 24);
  make(group, "rect", {
    class: edge.label_above ? "pill above" : "pill",
    x: edge.label_x - wide / 2, y: edge.label_y - 9, width: wide, height: 18, rx: 5,
  });
  make(group, "text", {
    class: "label", x: edge.label_x, y: edge.label_y + 4, "text-anchor": "middle", "font-size": 12,
  }, edge.short);
}

function paintNode(layer, node) {
  const group = make(layer, "g", {
    class: "item node", tabindex: 0, role: "button", "aria-label": node.name,
    "aria-pressed": "false", "data-key": `node:${node.id}`,
  });
  make(group, "path", {
    class: "glow", d: node.ring || node.path, "stroke-width": node.ring ? node.ring_width + 8 : 10,
  });
  if (node.ring) make(group, "path", { class: "ring", d: node.ring, "stroke-width": node.ring_width });
  make(group, "path", { class: "shape", d: node.path, fill: node.fill, "stroke-width": 1.5 });
  make(group, "text", {
    class: "tag", x: node.x, y: node.y + 4.5, "text-anchor": "middle", "font-size": 13,
  }, node.tag);
  if (node.mark) {
    make(group, "circle", { class: "badge", cx: node.x + 25, cy: node.y - 21, r: 9 });
    make(group, "text", {
      class: "strong", x: node.x + 25, y: node.y - 16.5, "text-anchor": "middle", "font-size": 13,
    }, node.mark);
  }
  node.lines.forEach((line, number) => make(group, "text", {
    class: node.role === "other" ? "name" : "name strong",
    x: node.label_x, y: node.label_y + 16 * number, "text-anchor": node.anchor, "font-size": 13,
  }, line));
}

function paintLegend(legend, drawing) {
  legend.replaceChildren();
  for (const entry of drawing.legend) {
    const item = document.createElement("span");
    const icon = make(item, "svg", {
      width: 28, height: 24, viewBox: "-14 -12 28 24", "aria-hidden": "true",
    });
    if (entry.color) {
      make(icon, "path", {
        d: "M-14 0h28", fill: "none", "stroke-width": entry.double ? 6 : 3,
        "stroke-dasharray": entry.dash, style: `stroke: var(--ev-${entry.color})`,
      });
      if (entry.double) {
        make(icon, "path", {
          d: "M-14 0h28", fill: "none", "stroke-width": 2, style: "stroke: var(--ev-background)",
        });
      }
    } else {
      make(icon, "path", {
        d: entry.path, fill: entry.fill || "none", style: "stroke: var(--ev-ink)",
        "stroke-width": entry.ring_width ? 1 : 1.5,
      });
      if (entry.ring_width) {
        make(icon, "circle", {
          r: 9, fill: "none", style: "stroke: var(--ev-ink)", "stroke-width": entry.ring_width * 0.75,
        });
      }
      if (entry.tag) {
        make(icon, "text", { class: "tag", y: 3, "text-anchor": "middle", "font-size": 8 }, entry.tag);
      }
    }
    item.append(entry.text);
    legend.appendChild(item);
  }
  if (drawing.edges.length) {
    const note = document.createElement("span");
    note.className = "width-note";
    note.textContent = drawing.width_note;
    legend.appendChild(note);
  }
}

class View {
  constructor(root, select) {
    this.root = root;
    this.select = select;
    this.stage = root.querySelector(".stage");
    this.detail = root.querySelector(".detail");
    this.selected = null;
    this.touched = false; // zoomed or moved by hand
    root.querySelector(".bar").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.act(button.dataset.action);
    });
    // on the stage: an <svg> that listens to the focus itself becomes a stop of the Tab key
    this.stage.addEventListener("focusin", (event) => {
      const item = event.target.closest(".item");
      if (!item) return;
      this.detail.textContent = item.getAttribute("aria-label");
      this.flag("focused", item.matches(":focus-visible") ? item : null);
      this.reveal(item);
    });
    this.stage.addEventListener("focusout", () => {
      this.flag("focused", null);
      this.describe();
    });
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.resize = new ResizeObserver(() => this.arrange());
    this.resize.observe(this.stage);
    this.scheme = window.matchMedia("(prefers-color-scheme: dark)");
    this.onScheme = () => setTimeout(() => this.paintTheme(), 300);
    this.scheme.addEventListener("change", this.onScheme);
    this.onFull = () => { this.touched = false; this.arrange(); };
    document.addEventListener("fullscreenchange", this.onFull);
  }

  close() {
    this.resize.disconnect();
    this.scheme.removeEventListener("change", this.onScheme);
    document.removeEventListener("fullscreenchange", this.onFull);
  }

  show(data) {
    this.data = data;
    this.paintTheme();
    const digest = JSON.stringify([data.wide, data.narrow]);
    if (digest !== this.digest) {
      this.digest = digest;
      this.drawing = null;
      this.touched = false;
      this.arrange();
    }
    this.mark(data.selected);
  }

  paintTheme() {
    const style = getComputedStyle(this.root);
    const page = style.getPropertyValue("--st-background-color").trim() || "#ffffff";
    const theme = isDark(page) ? "dark" : "light";
    this.root.dataset.theme = theme;
    for (const [name, color] of Object.entries(this.data.themes[theme])) {
      this.root.style.setProperty(`--ev-${name.replaceAll("_", "-")}`, color);
    }
    this.root.style.setProperty("--ev-background", page);
  }

  arrange() {
    const width = this.stage.clientWidth;
    if (!this.data || !width) return;
    const drawing = width < NARROW ? this.data.narrow : this.data.wide;
    if (drawing !== this.drawing) this.paint(drawing);
    const full = document.fullscreenElement !== null;
    const scale = Math.min(MAX_SCALE, width / drawing.width);
    const height = full
      ? Math.max(window.innerHeight - 190, 200)
      : Math.min(Math.max(drawing.height * scale, 150), MAX_HEIGHT);
    this.stage.style.height = `${Math.round(height)}px`;
    if (!this.touched) this.fit();
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    const { left, top, width: wide, height: high } = this.drawing;
    const limit = document.fullscreenElement ? 2 * MAX_SCALE : MAX_SCALE;
    const scale = Math.min(limit, width / wide, height / high);
    this.look({
      x: left + wide / 2 - width / scale / 2, y: top + high / 2 - height / scale / 2,
      width: width / scale, height: height / scale,
    });
  }

  look(box) {
    this.box = box;
    this.svg.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
  }

  zoom(factor) {
    const { x, y, width, height } = this.box;
    const wide = Math.min(Math.max(width / factor, this.drawing.width / 8), this.drawing.width * 4);
    const part = wide / width;
    this.touched = true;
    this.look({
      x: x + (width * (1 - part)) / 2, y: y + (height * (1 - part)) / 2,
      width: wide, height: height * part,
    });
  }

  act(action) {
    if (action === "fit") { this.touched = false; this.fit(); }
    if (action === "in") this.zoom(1.25);
    if (action === "out") this.zoom(0.8);
    if (action === "png") this.save();
    if (action === "full") {
      if (document.fullscreenElement) document.exitFullscreen();
      else this.root.requestFullscreen();
    }
  }

  save() {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = image.width * 2;
      canvas.height = image.height * 2;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(blob);
        link.download = "evidence.png";
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      }, "image/png");
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(this.data.svg)}`;
  }

  paint(drawing) {
    this.drawing = drawing;
    this.stage.replaceChildren();
    this.svg = make(this.stage, "svg", { role: "group", "aria-label": drawing.summary });
    const [lines, nodes, labels] = [0, 1, 2].map(() => make(this.svg, "g"));
    for (const edge of drawing.edges) paintLine(lines, edge);
    for (const node of drawing.nodes) paintNode(nodes, node);
    for (const edge of [...drawing.edges].reverse()) paintEdge(labels, edge); // strongest first
    this.listen();
    this.root.querySelector(".notice").textContent = drawing.notice;
    paintLegend(this.root.querySelector(".legend"), drawing);
    this.mark(this.selected);
  }

  listen() {
    this.svg.addEventListener("pointerover", (event) => {
      const item = this.itemAt(event.target);
      this.flag("hovered", item);
      if (item) this.detail.textContent = item.getAttribute("aria-label");
    });
    this.svg.addEventListener("pointerleave", () => {
      this.flag("hovered", null);
      this.describe();
    });
    this.svg.addEventListener("pointerdown", (event) => this.grab(event));
    this.svg.addEventListener("click", (event) => {
      const item = this.itemAt(event.target);
      if (item && !this.moved) this.choose(item);
    });
    this.svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
    }, { passive: false });
  }

  itemAt(target) {
    const line = target.closest(".line-of");
    if (!line) return target.closest(".item");
    return [...this.svg.querySelectorAll(".item")].find((x) => x.dataset.key === line.dataset.line);
  }

  // Give a class to one item and its line, and take it from all others.
  flag(name, item) {
    const key = item ? item.dataset.key : null;
    for (const part of this.svg.querySelectorAll(".item, .line-of")) {
      const own = part.dataset.key || part.dataset.line;
      part.classList.toggle(name, own === key);
    }
  }

  key(event) {
    const item = event.target.closest(".item");
    const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    if (item && (event.key === "Enter" || event.key === " ")) this.choose(item);
    else if (item && ways[event.key]) this.step(item, ...ways[event.key]);
    else if (event.key === "+") this.zoom(1.25);
    else if (event.key === "-") this.zoom(0.8);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  centre(item) {
    const box = item.querySelector(".shape, .pill").getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  }

  step(item, right, down) {
    const [x, y] = this.centre(item);
    let best = null;
    let nearest = Infinity;
    for (const other of this.svg.querySelectorAll(".item")) {
      const [dx, dy] = this.centre(other).map((value, axis) => value - [x, y][axis]);
      const ahead = dx * right + dy * down;
      const aside = Math.abs(dx * down) + Math.abs(dy * right);
      if (other !== item && ahead > 4 && ahead + 2 * aside < nearest) {
        nearest = ahead + 2 * aside;
        best = other;
      }
    }
    if (best) best.focus();
  }

  reveal(item) {
    if (!this.touched) return;
    const [x, y] = this.centre(item);
    const frame = this.stage.getBoundingClientRect();
    const unit = this.box.width / frame.width;
    const outside = x < frame.left + 20 || x > frame.right - 20
      || y < frame.top + 20 || y > frame.bottom - 20;
    if (!outside) return;
    this.look({
      ...this.box,
      x: this.box.x + (x - frame.left - frame.width / 2) * unit,
      y: this.box.y + (y - frame.top - frame.height / 2) * unit,
    });
  }

  grab(event) {
    this.moved = false;
    const start = { x: event.clientX, y: event.clientY, box: this.box };
    const unit = this.box.width / this.stage.clientWidth;
    const move = (now) => {
      const [dx, dy] = [now.clientX - start.x, now.clientY - start.y];
      if (!this.moved && Math.hypot(dx, dy) < 4) return;
      this.moved = true;
      this.touched = true;
      this.svg.classList.add("dragging");
      this.look({ ...start.box, x: start.box.x - dx * unit, y: start.box.y - dy * unit });
    };
    const drop = () => {
      this.svg.classList.remove("dragging");
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", drop);
      window.removeEventListener("pointercancel", drop);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", drop);
    window.addEventListener("pointercancel", drop);
  }

  choose(item) {
    const key = item.dataset.key;
    this.mark(this.selected === key ? null : key);
    this.select(this.selected);
  }

  describe() {
    const item = this.svg.querySelector(".item.selected");
    this.detail.textContent = item ? item.getAttribute("aria-label") : HINT;
  }

  mark(key) {
    this.selected = key;
    if (!this.svg) return;
    const items = [...this.svg.querySelectorAll(".item")];
    this.flag("selected", items.find((item) => item.dataset.key === key) || null);
    for (const item of items) {
      item.setAttribute("aria-pressed", String(item.dataset.key === key));
    }
    this.describe();
  }
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const root = parentElement.querySelector(".evidence");
  if (!views.has(root)) {
    views.set(root, new View(root, (key) => setStateValue("selected", key)));
  }
  const view = views.get(root);
  view.select = (key) => setStateValue("selected", key);
  view.show(data);
  return () => {
    view.close();
    views.delete(root);
  };
}
