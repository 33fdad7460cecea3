// Files: dropped on the page or picked, sent to the server with progress, and fetched from it.
(function () {
  "use strict";

  const MOST_FILES = 20000;

  let sending = null;

  // What the person sees of it; outside of Vue's elements, which may be drawn anew at any time.
  function element(tag, id, parent) {
    const made = document.createElement(tag);
    made.id = id;
    parent.appendChild(made);
    return made;
  }

  const zone = element("div", "drop-zone", document.body);
  zone.textContent = "Drop to open";
  const card = element("section", "upload", document.body);
  card.hidden = true;
  card.setAttribute("role", "status");
  const row = document.createElement("div");
  card.appendChild(row);
  const text = element("span", "upload-text", row);
  const cancel = element("button", "upload-cancel", row);
  cancel.type = "button";
  cancel.textContent = "Cancel";
  cancel.addEventListener("click", () => sending && sending.abort());
  const bar = document.createElement("progress");
  bar.max = 1;
  card.appendChild(bar);

  function show(words, fraction) {
    card.hidden = !words;
    text.textContent = words;
    if (fraction === undefined) bar.removeAttribute("value");
    else bar.value = fraction;
  }

  function warn(words) {
    const state = window.trame && window.trame.state;
    if (state) state.update({ message_text: words, message_kind: "warning", message_details: "", message_shown: true });
  }

  function inMegabytes(bytes) {
    return bytes >= 1e8 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
  }

  // Sends a body; resolves with what the server says, and throws its words where it refuses.
  function post(address, body, type, onProgress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      sending = request;
      request.open("POST", address);
      request.setRequestHeader("Content-Type", type);
      request.setRequestHeader("Accept", "application/json");
      request.responseType = "json";
      if (onProgress) request.upload.onprogress = (event) => onProgress(event.loaded);
      request.onload = () => {
        const said = request.response || {};
        if (request.status === 200) resolve(said);
        else reject(new Error(said.text || "The server did not take it."));
      };
      request.onerror = () => reject(new Error("The connection was cut before everything was sent. Nothing was kept; try again."));
      request.onabort = () => reject(new Error(""));
      request.send(body);
    });
  }

  // Files as {path, file}.
  async function send(entries) {
    const found = entries.filter((one) => !one.file.name.startsWith("."));
    if (sending || !found.length) {
      warn(sending ? "Files are being sent already. Wait for them, or cancel." : "There were no files in what was dropped.");
      return;
    }
    const total = found.reduce((sum, one) => sum + one.file.size, 0);
    show(`Sending ${found.length === 1 ? found[0].file.name : `${found.length} files`}`, 0);
    try {
      const list = JSON.stringify({ files: found.map((one) => [one.path, one.file.size]) });
      const { key } = await post("upload", list, "application/json");
      const all = new Blob(found.map((one) => one.file));
      await post(`upload/${encodeURIComponent(key)}`, all, "application/octet-stream", (sent) =>
        show(`Sending ${inMegabytes(sent)} of ${inMegabytes(total)}`, total ? sent / total : 1));
    } catch (error) {
      if (error.message) warn(error.message);
    } finally {
      sending = null;
      show("");
    }
  }

  // All files below what was dropped. A browser gives the content of a folder in portions.
  async function below(entry, into) {
    if (into.length > MOST_FILES) return;
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      into.push({ path: entry.fullPath.replace(/^\//, ""), file });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!portion.length) return;
      for (const one of portion) await below(one, into);
    }
  }

  async function dropped(transfer) {
    const items = Array.from(transfer.items || []).filter((one) => one.kind === "file");
    const entries = items.map((one) => one.webkitGetAsEntry && one.webkitGetAsEntry()).filter(Boolean);
    if (!entries.length) return Array.from(transfer.files).map((file) => ({ path: file.name, file }));
    const found = [];
    for (const entry of entries) await below(entry, found);
    return found;
  }

  function bringsFiles(event) {
    return event.dataTransfer && Array.from(event.dataTransfer.types).includes("Files");
  }

  let depth = 0;
  window.addEventListener("dragenter", (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    depth += 1;
    zone.classList.add("is-over");
  });
  window.addEventListener("dragover", (event) => {
    if (bringsFiles(event)) event.preventDefault();
  });
  window.addEventListener("dragleave", (event) => {
    if (!bringsFiles(event)) return;
    depth -= 1;
    if (depth <= 0) zone.classList.remove("is-over");
  });
  window.addEventListener("drop", async (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    zone.classList.remove("is-over");
    try {
      await send(await dropped(event.dataTransfer));
    } catch (error) {
      warn("The browser could not read what was dropped.");
    }
  });

  window.lesionFiles = {
    // Of an input of files, or of a folder.
    async picked(event) {
      const input = event.target;
      const entries = Array.from(input.files).map((file) => ({ path: file.webkitRelativePath || file.name, file }));
      input.value = "";
      if (entries.length) await send(entries);
    },

    // Let the browser save what is at an address of ours.
    fetch(address) {
      const link = document.createElement("a");
      link.href = address;
      link.download = "";
      document.body.appendChild(link);
      link.click();
      link.remove();
    },
  };
})();
