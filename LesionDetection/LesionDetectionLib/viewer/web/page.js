// The page's own: keys, the theme, what is in sight, and what to do when the server is gone.
(function () {
  "use strict";

  const KEYS = ["N", "P", "G", "A", "R", "U", "M", "C", "D", "Delete", "Escape", "Ctrl+Z", "Ctrl+Y", "Ctrl+Shift+Z", "Ctrl+ArrowUp", "Ctrl+ArrowDown"];
  const TYPING = "input:not([type=range]):not([type=checkbox]):not([type=button]), select, textarea, [contenteditable=true]";
  const THEME = "lesion-viewer-theme";
  const SECONDS_TRIED = 30;
  const SECONDS_BETWEEN = 2;
  const MILLISECONDS_TO_FILL = 300;

  let underWay = false;

  function nameOf(event) {
    const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const shift = event.shiftKey && (event.ctrlKey || event.metaKey) ? "Shift+" : "";
    return (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + shift + key;
  }

  async function onKey(event) {
    const name = nameOf(event);
    const state = window.trame && window.trame.state;
    if (event.altKey || event.defaultPrevented || !KEYS.includes(name) || !state) return;
    if (state.get("page") !== "viewer" || state.get("question_shown") || state.get("help_shown")) return;
    if (name !== "Escape" && event.target.closest && event.target.closest(TYPING)) return;
    if (event.repeat && underWay) return;
    event.preventDefault();
    underWay = true;
    try {
      await window.trame.trigger("page_key", [name]);
    } finally {
      underWay = false;
    }
  }

  document.addEventListener("keydown", onKey);

  // Another tab of this browser shows the viewer from now on: this one gives way, and shows no picture any more.
  const tabs = new BroadcastChannel("lesion-viewer");
  tabs.onmessage = () => window.location.replace("elsewhere");
  tabs.postMessage("opened");

  async function isThere() {
    try {
      return (await fetch("./", { cache: "no-store" })).status;
    } catch (error) {
      return 0;
    }
  }

  window.lesionPage = {
    rememberTheme(theme) {
      try {
        window.localStorage.setItem(THEME, theme);
      } catch (error) {
        // A browser that keeps nothing begins dark each time.
      }
    },

    theme() {
      try {
        return window.localStorage.getItem(THEME) === "light" ? "light" : "dark";
      } catch (error) {
        return "dark";
      }
    },

    // Scroll a row of a table into sight, within the table alone.
    reveal(id) {
      const row = id && document.querySelector(`#findings tr[data-id="${CSS.escape(id)}"]`);
      if (row) row.scrollIntoView({ block: "nearest" });
    },

    // Scroll the panel as little as it takes for a section to be seen, once it is filled.
    showSection(id) {
      const section = document.getElementById(id);
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      const show = () => section.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
      if (section) setTimeout(show, MILLISECONDS_TO_FILL);
    },

    // What was typed into a field of a number, within its limits; what is no number is taken back.
    number(input, field, before) {
      let value = input.valueAsNumber;
      if (Number.isNaN(value)) value = before;
      value = Math.min(field.highest, Math.max(field.lowest, value));
      if (field.kind === "whole") value = Math.round(value);
      input.value = value;
      return value;
    },

    focus(id) {
      const element = document.getElementById(id);
      if (element) element.focus({ preventScroll: true });
    },

    press(id) {
      const element = document.getElementById(id);
      if (element) element.click();
    },

    // The server is gone: come back with it, or say that it has ended.
    async reconnect() {
      const until = Date.now() + 1000 * SECONDS_TRIED;
      let status = 0;
      while (status === 0 && Date.now() < until) {
        status = await isThere();
        if (status === 200) {
          window.location.reload();
          return;
        }
        if (status === 0) await new Promise((done) => setTimeout(done, 1000 * SECONDS_BETWEEN));
      }
      document.documentElement.classList.add("has-ended");
    },
  };
})();
