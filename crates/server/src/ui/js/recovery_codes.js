// Recovery codes: copied or printed. Saving them as a file needs no script.

export function startRecoveryCodes() {
  const list = document.querySelector("[data-codes]");
  if (!list) return;
  const copy = document.querySelector("[data-codes-copy]");
  const print = document.querySelector("[data-codes-print]");
  // Browsers give the clipboard to safe origins only.
  copy.hidden = !navigator.clipboard;
  print.hidden = false;
  print.addEventListener("click", () => window.print());
  copy.addEventListener("click", async () => {
    const codes = [...list.querySelectorAll("code")].map((code) => code.textContent);
    await navigator.clipboard.writeText(codes.join("\n"));
    copy.textContent = document.body.dataset.copied;
  });
}
