// The search. What is typed into a search box is looked up at once, in an index that is loaded with the first
// use: literate/site/search.py writes it, MiniSearch reads it. Any word may match, as a whole, by its
// beginning, or with a letter or two amiss; rare words count for more, and so do titles and an author's words.
(() => {
  const ROOT = document.documentElement.dataset.content_root;
  const AT_A_GLANCE = 10; // results in the dialog; the page of the search shows more
  const AT_MOST = 50;
  const SHOWN = 170; // letters of a text, about

  // --- Words

  // Words that a question is made of, whatever it asks.
  const FILLERS = new Set(
    ("a about actually all also am an and any are as at be been but by can could did do does for from get gets" +
      " give gives had has have how i if in into is it its let me my not of on one or our should so some than" +
      " that the their them then there these they this to use used using want was we were what when where which" +
      " who why will with would you your").split(" ")
  );
  const TOKEN = /\$\d+\$|\d+(?:\.\d+)+|[\p{L}\p{N}]+(?:[-_][\p{L}\p{N}]+)*/gu; // a formula, a number, a word

  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  // log_softmax is found by either word, and as logsoftmax; single letters are not looked up.
  const parts = (token) => {
    if (token.startsWith("$")) return [];
    const pieces = plain(token).split(/[-_]/);
    const whole = pieces.length > 1 ? [pieces.join("")] : [];
    return [...pieces, ...whole].filter((word) => word.length > 1);
  };
  const tokenize = (text) => (text.match(TOKEN) ?? []).flatMap(parts);
  // Of "masked" the beginning "mask" is looked up, too, and with it what begins so.
  const stem = (word) => word.replace(/(?:ing|ed|([sxz])es|([^su])s)$/, "$1$2");
  const variants = (word) => (stem(word).length > 2 ? [...new Set([word, stem(word)])] : [word]);

  // --- Index

  const script = (path) =>
    new Promise((loaded, failed) => {
      const element = Object.assign(document.createElement("script"), { src: ROOT + path });
      element.onload = loaded;
      element.onerror = failed;
      document.head.append(element);
    });

  let ready;
  const load = () =>
    (ready ??= Promise.all([script("_static/minisearch/minisearch.js"), script("search-index.js")]).then(build));

  let entries, formulas, index;
  const build = () => {
    formulas = softlitIndex.formulas;
    entries = softlitIndex.entries.map(([address, parent, label, title, words, text], id) => {
      return { id, address, parent, label, title, words, text };
    });
    for (const entry of entries) {
      entry.around = around(entry).map(({ title }) => title).join(" ");
      entry.names = [...new Set(tokenize(entry.title).filter((word) => !FILLERS.has(word)))];
    }
    index = new MiniSearch({
      fields: ["label", "title", "words", "around", "text"],
      tokenize,
      processTerm: (word) => (FILLERS.has(word) ? null : word),
    });
    index.addAll(entries);
  };
  const around = ({ parent }) => (parent < 0 ? [] : [entries[parent], ...around(entries[parent])]);

  // --- Ranks

  const BOOST = { label: 2, title: 4, words: 4, around: 1, text: 1 };
  const RANK = { Question: 1.2, Chapter: 1.2, Package: 0.6, Figure: 0.6, Page: 0.6, Exercise: 0.5, Reference: 0.5 };
  const SUBJECT = "softmax"; // which is in most queries and texts, and tells few of them apart

  const find = (query) => {
    const asked = tokenize(query);
    const told = asked.filter((word) => !FILLERS.has(word));
    const words = told.length ? told : asked;
    return index
      .search(words.join(" "), {
        processTerm: variants,
        boost: BOOST,
        prefix: (word) => word.length > 2,
        fuzzy: (word) => (word.length > 4 ? 0.2 : false),
        boostTerm: (word) => (word === SUBJECT ? 0.25 : 1),
      })
      .map(({ id, score, terms, queryTerms }) => {
        const entry = entries[id];
        const met = words.filter((word) => variants(word).some((one) => queryTerms.includes(one)));
        const named = entry.names.filter((word) => terms.includes(word));
        const share = (some, all) => (all.length ? some.length / all.length : 0);
        const rank = (RANK[entry.label.split(" ")[0]] ?? 1) * (entry.text ? 1 : 0.5);
        const [asked, said] = [share(met, words), share(named, entry.names)];
        const fit = Math.sqrt(asked) * (1 + 0.3 * said) * (asked === 1 && said === 1 ? 1.5 : 1);
        return { entry, terms, score: score * rank * fit };
      })
      .sort((one, other) => other.score - one.score);
  };

  // --- What is shown

  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    made.append(...children);
    return made;
  };

  // A formula breaks over no lines: one that may be wider than the list is left out.
  const LETTER = 10; // pixels
  const formula = (token, width) => {
    const made = document.createElement("template");
    made.innerHTML = `<math>${formulas[token.slice(1, -1)]}</math>`;
    return made.content.textContent.length * LETTER < width ? made.content : "…";
  };

  // The pieces of a text from one place to another: formulas, words that were found, and what is between.
  const pieces = (text, found, width, from = 0, to = text.length) => {
    const made = [];
    let rest = from;
    for (const { 0: token, index: start } of text.matchAll(TOKEN)) {
      if (start < from || start >= to) continue;
      const isFound = parts(token).some((word) => found.has(word));
      if (!token.startsWith("$") && !isFound) continue;
      made.push(text.slice(rest, start), isFound ? element("mark", {}, token) : formula(token, width));
      rest = start + token.length;
    }
    made.push(text.slice(rest, to));
    return made;
  };

  // The part of a text that has most of the words, from the beginning of its sentence if that is near.
  const excerpt = (text, found, width) => {
    const tokens = [...text.matchAll(TOKEN)].map(({ 0: token, index }) => {
      return { start: index, end: index + token.length, met: parts(token).filter((word) => found.has(word)) };
    });
    let best = { from: 0, count: 0 };
    for (const { start, met } of tokens) {
      if (!met.length) continue;
      const near = tokens.filter((token) => token.start >= start && token.end <= start + SHOWN);
      const count = new Set(near.flatMap((token) => token.met)).size;
      if (count > best.count) best = { from: start, count };
    }
    const sentence = Math.max(...[". ", "? ", "! ", ": "].map((end) => text.lastIndexOf(end, best.from - 2))) + 2;
    const close = best.from < SHOWN / 2 ? 0 : sentence > best.from - SHOWN / 2 ? sentence : best.from;
    const from = close < 2 ? 0 : close;
    const last = tokens.findLast(({ end }) => end <= from + SHOWN) ?? { end: text.length };
    const to = last.end > text.length - 20 ? text.length : last.end;
    return [from ? "… " : "", ...pieces(text, found, width, from, to), to < text.length ? " …" : ""];
  };

  const option = ({ entry, terms }, id, width) => {
    const found = new Set(terms);
    const page = around(entry).at(-1);
    const where = page ? [" · ", ...pieces(page.title, new Set(), width)] : [];
    return element(
      "a",
      { id, href: ROOT + entry.address, tabindex: -1, class: "found", role: "option", "aria-selected": false },
      element("span", { class: "found-title" }, ...pieces(entry.title, found, width)),
      element("span", { class: "found-place" }, entry.label, ...where),
      element("span", { class: "found-text" }, ...excerpt(entry.text, found, width))
    );
  };

  const link = (page, words) => element("a", { href: `${ROOT}book/${page}.html` }, words);
  const otherWays = (query) => [
    `Nothing found for “${query}”. Other ways: `,
    link("questions", "questions learners ask"),
    ", ",
    link("api", "the package"),
    ", ",
    link("ledger", "every theorem"),
    ".",
  ];

  // --- A search box

  const equip = (form) => {
    const field = form.querySelector("input");
    const dialog = form.closest("dialog");
    const id = dialog ? "found-here" : "found";
    const list = element("div", { id, class: "found-list", role: "listbox", "aria-label": "Results" });
    const note = element("p", { class: "found-note", role: "status" });
    form.after(note, list);
    const combobox = { role: "combobox", "aria-autocomplete": "list", "aria-controls": id, "aria-expanded": false };
    for (const [attribute, value] of Object.entries(combobox)) field.setAttribute(attribute, value);

    let chosen = -1;
    const choose = (number) => {
      const options = [...list.children];
      chosen = options.length ? (number + options.length) % options.length : -1;
      options.forEach((each, n) => each.setAttribute("aria-selected", n === chosen));
      if (chosen < 0) field.removeAttribute("aria-activedescendant");
      else field.setAttribute("aria-activedescendant", options[chosen].id);
      options[chosen]?.scrollIntoView({ block: "nearest" });
    };

    const show = () => {
      const query = field.value.trim();
      const results = query ? find(query) : [];
      const shown = results.slice(0, dialog ? AT_A_GLANCE : AT_MOST);
      list.replaceChildren(...shown.map((result, n) => option(result, `${id}-${n}`, list.clientWidth)));
      field.setAttribute("aria-expanded", shown.length > 0);
      choose(0);
      list.scrollTop = 0;
      note.replaceChildren(...told(query, results.length, shown.length));
      if (!dialog) history.replaceState(null, "", query ? `?q=${encodeURIComponent(query)}` : location.pathname);
    };

    const told = (query, count, shown) => {
      if (!query) return [];
      if (!count) return otherWays(query);
      if (count === shown) return [count === 1 ? "1 result" : `${count} results`];
      if (!dialog) return [`${shown} best results`];
      const address = `${form.action}?q=${encodeURIComponent(query)}`;
      return [`${shown} best results · `, element("a", { href: address }, "more")];
    };

    field.addEventListener("focus", load, { once: true });
    field.addEventListener("input", () => load().then(show));
    field.addEventListener("keydown", (event) => {
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key in steps && list.children.length) {
        event.preventDefault();
        choose(chosen + steps[event.key]);
      } else if (event.key === "Enter" && list.children[chosen]) {
        event.preventDefault();
        list.children[chosen].click();
      }
    });
    list.addEventListener("mousemove", ({ target }) => {
      const over = [...list.children].indexOf(target.closest(".found"));
      if (over >= 0 && over !== chosen) choose(over);
    });
    list.addEventListener("click", () => dialog?.close());
    if (!dialog) {
      field.value = new URLSearchParams(location.search).get("q") ?? "";
      field.focus();
      load().then(show);
    }
  };

  document.querySelectorAll("form.bd-search").forEach(equip);
})();
