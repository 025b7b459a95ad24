// The server writes times in its own zone; here they become the reader's.

export function localTimes(root) {
  const language = document.documentElement.lang;
  const clock = new Intl.DateTimeFormat(language, { timeStyle: "short" });
  const date = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
  const full = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });
  for (const element of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const today = moment.toDateString() === new Date().toDateString();
    element.textContent = (today ? clock : date).format(moment);
    element.title = full.format(moment);
  }
}

// "5 minutes ago", kept true while the page is open. Under two minutes it is the element's own word for now.
export function agoTimes(root) {
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
  for (const element of root.querySelectorAll("time[data-ago]")) {
    const minutes = Math.floor((Date.now() - new Date(element.dateTime).getTime()) / 60000);
    if (Number.isNaN(minutes)) continue;
    const [n, unit] = minutes < 60 ? [minutes, "minute"] : minutes < 1440 ? [minutes / 60, "hour"] : [minutes / 1440, "day"];
    element.textContent = minutes < 2 ? element.dataset.ago : format.format(-Math.floor(n), unit);
  }
}
