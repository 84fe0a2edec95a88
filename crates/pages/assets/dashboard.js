// Enhancement only: every page of the dashboard works without.
for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) break;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = label), 1500);
  });
}
// One menu at a time; Escape and a click elsewhere close it.
const menus = [...document.querySelectorAll('details.menu')];
for (const menu of menus) {
  menu.addEventListener('toggle', () => menu.open && menus.forEach((other) => other !== menu && (other.open = false)));
}
document.addEventListener('click', (event) => menus.forEach((menu) => menu.contains(event.target) || (menu.open = false)));
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const menu of menus.filter((menu) => menu.open)) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});
// On a phone the list of sections is folded.
const sections = document.querySelector('details.sections-menu');
if (sections && matchMedia('(max-width: 56rem)').matches) sections.open = false;
// A live page asks for itself again and takes over what is new.
const live = document.querySelector('[data-live]');
if (live) {
  setInterval(async () => {
    if (document.hidden || live.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => undefined);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page.querySelector('[data-live]');
    if (fresh && fresh.innerHTML !== live.innerHTML) live.replaceChildren(...fresh.childNodes);
  }, Number(live.dataset.live));
}
