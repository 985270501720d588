// What the book adds to the theme's pages: its two forms, the drawers of a phone, contents that follow the reader.

// A page is shown as a lesson, in which what proves is folded, or with everything: by its address (?show=all), or
// as it was shown last. Each fold opens by itself, too, and without any of this.
const folds = [...document.querySelectorAll("details.fold")];
const buttons = document.querySelector(".article-header-buttons");
if (folds.length && buttons) {
  const key = "softlit-show";
  const asked = new URLSearchParams(location.search).get("show");
  const toggle = document.createElement("button");
  Object.assign(toggle, { type: "button", className: "show-all" });
  const show = (everything) => {
    for (const fold of folds) fold.open = everything;
    toggle.textContent = everything ? "Show the lesson" : "Show everything";
    toggle.title = everything
      ? "Fold checks, helpers and the code of figures"
      : "Open every check, helper, docstring and the code of figures";
    document.documentElement.dataset.show = everything ? "all" : "lesson";
  };
  let remembered = null;
  try {
    remembered = localStorage.getItem(key);
  } catch {} // where nothing may be stored, a page is a lesson
  show((asked ?? remembered) === "all");
  toggle.addEventListener("click", () => {
    // What is read stays where it is, whatever opens or closes above it.
    const { left } = document.querySelector("article.bd-article").getBoundingClientRect();
    const here = document
      .elementFromPoint(left + 60, innerHeight / 4)
      ?.closest("article :is(.cell, .admonition, .math, h2, h3, p)");
    const before = here?.getBoundingClientRect().top;
    document.documentElement.dataset.measured = ""; // guessed heights would come out differently later
    const everything = document.documentElement.dataset.show !== "all";
    show(everything);
    if (here) window.scrollBy({ top: here.getBoundingClientRect().top - before, behavior: "instant" });
    try {
      localStorage.setItem(key, everything ? "all" : "lesson");
    } catch {}
  });
  buttons.prepend(toggle);
}

// A link to something in a fold opens it.
const unfold = () => {
  let part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (part = part?.closest("details.fold"); part; part = part.parentElement.closest("details.fold"))
    part.open = true;
};
addEventListener("hashchange", unfold);
unfold();

// A drawer is a dialog that the theme fills with a sidebar's children while it is open.
for (const side of ["primary", "secondary"]) {
  const drawer = document.getElementById(`pst-${side}-sidebar-modal`);
  const sidebar = document.getElementById(`pst-${side}-sidebar`);
  if (!drawer || !sidebar) continue;
  const close = document.createElement("button");
  Object.assign(close, { type: "button", className: "close-drawer", textContent: "×" });
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => drawer.close());
  sidebar.append(close);
  drawer.addEventListener("click", ({ target }) => {
    if (target.closest('a[href^="#"]')) drawer.close(); // a link to another page leaves this one anyway
  });
}

// The theme marks the section that is read in the contents, which may be longer than their box.
const contents = document.getElementById("pst-page-toc-nav");
const inView = () => {
  const active = contents.querySelector("a.active");
  let box = contents.parentElement;
  while (box && box.scrollHeight <= box.clientHeight + 1) box = box.parentElement;
  if (!active || !box || box === document.scrollingElement || box === document.body) return;
  const [entry, frame] = [active.getBoundingClientRect(), box.getBoundingClientRect()];
  const margin = 2 * entry.height; // so that the next one is seen, too
  if (entry.top < frame.top + margin) box.scrollTop += entry.top - frame.top - margin;
  else if (entry.bottom > frame.bottom - margin) box.scrollTop += entry.bottom - frame.bottom + margin;
};
if (contents)
  new MutationObserver(inView).observe(contents, { subtree: true, attributeFilter: ["class"] });
