// The page of comparisons: tabs, provenance, pictures and plots. Everything it shows stands in the page without it.
"use strict";
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const root = document.documentElement;
  root.classList.add("js");

  // Plots are drawn when their panel is first seen, as Plotly must know a width, and again when colours change.
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const layout = (own) => {
    const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--line"), automargin: true };
    const merged = { ...own, xaxis: { ...axis, ...own.xaxis }, yaxis: { ...axis, ...own.yaxis } };
    return {
      ...merged, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour("--ink"), size: 12, family: "inherit" },
      margin: { l: 50, r: 15, t: 28, b: 45 }, legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--soft"), activecolor: colour("--mark") },
    };
  };
  const draw = (panel) => {
    for (const canvas of all(".canvas", panel)) {
      const plot = plots[canvas.id];
      Plotly.react(canvas, plot.traces, layout(plot.layout), { responsive: true, displaylogo: false });
    }
  };

  const tabs = all("[role=tab]");
  const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const select = (chosen, focus) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panel(tab).hidden = tab !== chosen;
    }
    if (focus) chosen.focus();
    chosen.scrollIntoView({ block: "nearest", inline: "nearest" });
    draw(panel(chosen));
  };
  tabs.forEach((tab, k) => {
    tab.addEventListener("click", () => { history.replaceState(null, "", "#" + panel(tab).id); select(tab, false); });
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: k + 1, ArrowLeft: k - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      select(tabs[to % tabs.length], true);
    });
  });
  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const holder = target && target.closest("[role=tabpanel]");
    select(tabs.find((tab) => holder && panel(tab) === holder) || tabs[0], false);
    if (target && target !== holder) { target.focus({ preventScroll: true }); target.scrollIntoView({ block: "center" }); }
  };
  window.addEventListener("hashchange", follow);

  // Provenance, beside the pointer's or the keyboard's number.
  const tip = document.getElementById("tip");
  const show = (event) => {
    const number = event.target.closest && event.target.closest("[data-tip]");
    if (!number) return;
    tip.textContent = number.dataset.tip;
    tip.hidden = false;
    number.setAttribute("aria-describedby", "tip");
    const box = number.getBoundingClientRect();
    const left = Math.min(box.left, window.innerWidth - tip.offsetWidth - 12);
    const below = box.bottom + 8;
    const top = below + tip.offsetHeight > window.innerHeight ? box.top - tip.offsetHeight - 8 : below;
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = Math.max(8, top) + "px";
  };
  const hide = () => { tip.hidden = true; };
  for (const name of ["mouseover", "focusin"]) document.addEventListener(name, show);
  for (const name of ["mouseout", "focusout"]) document.addEventListener(name, hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  for (const slider of all(".slider")) {
    const stack = slider.closest("figure").querySelector(".stack");
    slider.addEventListener("input", () => stack.style.setProperty("--part", slider.value + "%"));
  }

  const redraw = () => all("[role=tabpanel]:not([hidden])").forEach(draw);
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  // Paper shows every panel, so that every plot must be there.
  window.addEventListener("beforeprint", () => {
    const shown = tabs.find((tab) => tab.getAttribute("aria-selected") === "true");
    for (const tab of tabs) { panel(tab).hidden = false; draw(panel(tab)); }
    window.addEventListener("afterprint", () => select(shown, false), { once: true });
  });
  follow();
})();
