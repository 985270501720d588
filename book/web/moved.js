// The package was one page once: its addresses lead to a row of the overview, and from there to the entry.
const anchor = document.getElementById(decodeURIComponent(location.hash.slice(1)));
const entry = anchor?.closest("td")?.querySelector("a[href*='#']");
if (entry) location.replace(entry.href);
