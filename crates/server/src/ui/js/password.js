// A button that shows the password while it is typed.

export function startPasswords() {
  for (const wrap of document.querySelectorAll("[data-password]")) addToggle(wrap);
}

function addToggle(wrap) {
  const input = wrap.querySelector("input");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "field__toggle";
  button.setAttribute("aria-controls", input.id);
  const show = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? wrap.dataset.hide : wrap.dataset.show;
    button.setAttribute("aria-pressed", String(visible));
  };
  button.addEventListener("click", () => show(input.type === "password"));
  // Hidden again before sending, so that no browser keeps it as ordinary form text.
  input.form.addEventListener("submit", () => show(false));
  show(false);
  wrap.append(button);
}
