// The list of chats on a phone. The address (#sidebar) opens it; this adds what a keyboard and a screen reader need.

const OPEN = "#sidebar";
const CLOSED = "#room";

export function startDrawer() {
  const drawer = document.querySelector("[data-drawer]");
  if (!drawer) return;
  const room = document.getElementById("main");
  const opener = document.querySelector("[data-drawer-open]");
  const phone = matchMedia("(max-width: 51.99rem)");
  let opened = false;

  const update = () => {
    const open = location.hash === OPEN && phone.matches;
    room.inert = open;
    if (open && !opened) drawer.querySelector("[data-drawer-close]").focus();
    if (!open && opened) opener.focus({ preventScroll: true });
    opened = open;
  };
  // Going back closes the drawer on phones; closing it must not leave a step to go back to.
  let steps = 0;
  const close = () => (steps > 0 ? (steps--, history.back()) : location.replace(CLOSED));

  opener.addEventListener("click", () => steps++);
  for (const link of document.querySelectorAll("[data-drawer-close]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      close();
    });
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && opened && close());
  addEventListener("hashchange", update);
  phone.addEventListener("change", update);
  update();
}
