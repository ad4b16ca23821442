/* Puts the report together. */

function bar(args, links) {
  const download = args.show_download_link
    ? h("a", {class: "button", href: "?download=1&theme=" + currentTheme(), id: "download", download: true}, "Download") : null;
  if (download) {
    onTheme((theme) => download.setAttribute("href", "?download=1&theme=" + theme));
  }
  return h("div", {class: "bar"}, h("div", {class: "bar-in"},
    h("span", {class: "brand"}, "Load test report"),
    h("nav", {"aria-label": "Sections"}, links.map(([id, title]) => h("a", {href: "#" + id}, title))),
    h("div", {class: "tools"}, download,
      h("button", {class: "button", type: "button", onclick: () => window.print()}, "Print"), themeButton())));
}

function foot(args) {
  return h("footer", null, h("span", null, args.version ? `locust ${shown(args.version)}` : "locust"),
    h("span", null, `Times of day in the reader's time zone; in UTC: ${shown(args.start_time)} \u2013 ${shown(args.end_time)}`));
}

/* The parts of the report in their order: [id, name in the bar, element, what draws it]. */
function parts(args) {
  const allTimes = exactTimes(args), all = exactRequests(args, allTimes);
  const requests = all.slice(0, -1), times = allTimes.slice(0, -1);
  const total = aggregated(all), totalTimes = aggregated(allTimes);
  const timesByKey = new Map(times.map((row) => [keyOf(row), row]));
  const failures = args.failures_statistics || [], exceptions = args.exceptions_statistics || [];
  const {median, p95, p99} = timesOf(total, totalTimes);
  const marks = [["median", median], ["p95", p95], ["p99", p99]].filter(([, ms]) => typeof ms === "number");
  const drawn = typeof uPlot === "function";
  const over = drawn ? timeCharts(args) : null, distribution = drawn ? distributionChart(args, marks) : null;
  const list = [["overview", "Overview", total ? figures(args, total, totalTimes) : null]];
  list.push(["thresholds", "Thresholds", thresholdsSection(args.thresholds)]);
  list.push(["slowest", null, highlights(requests, timesByKey)]);
  list.push(["charts", "Charts", over ? over.element : noCharts(drawn), over && over.draw]);
  list.push(["distribution", null, distribution && distribution.element, distribution && distribution.draw]);
  const table = (id, title, made) => list.push([id, title, made && made.element]);
  table("requests", "Requests", total ? requestsTable(requests, total) : null);
  table("percentiles", "Percentiles", totalTimes && times.length ? percentilesTable(times, totalTimes) : null);
  table("failures", "Failures", failures.length ? failuresTable(failures, epochOf(args.start_time)) : null);
  table("exceptions", "Exceptions", exceptions.length ? exceptionsTable(exceptions) : null);
  table("tasks", "Tasks", tasksTable(args.tasks));
  list.push(["options", "Options", optionsSection(args.options)]);
  return list.filter(([, , element]) => element);
}

function noCharts(drawn) {
  return h("section", {id: "charts"}, h("div", {class: "head"}, h("h2", null, "Over time")),
    h("div", {class: "card empty"}, drawn ? "The run was too short for charts: the first sample is taken after five seconds."
      : "This program was built without charts."));
}

function show(args) {
  const list = parts(args);
  const total = aggregated(args.requests_statistics || []);
  if (args.profile) {
    document.title = `Locust - ${shown(args.profile)}`;
  }
  document.getElementById("report").replaceChildren(
    bar(args, list.filter(([, title]) => title).map(([id, title]) => [id, title])),
    h("main", null, titleSection(args, total), list.map(([, , element]) => element), foot(args)));
  list.forEach(([, , , draw]) => draw && draw());
}

window.addEventListener("beforeprint", () => {
  setOnPaper(true);
  printing.forEach((prepare) => prepare());
  redraws.forEach((draw) => draw());
});
window.addEventListener("afterprint", () => {
  setOnPaper(false);
  redraws.forEach((draw) => draw());
});

show(window.templateArgs);
