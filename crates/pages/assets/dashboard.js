// Enhancement only: every page of the dashboard works without.
const offerCopies = (within) => {
  for (const button of navigator.clipboard ? within.querySelectorAll('[data-copy]') : []) button.hidden = false;
};
offerCopies(document);
document.addEventListener('click', async ({ target }) => {
  const button = target.closest('[data-copy]');
  if (!button || button.dataset.copied) return;
  const label = button.textContent;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.dataset.copied = 'yes';
  button.textContent = button.dataset.done ?? 'Copied';
  setTimeout(() => {
    button.textContent = label;
    delete button.dataset.copied;
  }, 1500);
});
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
// On a phone the list of sections is folded; where there is room, also after a device is turned, it is not.
const sections = document.querySelector('details.sections-menu');
if (sections) {
  const small = matchMedia('(max-width: 56rem)');
  const fold = () => (sections.open = !small.matches);
  fold();
  small.addEventListener('change', fold);
}
// A live page asks for itself again and takes over what is new. What is being read stays where it is: while a row is open or
// has the focus, new ones wait, and a line that screen readers speak says how many.
const live = document.querySelector('[data-live]');
if (live) {
  const status = document.querySelector('[data-live-status]');
  const say = (text) => status && status.textContent !== text && (status.textContent = text);
  const takeOver = (fresh) => {
    const [list, newer] = [live, fresh].map((one) => one.querySelector('[data-live-list]'));
    const held = live.querySelector('details[open]') || live.contains(document.activeElement);
    if (!list || !newer) {
      if (held) return;
      // What has settled is shown a last time.
      if (!fresh.dataset.live) clearInterval(timer);
      if (fresh.innerHTML !== live.innerHTML) live.replaceChildren(...fresh.childNodes);
      return offerCopies(live);
    }
    const known = new Set([...list.children].map((row) => row.id));
    const added = [...newer.children].filter((row) => !known.has(row.id));
    const count = added.length === 1 ? '1 new event' : `${added.length}${added.length === newer.children.length ? ' or more' : ''} new events`;
    if (added.length === 0) return;
    if (held) return say(`${count}. The list goes on when the open row is closed.`);
    const room = Math.max(newer.children.length, list.children.length);
    list.prepend(...added);
    offerCopies(list);
    while (list.children.length > room) list.lastElementChild.remove();
    say(`${count}.`);
  };
  const timer = setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => undefined);
    if (answer?.redirected) {
      clearInterval(timer);
      return say('The list has stopped: you are not signed in any more.');
    }
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page.querySelector('[data-live], [data-settled]');
    if (fresh) takeOver(fresh);
  }, Number(live.dataset.live));
}
// A colour can be picked, too.
for (const picker of document.querySelectorAll('[data-colour-of]')) {
  const field = document.getElementById(picker.dataset.colourOf);
  picker.hidden = false;
  picker.addEventListener('input', () => (field.value = picker.value));
  field.addEventListener('input', () => field.value && field.validity.valid && (picker.value = field.value));
}
// The preview follows what is typed. Each one is loaded into a frame of its own, behind the one that is shown: nothing flickers,
// and going back leads to the page before this one.
const look = document.querySelector('form[data-preview]');
const buttons = [...document.querySelectorAll('[formtarget="preview"]')];
if (look && buttons.length > 0) {
  const frames = document.querySelector('.frames');
  const warnings = document.querySelector('[data-preview-warnings]');
  let [chosen] = buttons;
  let timer;
  let count = 0;
  const press = () => buttons.forEach((button) => button.setAttribute('aria-pressed', String(button === chosen)));
  const prepare = () => {
    for (const waiting of frames.querySelectorAll('.waits')) waiting.remove();
    const shown = frames.querySelector('iframe');
    const frame = shown.cloneNode();
    frame.removeAttribute('src');
    // A name of its own: a frame that has lost its name goes on answering to it.
    frame.name = `preview-${(count += 1)}`;
    for (const button of buttons) button.formTarget = frame.name;
    frame.className = 'waits';
    frames.append(frame);
    frame.addEventListener('load', () => {
      const told = frame.contentDocument?.querySelector('meta[name="warnings"]')?.content ?? '';
      warnings.hidden = told === '';
      if (warnings.textContent !== told) warnings.textContent = told;
      frame.className = '';
      for (const other of frames.querySelectorAll('iframe')) if (other !== frame) other.remove();
    });
  };
  for (const button of buttons) {
    button.addEventListener('click', () => {
      chosen = button;
      press();
      prepare();
    });
  }
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(() => look.checkValidity() && chosen.click(), 400);
  };
  look.addEventListener('input', again);
  for (const field of document.querySelectorAll('select[form="branding"]')) field.addEventListener('input', again);
  press();
}
