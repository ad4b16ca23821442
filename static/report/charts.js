/*
 * The charts, drawn by uPlot: rate, response times and users over time, which zoom and point together, and
 * the distribution of response times.
 */

const SYNC_KEY = "time";
const charts = [];              /* those over time */
const redraws = [];             /* what draws every chart anew */
const widths = [];              /* what fits every chart to the page */
let clockAxis = false;          /* the time axis shows the time of day */

/* --- Data. */

/* The history as columns: seconds since the epoch, and one column for each key. */
function historyColumns(history) {
  const rows = history
    .map((row) => ({row, at: epochOf(row.time)}))
    .filter(({at}) => at !== null);
  const value = (row, key) => {
    const pair = row[key];
    return Array.isArray(pair) && typeof pair[1] === "number" ? pair[1] : null;
  };
  const seen = rows.length ? Object.keys(rows[rows.length - 1].row) : [];
  const percentiles = seen
    .map((key) => [key, Number(key.slice(PERCENTILE.length))])
    .filter(([key, p]) => key.startsWith(PERCENTILE) && !isNaN(p))
    .sort((a, b) => a[1] - b[1]);
  return {
    at: rows.map(({at}) => at),
    column: (key) => rows.map(({row}) => value(row, key)),
    percentiles,
  };
}

/* --- Axes. */

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
  172800, 432000, 864000, 2592000, 7776000, 31536000];

function tickText(seconds, step) {
  if (!clockAxis) {
    return step >= 3600 ? Math.round(seconds / 3600) + " h" : elapsedText(seconds);
  }
  return step >= 86400 ? dayText(seconds).slice(5) : clockText(seconds, step < 60);
}

function timeAxis() {
  return {
    ...axisColours(),
    space: 70,
    size: 30,
    incrs: STEPS,
    splits: (u, i, min, max, step) => {
      /* Ticks at full hours of the reader's day, not of UTC's. */
      const shift = clockAxis ? -new Date(min * 1000).getTimezoneOffset() * 60 : 0;
      const list = [];
      for (let t = Math.ceil((min + shift) / step) * step - shift; t <= max; t += step) {
        list.push(t);
      }
      return list;
    },
    values: (u, ticks, i, space, step) => ticks.map((t) => tickText(t, step)),
  };
}

function axisColours() {
  return {
    stroke: colour("muted"),
    grid: {stroke: colour("line"), width: 1},
    ticks: {stroke: colour("line"), width: 1, size: 4},
    font: (onPaper ? "15px " : "12px ") + getComputedStyle(document.body).fontFamily,
  };
}

function valueText(x) {
  return x >= 1e6 ? decimal(x / 1e6, 1) + "M" : x >= 1e4 ? decimal(x / 1e3, 0) + "k"
    : decimal(x, Number.isInteger(x) ? 0 : x < 1 ? 2 : 1);
}

function valueAxis() {
  return {...axisColours(), size: 54, values: (u, ticks) => ticks.map(valueText)};
}

/* From 0 to a little above the greatest. */
function valueRange(u, min, max) {
  return [0, max > 0 ? max * 1.08 : 1];
}

/* --- Charts over time. */

function lineOf({label, stroke, write, fill, dash, stepped}) {
  const line = colour(stroke);
  return {
    label,
    stroke: line,
    width: 1.6,
    dash,
    paths: stepped ? uPlot.paths.stepped({align: 1}) : undefined,
    fill: fill ? withAlpha(line, 0.12) : undefined,
    points: {show: (u) => u.data[0].length < 3, size: 5},
    value: (u, x) => (x === null || x === undefined ? "" : write(x)),
  };
}

function withAlpha(hex, alpha) {
  return /^#[0-9a-f]{6}$/i.test(hex) ? hex + Math.round(alpha * 255).toString(16).padStart(2, "0") : hex;
}

function momentLabel(start) {
  return (u, x) => {
    if (x === null || x === undefined) {
      return "";
    }
    const at = clockAxis ? x : start + x;
    return `${elapsedText(at - start)} (${clockText(at, true)})`;
  };
}

function plotHeight() {
  return onPaper ? 210 : window.innerWidth <= 640 ? 190 : 220;
}

/* A finger does what the mouse does; moving it up or down scrolls. uPlot takes no notice of a move that says it is none,
   hence movementX. */
function followTouch(u) {
  const send = (type, event) => u.over.dispatchEvent(new MouseEvent(type, {
    clientX: event.clientX, clientY: event.clientY, movementX: 1, bubbles: true, button: 0, view: window}));
  const types = {pointerdown: "mousedown", pointermove: "mousemove", pointerup: "mouseup", pointercancel: "mouseup"};
  for (const [from, to] of Object.entries(types)) {
    u.over.addEventListener(from, (event) => {
      if (event.pointerType === "touch") {
        send(to, event);
      }
    });
  }
}

function chartCard(title, unit) {
  const box = h("div", {class: "plot", role: "img", "aria-label": title + ", " + unit});
  const card = h("div", {class: "card chart"}, h("h3", null, title), h("span", {class: "unit"}, unit), box);
  return {card, box};
}

/* The style sheet makes it as wide as the paper: that is finer than one dot for each of its pixels. */
const PAPER_WIDTH = 1050;

/* Keeps a chart's width and colours right: make(width) makes it anew. */
function keepDrawn(box, make) {
  let plot = null;
  const width = () => (onPaper ? PAPER_WIDTH : Math.max(200, Math.floor(box.clientWidth)));
  const draw = () => {
    if (plot) {
      plot.destroy();
    }
    plot = make(width());
  };
  redraws.push(draw);
  widths.push(() => {
    if (plot && plot.width !== width()) {
      plot.setSize({width: width(), height: plotHeight()});
    }
  });
  return draw;
}

/* One chart over time; lines as of lineOf(), each with its values. */
function timeChart(title, unit, at, start, lines, zoomed) {
  const {card, box} = chartCard(title, unit);
  let plot = null;
  const draw = keepDrawn(box, (width) => {
    if (plot) {
      charts.splice(charts.indexOf(plot), 1);
    }
    const x = clockAxis ? at : at.map((t) => t - start);
    plot = new uPlot({
      width,
      height: plotHeight(),
      padding: [10, 20, 0, 0],
      cursor: {
        sync: {key: SYNC_KEY, scales: ["x", null]},
        drag: {x: true, y: false},
        points: {size: 7},
      },
      scales: {x: {time: false}, y: {range: valueRange}},
      axes: [timeAxis(), valueAxis()],
      series: [{label: "", value: momentLabel(start)}, ...lines.map(lineOf)],
      hooks: {setScale: [(u, key) => key === "x" && zoomed(u)]},
    }, [x, ...lines.map((line) => line.values)], box);
    followTouch(plot);
    charts.push(plot);
    return plot;
  });
  return {card, draw};
}

const PERCENTILE_STROKES = ["accent", "blue", "amber", "red", "green", "muted"];

/* The section with the three charts; null when there is no history. */
function timeCharts(args) {
  const columns = historyColumns(args.history || []);
  if (columns.at.length === 0) {
    return null;
  }
  const start = Math.min(epochOf(args.start_time) || columns.at[0], columns.at[0]);
  const reset = h("button", {class: "button", type: "button", hidden: true, onclick: resetZoom}, "Reset zoom");
  const zoomed = (u) => {
    const x = u.data[0], scale = u.scales.x;
    reset.hidden = !(x.length > 1 && (scale.min > x[0] || scale.max < x[x.length - 1]));
  };
  const line = (label, key, stroke, more) => ({label, values: columns.column(key), stroke, write: rate, ...more});
  const made = [
    timeChart("Throughput", "per second", columns.at, start, [
      line("Requests", "current_rps", "accent", {fill: true}),
      line("Failures", "current_fail_per_sec", "red", {fill: true}),
    ], zoomed),
    timeChart("Response times", "ms, of the last 10 seconds", columns.at, start, [
      ...columns.percentiles.map(([key, p], i) =>
        line(percentileName(p), key, PERCENTILE_STROKES[i % PERCENTILE_STROKES.length], {write: milliseconds})),
      line("Average so far", "total_avg_response_time", "muted", {write: milliseconds, dash: [4, 4]}),
    ], zoomed),
    timeChart("Users", "running", columns.at, start, [
      line("Users", "user_count", "blue", {write: integer, fill: true, stepped: true}),
    ], zoomed),
  ];
  const axis = axisSwitch();
  const note = args.history_thinned > 1
    ? `One sample in ${integer(args.history_thinned)} is shown; peaks and dips are among them.` : null;
  return {
    element: h("section", {id: "charts"},
      h("div", {class: "head"}, h("h2", null, "Over time"), h("span", {class: "muted no-print"}, "drag to zoom, double-click to see all"),
        h("span", {class: "grow"}), reset, axis),
      made.map(({card}) => card), note ? h("p", {class: "note"}, note) : null),
    draw: () => made.forEach(({draw}) => draw()),
  };
}

function resetZoom() {
  charts.forEach((u) => u.setScale("x", {min: u.data[0][0], max: u.data[0][u.data[0].length - 1]}));
}

/* Elapsed time, or the time of day. */
function axisSwitch() {
  const buttons = [["Elapsed", false], ["Clock", true]].map(([title, clock]) =>
    h("button", {type: "button", "aria-pressed": String(clock === clockAxis), onclick: () => {
      clockAxis = clock;
      buttons.forEach((b) => b.setAttribute("aria-pressed", String((b.textContent === "Clock") === clock)));
      redraws.forEach((draw) => draw());
    }}, title));
  return h("div", {class: "switch", role: "group", "aria-label": "Time axis"}, buttons);
}

/* --- The distribution. */

/* Where a time stands among the bins: 2.5 is the middle of the third. */
function binPlace(edges, ms) {
  let i = 0;
  while (i + 2 < edges.length && ms >= edges[i + 1]) {
    i += 1;
  }
  return i + Math.min(1, Math.max(0, (ms - edges[i]) / (edges[i + 1] - edges[i])));
}

/* 0.01, 0.02, 0.05, 0.1 ... as far as they are between the outermost edges. */
function roundTimes(edges) {
  const list = [];
  for (let power = -2; 10 ** power <= edges[edges.length - 1]; power += 1) {
    list.push(...[1, 2, 5].map((n) => Number(n + "e" + power)));
  }
  return list.filter((ms) => ms >= edges[0] && ms <= edges[edges.length - 1]);
}

/* As short as it can be: 0.02, 5, 1,200. */
function axisTime(ms) {
  return ms >= 1 ? new Intl.NumberFormat("en-US").format(ms) : String(ms);
}

/* Marks percentiles by lines from top to bottom. */
function drawMarks(u, edges, marks) {
  const {ctx, bbox} = u;
  const scale = uPlot.pxRatio;
  ctx.save();
  ctx.font = `${(onPaper ? 15 : 12) * scale}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "center";
  let free = -Infinity;
  for (const [name, ms] of marks) {
    const x = u.valToPos(binPlace(edges, ms) - 0.5, "x", true);
    ctx.strokeStyle = ctx.fillStyle = colour("text");
    ctx.lineWidth = scale;
    ctx.setLineDash([3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const half = ctx.measureText(name).width / 2;
    if (x - half > free) {
      ctx.fillText(name, x, bbox.top - 3 * scale);
      free = x + half + 6 * scale;
    }
  }
  ctx.restore();
}

/* How many requests took how long. null when none has a time. */
function distributionChart(args, marks) {
  const bins = args.distribution || [];
  if (bins.length === 0) {
    return null;
  }
  const edges = [...bins.map(([from]) => from), bins[bins.length - 1][1]], counts = bins.map(([, , count]) => count);
  const all = counts.reduce((a, b) => a + b, 0);
  const {card, box} = chartCard("Distribution", "requests by response time in ms");
  const span = (i) => `${axisTime(edges[i])} to ${axisTime(edges[i + 1])}`;
  const draw = keepDrawn(box, (width) => new uPlot({
    width,
    height: plotHeight(),
    padding: [20, 12, 0, 0],
    cursor: {drag: {x: false, y: false}, points: {show: false}, y: false},
    scales: {x: {time: false, range: () => [-0.6, counts.length - 0.4]}, y: {range: valueRange}},
    axes: [{
      ...axisColours(),
      size: 30,
      splits: () => roundTimes(edges).map((ms) => binPlace(edges, ms) - 0.5),
      values: (u, ticks) => {
        const times = roundTimes(edges);
        const crowded = times.length > Math.max(2, width / 45);
        return times.map((ms) => (crowded && !Number.isInteger(Math.log10(ms)) ? null : axisTime(ms)));
      },
      grid: {show: false},
    }, valueAxis()],
    series: [
      {label: "", value: (u, x, s, i) => (i === null || i === undefined ? "" : span(i) + " ms")},
      {label: "Requests", stroke: colour("accent"), fill: withAlpha(colour("accent"), 0.55), width: 0,
        paths: uPlot.paths.bars({size: [0.9, 100]}), points: {show: false},
        value: (u, x) => (x === null || x === undefined ? "" : `${integer(x)} (${percent(x / all)})`)},
    ],
    hooks: {draw: [(u) => drawMarks(u, edges, marks)]},
  }, [counts.map((_, i) => i), counts], box));
  return {
    element: h("section", {id: "distribution"}, h("div", {class: "head"}, h("h2", null, "All response times")), card),
    draw,
  };
}

/* --- Redrawing. */

onTheme(() => redraws.forEach((draw) => draw()));

let resizing = 0;
window.addEventListener("resize", () => {
  cancelAnimationFrame(resizing);
  resizing = requestAnimationFrame(() => widths.forEach((fit) => fit()));
});
