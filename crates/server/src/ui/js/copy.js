// Copies a block of code, or a whole answer as it was written.

const SHOWN_MS = 1600;

export function showCopyButtons(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.textContent = document.body.dataset.copyCode;
    button.hidden = !navigator.clipboard;
  }
  // Browsers give the clipboard to safe origins only.
  if (navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy-message]")) button.hidden = true;
}

export function startCopying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy], [data-copy-message]");
    if (!button) return;
    await navigator.clipboard.writeText(textFor(button));
    confirm(button);
  });
}

function textFor(button) {
  if ("copy" in button.dataset) return button.closest("figure").querySelector("code").textContent;
  return button.closest("article").querySelector("[data-raw]").dataset.raw;
}

function confirm(button) {
  const words = button.dataset.words ?? button.textContent;
  button.dataset.words = words;
  button.textContent = document.body.dataset.copied;
  clearTimeout(button.timer);
  button.timer = setTimeout(() => (button.textContent = words), SHOWN_MS);
}
