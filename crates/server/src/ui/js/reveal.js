// Shows text while it arrives: paragraphs and fenced code, built from text nodes, never from HTML. The server's rendering replaces it at
// the end, so this stays small and cannot be talked into markup.

const calm = matchMedia("(prefers-reduced-motion: reduce)");

// The part of what has not been shown yet that each frame shows: it speeds up when much is waiting.
const SHARE = 1 / 6;

export class Reveal {
  constructor(target, afterPaint) {
    this.root = document.createElement("div");
    this.root.className = "prose__arriving";
    target.append(this.root);
    this.afterPaint = afterPaint;
    this.text = "";
    this.shown = 0;
    this.blocks = [];
    this.frame = 0;
  }

  add(text) {
    this.text += text;
    if (calm.matches || document.hidden) this.flush();
    else if (!this.frame) this.frame = requestAnimationFrame(() => this.step());
  }

  step() {
    const waiting = this.text.length - this.shown;
    this.shown += Math.max(1, Math.ceil(waiting * SHARE));
    this.paint();
    this.frame = this.shown < this.text.length ? requestAnimationFrame(() => this.step()) : 0;
  }

  flush() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.shown = this.text.length;
    this.paint();
  }

  // Only the last block can still change; those before it keep their elements, and a selection in them survives.
  paint() {
    const parts = split(this.text.slice(0, this.shown));
    parts.forEach((part, index) => {
      const old = this.blocks[index];
      if (old?.kind !== part.kind) this.put(index, part);
      else if (old.text !== part.text) this.change(old, part);
    });
    this.afterPaint();
  }

  put(index, part) {
    const element = part.kind === "code" ? codeElement() : document.createElement("p");
    const block = { kind: part.kind, element, text: null };
    if (this.blocks[index]) this.blocks[index].element.replaceWith(element);
    else this.root.append(element);
    this.blocks[index] = block;
    this.change(block, part);
  }

  change(block, part) {
    block.text = part.text;
    if (part.kind === "code") block.element.querySelector("code").textContent = part.text;
    else block.element.replaceChildren(...inline(part.text));
  }
}

// Bold and code, once they are closed; everything else as it is written.
function inline(text) {
  return text.split(/(\*\*[^*\n]+\*\*|`[^`\n]+`)/).map((piece) => {
    if (/^\*\*.+\*\*$/.test(piece)) return wrap("strong", piece.slice(2, -2));
    if (/^`.+`$/.test(piece)) return wrap("code", piece.slice(1, -1));
    return document.createTextNode(piece);
  });
}

function wrap(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

function codeElement() {
  const figure = document.createElement("figure");
  figure.className = "code";
  const pre = document.createElement("pre");
  pre.append(document.createElement("code"));
  figure.append(pre);
  return figure;
}

// Blocks of a text that may be cut anywhere: blank lines separate paragraphs, fences hold code.
export function split(text) {
  const parts = [];
  let open = null;
  for (const line of text.split("\n")) {
    const fence = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (open?.fence) {
      if (fence?.startsWith(open.fence)) open = null;
      else open.lines.push(line);
    } else if (fence) {
      open = { kind: "code", fence, lines: [] };
      parts.push(open);
    } else if (line.trim() === "") {
      open = null;
    } else {
      if (!open) parts.push((open = { kind: "text", lines: [] }));
      open.lines.push(line);
    }
  }
  return parts.map(({ kind, lines }) => ({ kind, text: lines.join("\n") }));
}
