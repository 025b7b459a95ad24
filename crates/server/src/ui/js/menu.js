// Menus are <details>: they open without a script. This closes them as people expect.

export function startMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") openMenus().forEach(closeAndFocus);
  });
}

const openMenus = () => [...document.querySelectorAll("details[data-menu][open]")];

function closeAndFocus(menu) {
  const inside = menu.contains(document.activeElement);
  menu.open = false;
  if (inside) menu.querySelector("summary").focus();
}
