// Optional features of the pages: keys that focus the search field, suggestions while typing, copy
// buttons, and the choice of a theme. Every page works without this script.
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
    button.addEventListener("click", async () => {
      const from = document.getElementById(button.dataset.copy);
      if (!from) return;
      try {
        await navigator.clipboard.writeText(from.value ?? from.textContent);
        words.data = "Copied";
      } catch {
        words.data = "Press Ctrl+C"; // The text is selected below.
        if (from.select) from.select();
        else getSelection()?.selectAllChildren(from);
      }
      setTimeout(() => {
        words.data = said;
      }, 2000);
    });
    button.hidden = false;
  }

  document.addEventListener("DOMContentLoaded", () => {
    const fields = [...document.querySelectorAll("[data-focus-key]")];
    if (fields.length) onKeys(fields[fields.length - 1]); // The page's own field comes after that of the layout.
    document.querySelectorAll("[data-keys-switch]").forEach(onKeysSwitch);
    document.querySelectorAll("[data-copy]").forEach(onCopy);
    document.querySelectorAll("[data-theme-switch]").forEach(onThemes);
  });
})();
