// What the pages gain by a script, and do without: a key that leads to the search, buttons that
// copy, and a choice of colours. It asks for nothing from anywhere.
"use strict";

(() => {
  const root = document.documentElement;
  const THEMES = { "": "as the system has them", light: "light", dark: "dark" };

  function kept(name) {
    try {
      return localStorage.getItem(name) ?? "";
    } catch {
      return ""; // A browser that keeps nothing.
    }
  }

  function keep(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      // It holds for this page alone.
    }
  }

  function show(theme) {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  }

  // At once, before anything is painted.
  show(kept("theme"));

  function onThemes(button) {
    let theme = kept("theme");
    const say = () => {
      button.setAttribute("aria-label", `Colours: ${THEMES[theme] ?? THEMES[""]}`);
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
      button.textContent = keysAreOff ? "Turn these keys on" : "Turn these keys off";
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
    const words = button.firstChild; // What is said for screen readers stands behind it.
    const said = words.data;
    button.addEventListener("click", async () => {
      const from = document.getElementById(button.dataset.copy);
      if (!from) return;
      try {
        await navigator.clipboard.writeText(from.value ?? from.textContent);
        words.data = "Copied";
      } catch {
        words.data = "Press Ctrl+C"; // What stands there is marked already.
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
    if (fields.length) onKeys(fields[fields.length - 1]); // A page's own comes after the frame's.
    document.querySelectorAll("[data-keys-switch]").forEach(onKeysSwitch);
    document.querySelectorAll("[data-copy]").forEach(onCopy);
    document.querySelectorAll("[data-theme-switch]").forEach(onThemes);
  });
})();
