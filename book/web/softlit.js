// What the book adds to the theme's pages: the drawers of a phone, and contents that follow the reader.

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
