/* The sections of the report, each made from window.templateArgs. One without content is null. */

/* --- What was tested, and the figures. */

function aggregated(list) {
  return list && list.length ? list[list.length - 1] : null;
}

/* The rows of percentiles, with what is exact in the place of what Locust rounds. */
function exactTimes(args) {
  return (args.response_time_statistics || []).map((row, i) => ({...row, ...(args.exact_times || [])[i]}));
}

/* The same for the rows of requests. */
function exactRequests(args, times) {
  return (args.requests_statistics || []).map((row, i) => {
    const time = times[i] || {};
    const made = {...row, min_response_time: time.min ?? row.min_response_time, max_response_time: time.max ?? row.max_response_time};
    for (const key of Object.keys(row).filter((name) => name.startsWith(PERCENTILE))) {
      made[key] = time[key.slice(PERCENTILE.length)] ?? row[key];
    }
    made.median_response_time = time["0.5"] ?? row.median_response_time;
    return made;
  });
}

function verdict(total) {
  if (!total || total.num_requests + total.num_failures === 0) {
    return h("span", {class: "pill none"}, "No requests");
  }
  if (total.num_failures === 0) {
    return h("span", {class: "pill good"}, "No failures");
  }
  return h("span", {class: "pill bad"}, percent(failRatio(total)) + " failed");
}

function failRatio(row) {
  return row.num_requests ? row.num_failures / row.num_requests : row.num_failures ? 1 : 0;
}

function fact(name, value) {
  return value ? h("div", null, h("dt", null, name), h("dd", {class: "text"}, value)) : null;
}

function timeFact(args) {
  const start = epochOf(args.start_time), end = epochOf(args.end_time);
  if (start === null || end === null) {
    return `${shown(args.start_time)} \u2013 ${shown(args.end_time)}`;
  }
  const sameDay = dayText(start) === dayText(end);
  const text = `${momentText(start)} \u2013 ${sameDay ? clockText(end, true) : momentText(end)} ${zoneText(end)}`;
  return h("span", {title: `${args.start_time} \u2013 ${args.end_time}`}, text);
}

function titleSection(args, total) {
  const host = args.host && args.host !== "None" ? args.host : null;
  const lag = (args.generator_lag || []).filter((line) => line);
  return h("header", null,
    h("div", {class: "title"}, h("h1", {class: "text"}, host ? longText(host) : "Load test"), verdict(total)),
    h("dl", {class: "facts"},
      fact("Profile", args.profile ? longText(args.profile) : null),
      fact("Time", timeFact(args)),
      fact("Duration", shown(args.duration)),
      fact("Script", longText(args.locustfile))),
    lag.length ? h("div", {class: "warning text"}, lag.map(shown).join("\n")) : null);
}

function figure(what, [value, unit], more, bad) {
  return h("div", {class: "card figure"}, h("div", {class: "what"}, what),
    h("div", {class: "value" + (bad ? " bad" : "")}, value, unit ? h("span", {class: "unit"}, unit) : null),
    h("div", {class: "more"}, more || "\u00a0"));
}

function greatest(history, key) {
  return history.reduce((most, row) => Math.max(most, Array.isArray(row[key]) ? row[key][1] || 0 : 0), 0);
}

/* Median, p95 and p99 of a row, from whichever table has them. */
function timesOf(request, times) {
  const find = (p) => {
    const of = [times && times[String(p)], request && request[PERCENTILE + p]];
    return of.find((x) => typeof x === "number");
  };
  return {median: find(0.5) === undefined ? request && request.median_response_time : find(0.5), p95: find(0.95), p99: find(0.99)};
}

function figures(args, total, times) {
  const history = args.history || [];
  const peak = greatest(history, "current_rps"), users = greatest(history, "user_count");
  const {median, p95, p99} = timesOf(total, times);
  return h("div", {class: "figures", id: "overview"},
    figure("Requests", [integer(total.num_requests)], `${integer(total.num_failures)} failed`),
    figure("Failures", [percent(failRatio(total)).replace("\u2009%", ""), "%"], `${rate(total.total_fail_per_sec)} per second`,
      total.num_failures > 0),
    figure("Throughput", [rate(total.total_rps), "req/s"], peak ? `peak ${rate(peak)}` : null),
    figure("Users", [integer(users || null)], "at the most"),
    figure("Median", timeParts(median), `average ${milliseconds(total.avg_response_time)} ms`),
    figure("95th percentile", timeParts(p95), "one in 20 took longer"),
    figure("99th percentile", timeParts(p99), "one in 100 took longer"),
    figure("Slowest", timeParts(total.max_response_time), `fastest ${milliseconds(total.min_response_time)} ms`));
}

/* --- What stands out. */

function ranking(id, title, rows, value, write, bad) {
  const most = value(rows[0]);
  return h("section", {id}, h("div", {class: "head"}, h("h2", null, title)),
    h("ol", {class: "card ranking"}, rows.map((row) => {
      const bar = h("i");
      bar.style.width = (100 * value(row) / most).toFixed(2) + "%";
      return h("li", null,
        h("span", {class: "name text", title: shortText(row.name, 300)}, methodBadge(row.method), h("span", null, shortText(row.name, 120))),
        h("span", {class: "num"}, write(row)), h("span", {class: "track" + (bad ? " bad" : "")}, bar));
    })));
}

function top(rows, value) {
  return rows.filter((row) => value(row) > 0).sort((a, b) => value(b) - value(a)).slice(0, 5);
}

/* Only worth a look when there is something to choose from. */
function highlights(requests, timesByKey) {
  const p95 = (row) => timesOf(row, timesByKey.get(keyOf(row))).p95 || 0;
  const slow = top(requests.slice(), p95), failing = top(requests.slice(), (row) => row.num_failures);
  if (requests.length < 2 || slow.length === 0) {
    return null;
  }
  return h("div", {class: "pair"},
    ranking("slowest", "Slowest, by 95th percentile", slow, p95, (row) => milliseconds(p95(row)) + " ms"),
    failing.length
      ? ranking("failing", "Most failures", failing, (row) => row.num_failures,
        (row) => `${integer(row.num_failures)} (${percent(failRatio(row))})`, true)
      : h("section", {id: "failing"}, h("div", {class: "head"}, h("h2", null, "Most failures")),
        h("div", {class: "card empty good"}, "No request failed.")));
}

function keyOf(row) {
  return JSON.stringify([row.method || "", row.name]);
}

function requestSearch(row) {
  return `${row.method || ""} ${row.name}`;
}

/* --- Pass or fail. */

function thresholdsSection(thresholds) {
  if (!thresholds || thresholds.length === 0) {
    return null;
  }
  const broken = thresholds.filter((row) => !row.kept).length;
  return h("section", {id: "thresholds"},
    h("div", {class: "head"}, h("h2", null, "Thresholds"),
      broken ? h("span", {class: "pill bad"}, `${integer(broken)} not kept`) : h("span", {class: "pill good"}, "All kept")),
    h("ul", {class: "card thresholds"}, thresholds.map((row) => h("li", {class: row.kept ? "kept" : "broken"},
      h("span", {class: "mark"}, row.kept ? "passed" : "failed"),
      h("span", {class: "name"}, longText(row.threshold)),
      h("span", {class: "num"}, shown(row.measured))))));
}

/* --- Tables. */

function failuresCell(n, row) {
  return n === 0 ? h("span", {class: "muted"}, "0")
    : [h("span", {class: "bad"}, integer(n)), h("span", {class: "muted part"}, percent(failRatio(row)))];
}

function requestsTable(requests, total) {
  const column = numberColumn;
  const percentiles = Object.keys(total)
    .filter((key) => key.startsWith(PERCENTILE))
    .map((key) => [key, Number(key.slice(PERCENTILE.length))])
    .sort((a, b) => a[1] - b[1]);
  return new Table({
    id: "requests", title: "Requests", rows: requests, total: total, search: requestSearch,
    columns: [
      nameColumn(),
      column("Requests", (row) => row.num_requests, integer),
      column("Failures", (row) => row.num_failures, failuresCell),
      column("Req/s", (row) => row.total_rps, rate, "Requests per second over the whole run"),
      column("Fail/s", (row) => row.total_fail_per_sec, rate, "Failures per second over the whole run"),
      column("Average", (row) => row.avg_response_time, milliseconds, "ms"),
      column("Min", (row) => row.min_response_time, milliseconds, "ms"),
      column("Median", (row) => row.median_response_time, milliseconds, "ms"),
      ...percentiles.map(([key, p]) => column(percentileName(p), (row) => row[key], milliseconds, "ms")),
      column("Max", (row) => row.max_response_time, milliseconds, "ms"),
      column("Size", (row) => row.avg_content_length, bytes, "Average size of a response"),
    ],
    note: "Times in milliseconds, rates over the whole run.",
  });
}

function percentilesTable(times, total) {
  const keys = Object.keys(total).filter((key) => key !== "name" && key !== "method" && !isNaN(Number(key)))
    .sort((a, b) => Number(a) - Number(b));
  if (keys.length === 0) {
    return null;
  }
  /* Shaded by the logarithm: a step is a factor, whether of 10 ms or of 10 s. */
  const all = times.flatMap((row) => keys.map((key) => row[key])).filter((x) => x > 0);
  const least = Math.log(Math.max(1, Math.min(...bounds(all)))), most = Math.log(Math.max(2, Math.max(...bounds(all))));
  const heat = (x) => (x > 1 && most > least ? (Math.log(x) - least) / (most - least) : 0);
  return new Table({
    id: "percentiles", title: "Percentiles", rows: times, total, search: requestSearch,
    columns: [nameColumn(), ...keys.map((key) => ({
      ...numberColumn(Number(key) * 100 === 100 ? "Max" : percentileName(Number(key)), (row) => row[key], milliseconds),
      heat: (row) => heat(row[key]),
    }))],
    note: "Times in milliseconds; the darker, the slower.",
  });
}

/* The least and the greatest: a list may be too long for arguments. */
function bounds(list) {
  return list.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
}

function failuresTable(failures, start) {
  const all = failures.reduce((sum, row) => sum + row.occurrences, 0);
  return new Table({
    id: "failures", title: "Failures", rows: failures, sortBy: 0, descending: true,
    search: (row) => `${requestSearch(row)} ${row.error}`,
    columns: [
      numberColumn("Count", (row) => row.occurrences, integer),
      numberColumn("Share", (row) => (all ? row.occurrences / all : 0), percent, "Of all failures"),
      nameColumn(),
      {title: "Error", className: "wide", value: (row) => row.error, cell: (row) => longText(row.error, "message")},
      timeColumn("First seen", (row) => row.first_seen, start),
      timeColumn("Last seen", (row) => row.last_seen, start),
    ],
  });
}

function exceptionsTable(exceptions) {
  const cell = (row) => h("div", null, longText(row.msg, "message"), h("details", null, h("summary", null, "Traceback"),
    h("pre", {class: "traceback text"}, shown(row.traceback))));
  return new Table({
    id: "exceptions", title: "Exceptions in the users' code", rows: exceptions, sortBy: 0, descending: true,
    search: (row) => `${row.msg} ${row.traceback} ${row.nodes}`,
    columns: [
      numberColumn("Count", (row) => row.count, integer),
      {title: "Exception", className: "wide", value: (row) => row.msg, cell},
      {title: "Where", value: (row) => row.nodes, cell: (row) => longText(row.nodes)},
    ],
  });
}

/* --- Tasks. */

/* The two trees of ratios as one list: {name, depth, inClass, ofAll}. */
function taskRows(perClass, total, depth, rows) {
  for (const [name, node] of Object.entries(perClass || {})) {
    const same = (total || {})[name] || {};
    rows.push({name, depth, inClass: node.ratio, ofAll: same.ratio});
    taskRows(node.tasks, same.tasks, depth + 1, rows);
  }
  return rows;
}

function taskNameCell(row) {
  const name = longText(row.name);
  name.style.paddingLeft = row.depth * 18 + "px";
  if (row.depth === 0) {
    name.style.fontWeight = "600";
  }
  return name;
}

function shareCell(part) {
  const bar = h("i");
  bar.style.width = (100 * Math.min(1, part || 0)).toFixed(2) + "%";
  return h("span", {class: "share"}, bar);
}

function tasksTable(tasks) {
  const rows = tasks ? taskRows(tasks.per_class, tasks.total, 0, []) : [];
  if (rows.length === 0) {
    return null;
  }
  return new Table({
    id: "tasks", title: "Task ratio", rows, search: (row) => row.name,
    columns: [
      {title: "User, task", className: "key", value: (row) => row.name, cell: taskNameCell},
      numberColumn("Within", (row) => row.inClass || 0, percent, "Of the users, or of the tasks of its class"),
      numberColumn("Of all", (row) => row.ofAll || 0, percent, "Of all that the users do"),
      {title: "", value: (row) => row.ofAll || 0, cell: (row) => shareCell(row.ofAll)},
    ],
  });
}

/* --- Options. */

function optionsSection(options) {
  if (!options || options.length === 0) {
    return null;
  }
  return h("section", {id: "options"}, h("div", {class: "head"}, h("h2", null, "Options")),
    h("dl", {class: "card options"}, options.flatMap(([name, value]) => [
      h("dt", {class: "text"}, shortText(name, 80)), h("dd", null, longText(value)),
    ])));
}
