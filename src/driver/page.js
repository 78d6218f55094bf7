"use strict";
/* Draws the films of a page (figure.film holds their numbers as JSON) and the images (canvas.pixels). */
(() => {
  const W = 460, H = 300, L = 50, R = 10, T = 20, B = 32, SVG = "http://www.w3.org/2000/svg";

  const element = (name, attributes, parent, text) => {
    const made = name.includes(":") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };
  const svg = (name, attributes, parent, text) => element("svg:" + name, attributes, parent, text);
  const bytesOf = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const rgb = name => { const n = parseInt(style(name).slice(1), 16); return [n >> 16, n >> 8 & 255, n & 255]; };
  const mix = (a, b, part) => a.map((v, i) => v + (b[i] - v) * part);
  const shown = value => value === null ? "not a number" : Number(value.toPrecision(6)).toString();

  /* ---- axes ---- */
  const scale = (low, high, from, to, logarithmic) => {
    const f = logarithmic ? Math.log : v => v;
    return value => from + (f(value) - f(low)) / (f(high) - f(low)) * (to - from);
  };
  const ticks = (low, high, logarithmic) => {
    const list = [];
    if (logarithmic) {
      const decades = Math.log10(high / low), every = Math.max(1, Math.round(decades / 5));
      for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e += every)
        for (const k of decades < 2.2 ? [1, 2, 5] : [1]) list.push(k * 10 ** e);
    } else {
      const least = (high - low) / 5, decade = 10 ** Math.floor(Math.log10(least));
      const step = [1, 2, 5, 10].map(k => k * decade).find(s => s >= least * 0.999);
      for (let k = Math.ceil(low / step); k * step <= high; k++) list.push(k * step);
    }
    return list.filter(v => v >= low && v <= high);
  };
  const tickText = value => Number(value.toPrecision(5)).toString();
  let clips = 0;
  const axes = (parent, x, y, xName, yName) => {
    const root = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${yName} over ${xName}` }, parent);
    const px = scale(x[0], x[1], L, W - R, false), py = scale(y[0], y[1], H - B, T, y[2]);
    for (const v of ticks(x[0], x[1], false)) {
      svg("line", { class: "grid", x1: px(v), x2: px(v), y1: T, y2: H - B }, root);
      svg("text", { class: "tick", x: px(v), y: H - B + 15, "text-anchor": "middle" }, root, tickText(v));
    }
    for (const v of ticks(y[0], y[1], y[2])) {
      svg("line", { class: "grid", x1: L, x2: W - R, y1: py(v), y2: py(v) }, root);
      svg("text", { class: "tick", x: L - 6, y: py(v) + 4, "text-anchor": "end" }, root, tickText(v));
    }
    svg("text", { class: "tick", x: W - R, y: H - 3, "text-anchor": "end" }, root, xName);
    svg("text", { class: "tick", x: L, y: T - 7 }, root, yName);
    const id = "inside" + clips++;
    svg("rect", { x: L, y: T, width: W - L - R, height: H - T - B }, svg("clipPath", { id }, root));
    return { root, px, py, inside: svg("g", { "clip-path": `url(#${id})` }, root) };
  };
  const path = (points, px, py) => {
    let text = "", begun = false;
    for (const [x, y] of points) {
      const at = y === null ? NaN : py(y), good = Number.isFinite(at);
      if (good) text += (begun ? "L" : "M") + px(x).toFixed(1) + " " + Math.max(-H, Math.min(2 * H, at)).toFixed(1);
      begun = good;
    }
    return text;
  };

  /* ---- frames ---- */
  const valuesOf = (run, frame) => {
    const bytes = bytesOf(run.data[frame]), size = run.bits / 8, most = size === 1 ? 255 : 65535, values = [];
    for (let i = 0; i < bytes.length; i += size)
      values.push(run.low + (size === 1 ? bytes[i] : bytes[i] | bytes[i + 1] << 8) / most * (run.high - run.low));
    return values;
  };
  const viridis = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const heat = part => {
    const at = Math.max(0, Math.min(0.9999, part)) * (viridis.length - 1), k = Math.floor(at);
    return mix(viridis[k], viridis[k + 1], at - k);
  };
  const classColor = k => "var(--c" + k % 7 + ")";

  const drawings = {
    none: () => () => {},
    curve(run, panel, color) {
      const a = axes(panel, [run.x.low, run.x.high], [run.y.low, run.y.high], run.x.name, run.y.name);
      for (let i = 0; i < run.points.length; i += 3)
        svg("circle", { class: "dot", cx: a.px(run.points[i]), cy: a.py(run.points[i + 1]), r: 2.6 }, a.inside);
      const curves = Array.from({ length: run.count }, (_, k) => svg("path", { class: "curve c" + (color + k) % 7 }, a.inside));
      return values => curves.forEach((curve, k) => {
        const points = [];
        for (let i = 0; i < run.width; i++)
          points.push([run.x.low + (run.x.high - run.x.low) * i / (run.width - 1), values[k * run.width + i]]);
        curve.setAttribute("d", path(points, a.px, a.py));
      });
    },
    plane(run, panel) {
      const stack = element("div", { class: "stack" }, panel);
      const canvas = element("canvas", { width: run.width, height: run.height }, stack);
      canvas.style.cssText = `left:${100 * L / W}%;top:${100 * T / H}%;width:${100 * (W - L - R) / W}%;height:${100 * (H - T - B) / H}%`;
      const a = axes(stack, [run.x.low, run.x.high], [run.y.low, run.y.high], run.x.name, run.y.name);
      const part = v => (v - run.low) / (run.high - run.low);
      for (let i = 0; i < run.points.length; i += 3) {
        const color = run.classes ? classColor(run.points[i + 2]) : `rgb(${heat(part(run.points[i + 2]))})`;
        svg("circle", { cx: a.px(run.points[i]), cy: a.py(run.points[i + 1]), r: 3, style: `fill:${color};stroke:var(--paper);stroke-width:.8` }, a.inside);
      }
      if (run.names.length) {
        const legend = element("p", { class: "legend" }, panel);
        run.names.slice(0, 12).forEach((name, k) => element("span", { class: "key c" + k % 7 }, legend, name));
      }
      return values => {
        const context = canvas.getContext("2d"), image = context.createImageData(run.width, run.height);
        const paper = rgb("--paper"), colors = [0, 1, 2, 3, 4, 5, 6].map(k => rgb("--c" + k));
        for (let j = 0; j < run.height; j++)
          for (let i = 0; i < run.width; i++) {
            const value = values[j * run.width + i], k = Math.min(Math.floor(value + 2e-3), run.classes - 1);
            const color = run.classes ? mix(paper, colors[k % 7], 0.1 + 0.5 * Math.max(0, Math.min(1, value - k))) : heat(part(value));
            image.data.set([...color, 255], 4 * ((run.height - 1 - j) * run.width + i));
          }
        context.putImageData(image, 0, 0);
      };
    },
    weights(run, panel) {
      const across = Math.ceil(Math.sqrt(run.count)), down = Math.ceil(run.count / across);
      const canvas = element("canvas", { class: "images", width: across * (run.width + 1) - 1, height: down * (run.height + 1) - 1, role: "img", "aria-label": run.says }, panel);
      return values => {
        const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
        const paper = rgb("--card"), below = rgb("--below"), above = rgb("--above"), size = run.width * run.height;
        for (let k = 0; k < run.count; k++)
          for (let i = 0; i < size; i++) {
            const part = values[k * size + i] / run.high, x = k % across * (run.width + 1) + i % run.width;
            const y = Math.floor(k / across) * (run.height + 1) + Math.floor(i / run.width);
            image.data.set([...mix(paper, part < 0 ? below : above, Math.sqrt(Math.abs(part))), 255], 4 * (y * canvas.width + x));
          }
        context.putImageData(image, 0, 0);
      };
    },
    agreement(run, panel) {
      const a = axes(panel, [run.x.low, run.x.high], [run.y.low, run.y.high], run.x.name + " as measured", run.y.name + " as predicted");
      svg("path", { class: "curve rest", d: path([[run.x.low, run.x.low], [run.x.high, run.x.high]], a.px, a.py) }, a.inside);
      const dots = Array.from({ length: run.count }, () => svg("circle", { r: 2.6, style: "fill:var(--c0);opacity:.6" }, a.inside));
      return values => dots.forEach((dot, i) => {
        dot.setAttribute("cx", a.px(run.points[3 * i + 2]));
        dot.setAttribute("cy", a.py(values[i]));
      });
    },
    confusion(run, panel) {
      const n = run.classes, side = Math.min(340, 44 * n), cell = side / n, from = 16 + 7 * Math.max(3, ...run.names.map(name => Math.min(name.length, 12)));
      const root = svg("svg", { viewBox: `0 0 ${from + side + 2} ${from + side + 2}`, role: "img", "aria-label": run.says }, panel);
      root.style.maxWidth = from + side + "px";
      const cells = [];
      for (let i = 0; i < n; i++) {
        svg("text", { class: "tick", x: from - 8, y: from + (i + .5) * cell + 4, "text-anchor": "end" }, root, run.names[i].slice(0, 12));
        svg("text", { class: "tick", x: from + (i + .5) * cell, y: from - 8, "text-anchor": "middle" }, root, run.names[i].slice(0, Math.max(1, Math.floor(cell / 7))));
        for (let j = 0; j < n; j++) {
          const rect = svg("rect", { x: from + j * cell, y: from + i * cell, width: cell, height: cell, style: `fill:var(--c${i === j ? 2 : 1});stroke:var(--line)` }, root);
          cells.push([rect, svg("text", { x: from + (j + .5) * cell, y: from + (i + .5) * cell + 4, "text-anchor": "middle", style: "fill:var(--ink)" }, root)]);
        }
      }
      return values => cells.forEach(([rect, text], k) => {
        const row = Math.floor(k / n) * n, count = Math.round(values[k]);
        const sum = values.slice(row, row + n).reduce((a, b) => a + b, 0);
        rect.style.fillOpacity = sum ? Math.sqrt(values[k] / sum) * .65 : 0;
        text.textContent = count || "";
      });
    },
  };

  /* ---- a film ---- */
  const losses = (data, panels) => {
    const panel = element("div", { class: "panel" }, panels);
    element("h3", {}, panel, "loss");
    element("p", { class: "now" }, panel, "over the training rows" + (data.runs.some(r => r.losses.some(p => p[2] !== null)) ? "; dashed: over the validation rows" : ""));
    const a = axes(panel, data.epochs, [...data.loss, data.logarithmic], "epoch", "loss");
    const marks = data.runs.map((run, r) => {
      const color = "c" + r;
      const all = [1, 2].map(k => run.losses.map(p => [p[0], p[k]]));
      svg("path", { class: `curve faint ${color}`, d: path(all[0], a.px, a.py) }, a.inside);
      const done = [svg("path", { class: `curve ${color}` }, a.inside), svg("path", { class: `curve dashed ${color}` }, a.inside)];
      const dot = svg("circle", { r: 4.5, class: color, style: "fill:var(--paper);stroke-width:2.5" }, a.inside);
      return frame => {
        const [, epoch, loss] = run.frames[frame];
        done.forEach((curve, k) => curve.setAttribute("d", path(all[k].filter(p => p[0] <= epoch + 1e-9), a.px, a.py)));
        const y = loss === null ? NaN : a.py(loss);
        dot.style.display = Number.isFinite(y) ? "" : "none";
        if (Number.isFinite(y)) { dot.setAttribute("cx", a.px(epoch)); dot.setAttribute("cy", Math.max(T, y)); }
      };
    });
    return at => marks.forEach((mark, r) => mark(Math.min(at, data.runs[r].frames.length - 1)));
  };
  const panelOf = (run, r, runs, panels, alike) => {
    const panel = element("div", { class: "panel" }, panels);
    element("h3", runs > 1 ? { class: "key c" + r } : {}, panel, run.name);
    if (!alike) element("p", { class: "now" }, panel, run.says);
    const now = element("p", { class: "now" }, panel), draw = drawings[run.kind](run, panel, r);
    return at => {
      const last = run.frames.length - 1, frame = Math.min(at, last), [step, epoch, loss] = run.frames[frame];
      const end = frame === last && run.diverged ? "; then it diverged" : "";
      now.textContent = `epoch ${Number(epoch.toPrecision(4))}, step ${step}: loss ${shown(loss)}${end}`;
      if (run.kind !== "none") draw(valuesOf(run, frame));
    };
  };
  const film = figure => {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const alike = data.runs.every(run => run.says === data.runs[0].says);
    if (alike) element("figcaption", {}, figure, data.runs[0].says);
    const player = element("div", { class: "player" }, figure);
    const button = element("button", { type: "button" }, player, "Play");
    const most = Math.max(...data.runs.map(run => run.frames.length)) - 1;
    const slider = element("input", { type: "range", min: 0, max: most, value: most, "aria-label": "moment of the training" }, player);
    const panels = element("div", { class: [2, 4].includes(data.runs.length) ? "panels many" : "panels" }, figure);
    const draws = data.runs.map((run, r) => panelOf(run, r, data.runs.length, panels, alike));
    draws.push(losses(data, panels));
    const show = () => draws.forEach(draw => draw(Number(slider.value)));
    let timer = 0;
    const stop = () => { clearInterval(timer); timer = 0; button.textContent = "Play"; };
    button.addEventListener("click", () => {
      if (timer) return stop();
      if (Number(slider.value) === most) slider.value = 0;
      button.textContent = "Pause";
      show();
      timer = setInterval(() => {
        slider.value = Number(slider.value) + 1;
        show();
        if (Number(slider.value) === most) stop();
      }, 90);
    });
    slider.addEventListener("input", () => { stop(); show(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    show();
  };

  document.querySelectorAll("figure.film").forEach(film);
  document.querySelectorAll("canvas.pixels").forEach(canvas => {
    const bytes = bytesOf(canvas.dataset.pixels), context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    bytes.forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
    context.putImageData(image, 0, 0);
  });
})();
