"use strict";
// The page is whole without this: it adds search, exact figures on touch, and news where it is
// served live or shown by a host of MCP Apps.
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  function search() {
    const field = document.getElementById("search");
    if (!field) return;
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...document.querySelectorAll("#decisions tbody tr")];
    let found = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) found += 1;
    }
    const of = words.length ? `${found} of ${rows.length} decisions` : `${rows.length} decisions`;
    document.getElementById("found").textContent = of;
  }
  document.addEventListener("input", (event) => {
    if (event.target.id === "search") search();
  });

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  function point(event) {
    const mark = event.target.closest?.('[role="graphics-symbol"][aria-label]');
    const said = mark?.getAttribute("aria-label");
    tip.hidden = !said;
    if (!said) return;
    tip.textContent = said;
    const room = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 12, innerWidth - room.width - 8);
    const above = event.clientY - room.height - 12;
    // Positions are set on the object, which the policy allows; it forbids style attributes.
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above > 8 ? above : event.clientY + 16}px`;
  }
  document.addEventListener("pointermove", point);
  document.addEventListener("pointerdown", point);

  function opened() {
    const all = [...document.querySelectorAll("details[open]")];
    return all.map((one) => one.querySelector("code")?.textContent ?? one.firstChild.textContent);
  }
  function replace(news) {
    const query = document.getElementById("search")?.value ?? "";
    const focused = document.activeElement?.id === "search";
    const open = new Set(opened());
    document.getElementById("report").innerHTML = news.content;
    root.dataset.revision = news.revision;
    for (const one of document.querySelectorAll("details")) {
      const name = one.querySelector("code")?.textContent ?? one.firstChild.textContent;
      one.open = open.has(name);
    }
    const field = document.getElementById("search");
    if (!field) return;
    field.value = query;
    if (focused) field.focus();
    if (query) search();
  }

  // MCP Apps: JSON-RPC with the window that shows this one. Nothing that is sent tells anything,
  // so it may go to any host; only that window is listened to.
  const own = root.dataset.app;
  const waiting = new Map();
  function post(message) {
    parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }
  function request(method, params) {
    const id = waiting.size + 1;
    post({ id, method, params });
    return new Promise((resolve) => waiting.set(id, resolve));
  }
  function wear(context) {
    if (["light", "dark"].includes(context?.theme)) root.style.colorScheme = context.theme;
  }
  async function reread() {
    const answer = await request("resources/read", { uri: own });
    const text = answer?.contents?.[0]?.text;
    if (typeof text !== "string") return;
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const content = fresh.getElementById("report")?.innerHTML;
    const revision = fresh.documentElement.dataset.revision;
    if (content && revision !== root.dataset.revision) replace({ content, revision });
  }
  function hear({ source, data }) {
    if (source !== parent || data?.jsonrpc !== "2.0") return;
    if (data.method === undefined) waiting.get(data.id)?.(data.result);
    else if (data.id !== undefined) post({ id: data.id, result: {} });
    else if (data.method === "ui/notifications/host-context-changed") wear(data.params);
    // A host may have kept the page since long before this call of the tool.
    else if (data.method === "ui/notifications/tool-result") reread();
  }
  async function join() {
    addEventListener("message", hear);
    const answer = await request("ui/initialize", {
      protocolVersion: "2026-01-26",
      appInfo: { name: "mcp-router", version: root.dataset.version },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    wear(answer?.hostContext);
    post({ method: "ui/notifications/initialized", params: {} });
    const grown = () => {
      const height = Math.ceil(document.body.getBoundingClientRect().height);
      post({ method: "ui/notifications/size-changed", params: { height } });
    };
    new ResizeObserver(grown).observe(document.body);
  }
  if (own && parent !== window) join();

  const state = root.dataset.state;
  if (!state) return;
  const EVERY_MS = 5000;
  function tell(text) {
    const line = document.getElementById("connection");
    line.textContent = text;
    line.hidden = !text;
  }
  async function ask() {
    if (!document.hidden) {
      try {
        const url = `${state}?revision=${encodeURIComponent(root.dataset.revision)}`;
        const answer = await fetch(url, { cache: "no-store" });
        if (!answer.ok && answer.status !== 304) throw new Error(answer.statusText);
        if (answer.status === 200) replace(await answer.json());
        tell("");
      } catch {
        tell("The dashboard is not running any more; these are its last figures.");
      }
    }
    setTimeout(ask, EVERY_MS);
  }
  setTimeout(ask, EVERY_MS);
})();
