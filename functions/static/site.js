// Optional features of the pages: keys that focus the search field, suggestions while typing, copy
// buttons, filters of lists, indexes of modules, codes of one-time links, the choice of a theme, and double clicks that
// send a form once. Every page works without this script.
"use strict";

(() => {
  const root = document.documentElement;
  const THEMES = { "": "system", light: "light", dark: "dark" };

  function kept(name) {
    try {
      return localStorage.getItem(name) ?? "";
    } catch {
      return ""; // The browser stores nothing.
    }
  }

  function keep(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      // The choice applies to this page alone.
    }
  }

  function show(theme) {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  }

  // Before the page is painted.
  show(kept("theme"));

  function onThemes(button) {
    let theme = kept("theme");
    const say = () => {
      button.setAttribute("aria-label", `Theme: ${THEMES[theme] ?? THEMES[""]}`);
      button.title = button.getAttribute("aria-label");
    };
    button.addEventListener("click", () => {
      const names = Object.keys(THEMES);
      theme = names[(names.indexOf(theme) + 1) % names.length];
      keep("theme", theme);
      show(theme);
      say();
    });
    say();
    button.hidden = false;
  }

  function isTyping(element) {
    return element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);
  }

  let keysAreOff = kept("keys") === "off";

  function onKeysSwitch(button) {
    const say = () => {
      button.textContent = keysAreOff ? "Turn on keyboard shortcuts" : "Turn off keyboard shortcuts";
    };
    button.addEventListener("click", () => {
      keysAreOff = !keysAreOff;
      keep("keys", keysAreOff ? "off" : "");
      say();
    });
    say();
    button.hidden = false;
  }

  function onKeys(field) {
    document.addEventListener("keydown", (event) => {
      const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
      if (!keysAreOff && isPlain && (event.key === "/" || event.key === "s") && !isTyping(event.target)) {
        event.preventDefault();
        field.focus();
        field.select();
      }
    });
  }

  function onCopy(button) {
    const words = button.firstChild; // A text for screen readers follows it.
    const said = words.data;
    const { copy, copyText } = button.dataset; // The id of an element, or a text that is not shown.
    if (copyText && !navigator.clipboard) return; // There is nothing to select instead.
    button.addEventListener("click", async () => {
      const from = copyText ? null : document.getElementById(copy);
      if (!copyText && !from) return;
      try {
        await navigator.clipboard.writeText(copyText ?? from.value ?? from.textContent);
        words.data = "Copied";
      } catch {
        words.data = from ? "Press Ctrl+C" : "Not copied"; // The text is selected below.
        if (from?.select) from.select();
        else if (from) getSelection()?.selectAllChildren(from);
      }
      setTimeout(() => {
        words.data = said;
      }, 2000);
    });
    button.hidden = false;
  }

  // Adds a copy button to each block of code of a text.
  function onCopyBlocks(text) {
    text.querySelectorAll("pre").forEach((block, index) => {
      const frame = element("div", { class: "copy-block" });
      const button = element("button", { type: "button", class: "quiet small copy", "data-copy": `block-${index}` }, "Copy");
      button.append(element("span", { class: "unseen" }, " the code"));
      block.firstElementChild.id = `block-${index}`;
      block.replaceWith(frame);
      frame.append(block, button);
      onCopy(button);
    });
  }

  // A field that hides the entries of a page, such as symbols, that do not contain what is typed.
  function onFilter(field) {
    const entries = [...document.querySelectorAll(`.${field.dataset.filters}`)];
    const status = document.getElementById(`${field.id}-status`);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/);
      entries.forEach((entry) => {
        const text = entry.textContent.toLowerCase();
        entry.hidden = !words.every((word) => text.includes(word));
      });
      entries.forEach((entry) => {
        const section = entry.closest("section");
        section.hidden = !section.querySelector(`.${field.dataset.filters}:not([hidden])`);
      });
      const count = entries.filter((entry) => !entry.hidden).length;
      status.textContent = field.value.trim() ? `${count} of ${entries.length}` : "";
    });
    field.hidden = false;
  }

  const LINK_CODE = /^#[0-9A-Za-z]{32}$/;

  // A field for the code of a one-time link, which is the fragment of the link: fills it in, takes it
  // out of the address, and sends the form.
  function onLinkCode(field) {
    const send = () => {
      if (!LINK_CODE.test(location.hash)) return;
      field.value = location.hash.slice(1);
      history.replaceState(null, "", location.pathname);
      field.form.querySelector("button").click();
    };
    addEventListener("hashchange", send); // Another link, opened from its own page.
    send();
  }

  const SUGGESTION_DELAY_MS = 150; // Fast typing sends one request.
  const MIN_SUGGESTION_LENGTH = 2; // One letter begins too many names.

  function element(name, attributes = {}, text = "") {
    const made = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.textContent = text;
    return made;
  }

  // A list of packages below a search field, by the combobox pattern of the ARIA Authoring
  // Practices Guide: the focus stays in the field, and the arrow keys select an option.
  class Suggestions {
    constructor(field) {
      this.field = field;
      this.names = [];
      this.selected = -1;
      this.request = new AbortController();
      this.list = element("ul", { id: `${field.id}-suggestions`, class: "suggestions", role: "listbox", "aria-label": "Packages" });
      this.status = element("p", { class: "unseen", "aria-live": "polite" });
      this.list.hidden = true;
      field.type = "text"; // A field of the type search may not be a combobox.
      field.inputMode = "search";
      field.setAttribute("role", "combobox");
      field.setAttribute("aria-autocomplete", "list");
      field.setAttribute("aria-controls", this.list.id);
      field.setAttribute("aria-expanded", "false");
      field.after(this.list, this.status);
      field.addEventListener("input", () => this.load());
      field.addEventListener("keydown", (event) => this.onKey(event));
      field.addEventListener("blur", () => this.close());
      this.list.addEventListener("mousedown", (event) => event.preventDefault()); // Keeps the focus.
      this.list.addEventListener("click", (event) => this.open(event.target.closest("li")));
      addEventListener("pagehide", () => this.close());
    }

    async load() {
      this.request.abort();
      const { signal } = (this.request = new AbortController());
      const text = this.field.value.trim();
      if (text.length < MIN_SUGGESTION_LENGTH) return this.close();
      await new Promise((done) => setTimeout(done, SUGGESTION_DELAY_MS));
      if (signal.aborted) return;
      try {
        const response = await fetch(`/search?form=suggestions&q=${encodeURIComponent(text)}`, { signal });
        const [, names, summaries] = await response.json();
        if (!signal.aborted && document.activeElement === this.field) this.show(names, summaries);
      } catch {
        this.close(); // Without suggestions the search works as before.
      }
    }

    show(names, summaries) {
      this.close();
      this.names = names;
      this.list.replaceChildren(...names.map((name, index) => this.option(name, summaries[index], index)));
      this.status.textContent = names.length ? `${names.length} ${names.length === 1 ? "package" : "packages"}` : "";
      this.list.hidden = !names.length;
      this.field.setAttribute("aria-expanded", String(names.length > 0));
    }

    option(name, summary, index) {
      const option = element("li", { id: `${this.list.id}-${index}`, role: "option", "aria-selected": "false" });
      option.append(element("span", { class: "suggestion-name" }, name));
      if (summary) option.append(" ", element("bdi", { class: "suggestion-summary" }, summary));
      return option;
    }

    select(index) {
      const options = [...this.list.children];
      options[this.selected]?.setAttribute("aria-selected", "false");
      this.selected = index;
      const option = options[index];
      if (!option) return this.field.removeAttribute("aria-activedescendant");
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      this.field.setAttribute("aria-activedescendant", option.id);
    }

    onKey(event) {
      if (event.isComposing) return;
      const isOpen = !this.list.hidden;
      const places = this.names.length + 1; // The options, and the field itself.
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && isOpen) this.select(((this.selected + 1 + step + places) % places) - 1);
      else if (step === 1 && this.field.value.trim()) this.load();
      else if (event.key === "Escape" && isOpen) this.close();
      else if (event.key === "Enter" && this.selected >= 0) this.open(this.list.children[this.selected]);
      else return;
      event.preventDefault();
    }

    open(option) {
      const name = this.names[[...this.list.children].indexOf(option)];
      if (name) location.assign(`/packages/${name}`);
    }

    close() {
      this.request.abort();
      this.select(-1);
      this.list.hidden = true;
      this.status.textContent = "";
      this.field.setAttribute("aria-expanded", "false");
    }
  }

  const RESUBMIT_DELAY_MS = 10_000; // Longer than a first answer takes after the registry scaled to zero.

  // Ignores the second click of a double click on the button of a form. It would send the form again,
  // and the page would show the second answer: a refusal, or another secret than the first one.
  function sendFormsOnce() {
    let sent = new WeakMap(); // When each form was sent.
    document.addEventListener("submit", (event) => {
      const form = event.target;
      if (form.getAttribute("method") !== "post") return;
      if (event.timeStamp - sent.get(form) < RESUBMIT_DELAY_MS) event.preventDefault();
      else sent.set(form, event.timeStamp);
    });
    addEventListener("pageshow", () => {
      sent = new WeakMap(); // Somebody went back to the page.
    });
  }

  // Scrolls the index of a module to the declaration that is shown.
  function onIndex(index) {
    const current = index.querySelector("[aria-current]");
    if (current) index.scrollTop = current.offsetTop - index.clientHeight / 2;
  }

  sendFormsOnce();

  document.addEventListener("DOMContentLoaded", () => {
    const fields = [...document.querySelectorAll("[data-focus-key]")];
    if (fields.length) onKeys(fields[fields.length - 1]); // The page's own field comes after that of the layout.
    fields.forEach((field) => new Suggestions(field));
    document.querySelectorAll("[data-keys-switch]").forEach(onKeysSwitch);
    document.querySelectorAll("[data-copy], [data-copy-text]").forEach(onCopy);
    document.querySelectorAll("[data-copy-blocks]").forEach(onCopyBlocks);
    document.querySelectorAll("[data-filters]").forEach(onFilter);
    document.querySelectorAll(".docs-index").forEach(onIndex);
    document.querySelectorAll("[data-link-code]").forEach(onLinkCode);
    document.querySelectorAll("[data-theme-switch]").forEach(onThemes);
  });
})();
