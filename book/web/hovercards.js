// What a link leads to, in a card beside it: for a pointer that rests on the link, and for the keyboard.
// The cards of a page come in a script of their own (literate/site/cards.py), asked for once.
(() => {
  const ADDRESS = /([^/]+)\.html#((?:thm|def|equation-eq|fig|claim|cite)-[\w-]+)$/;
  const FOLDER = new URL("../cards/", document.currentScript.src);
  const [PATIENCE, GRACE] = [250, 200]; // milliseconds, before a card comes and before it goes

  const pages = {};
  window.softlitCards = (page, cards) => pages[page].resolve(cards);

  function cardsOf(page) {
    if (!pages[page]) {
      const wanted = (pages[page] = {});
      wanted.cards = new Promise((resolve) => (wanted.resolve = resolve));
      const script = document.createElement("script");
      script.src = new URL(`${page}.js`, FOLDER);
      script.onerror = () => wanted.resolve({});
      document.head.append(script);
    }
    return pages[page].cards;
  }

  const card = document.createElement("div");
  Object.assign(card, { id: "hover-card", className: "hover-card bd-article", hidden: true });
  card.setAttribute("role", "tooltip");
  let link, timer;

  function place() {
    const [at, gap] = [link.getBoundingClientRect(), 6];
    const below = innerHeight - at.bottom > Math.min(card.offsetHeight, at.top);
    const top = below ? at.bottom + gap : Math.max(at.top - card.offsetHeight - gap, gap);
    const left = Math.min(at.left, document.documentElement.clientWidth - card.offsetWidth - 8);
    card.style.maxHeight = `${(below ? innerHeight - at.bottom : at.top) - 2 * gap}px`;
    card.style.top = `${top + scrollY}px`;
    card.style.left = `${Math.max(left, 8) + scrollX}px`;
  }

  async function show(wanted) {
    link = wanted;
    const [, page, anchor] = link.href.match(ADDRESS);
    const found = (await cardsOf(page))[anchor];
    if (link !== wanted || !found) return;
    card.innerHTML = found;
    card.hidden = false;
    card.style.maxHeight = "";
    link.setAttribute("aria-describedby", card.id);
    place();
  }

  function hide() {
    clearTimeout(timer);
    link?.removeAttribute("aria-describedby");
    link = null;
    card.hidden = true;
  }

  function later(action, delay) {
    clearTimeout(timer);
    timer = setTimeout(action, delay);
  }

  const ofCard = (target) =>
    target.closest?.("article a:not(.headerlink)")?.href.match(ADDRESS) ? target.closest("a") : null;

  document.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType !== "mouse") return; // a finger follows the link
    const wanted = ofCard(target);
    if (card.contains(target) || (wanted && wanted === link)) clearTimeout(timer);
    else if (wanted) later(() => (hide(), show(wanted)), PATIENCE);
    else if (link) later(hide, GRACE);
    else clearTimeout(timer);
  });
  document.addEventListener("focusin", ({ target }) => {
    const wanted = ofCard(target);
    if (wanted?.matches(":focus-visible")) hide(), show(wanted);
    else if (!card.contains(target)) hide();
  });
  document.addEventListener("focusout", ({ relatedTarget }) => {
    if (!card.contains(relatedTarget)) hide();
  });
  document.addEventListener("pointerdown", ({ target }) => card.contains(target) || hide());
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
  document.body.append(card);
})();
