// Asks in place before a form with data-confirm is sent. Without this, the server answers with a page that asks.

export function startDialogs() {
  const dialog = document.querySelector("[data-confirm-dialog]");
  if (!dialog) return;
  let asking = null;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset?.confirm || form.elements.confirm) return;
    event.preventDefault();
    asking = form;
    ask(dialog, form);
  });
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") send(asking);
    asking = null;
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close(""));
}

function ask(dialog, form) {
  dialog.querySelector("#confirm-title").textContent = form.dataset.confirm;
  dialog.querySelector("#confirm-detail").textContent = form.dataset.confirmDetail ?? "";
  dialog.querySelector("[data-confirm-button]").textContent = form.querySelector('[type="submit"]').textContent.trim();
  dialog.returnValue = "";
  dialog.showModal();
}

function send(form) {
  const answer = document.createElement("input");
  answer.type = "hidden";
  answer.name = "confirm";
  answer.value = "yes";
  form.append(answer);
  form.requestSubmit();
}
