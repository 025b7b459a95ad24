// Shows a theme as soon as it is chosen; saving the form makes it last.

export function startTheme() {
  const form = document.querySelector("[data-theme-form]");
  form?.addEventListener("change", (event) => {
    if (event.target.name === "theme") document.documentElement.dataset.theme = event.target.value;
  });
}
