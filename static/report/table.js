/*
 * Tables that sort and filter. Rows are drawn as they come into sight: a report may have thousands.
 *
 * A column: {title, value(row) to sort by, cell(row) to show (an element or text), number, className,
 * heat(row) 0 to 1}.
 */

const ROWS_AT_ONCE = 60;
const ROWS_ON_PAPER = 2000;
const printing = [];        /* what is to be done before printing */

function compareValues(a, b) {
  if (typeof a === "number" && typeof b === "number") {
    return a - b;
  }
  const s = String(a), t = String(b);
  return s < t ? -1 : s > t ? 1 : 0;
}

function drawRow(columns, row) {
  return h("tr", null, columns.map((column) => {
    const cell = h("td", {class: [column.number ? "r" : "", column.className || ""].join(" ").trim() || null},
      column.cell(row));
    const heat = column.heat ? column.heat(row) : 0;
    if (heat > 0) {
      cell.classList.add("heat");
      cell.style.setProperty("--heat", heat.toFixed(3));
    }
    return cell;
  }));
}

class Table {
  constructor({id, title, columns, rows, total, sortBy, descending, search, note}) {
    this.columns = columns;
    this.rows = rows;
    this.search = search;
    this.sorted = sortBy;
    this.descending = descending || false;
    this.body = h("tbody");
    this.more = h("div", {class: "no-print"});
    this.counter = h("span", {class: "count num"});
    this.headers = columns.map((column, i) => this.header(column, i));
    const table = h("table", {class: "data"}, h("thead", null, h("tr", null, this.headers)), this.body,
      total ? h("tfoot", null, drawRow(columns, total)) : null);
    this.element = h("section", {id},
      h("div", {class: "head"}, h("h2", null, title), this.counter, h("span", {class: "grow"}), this.filterBox(title)),
      h("div", {class: "card scroll", tabindex: "0", role: "region", "aria-label": title}, table), this.more,
      note ? h("p", {class: "note"}, note) : null);
    this.watch();
    this.update();
  }

  header(column, i) {
    const button = h("button", {type: "button", title: column.hint || null, onclick: () => this.sort(i)}, column.title);
    return h("th", {scope: "col", class: [column.number ? "r" : "", column.className || ""].join(" ").trim() || null}, button);
  }

  filterBox(title) {
    if (this.rows.length < 2) {
      return null;
    }
    const box = h("input", {class: "filter", type: "search", placeholder: "Filter", "aria-label": "Filter: " + title});
    box.addEventListener("input", () => {
      this.wanted = box.value.trim().toLowerCase();
      this.update();
    });
    return box;
  }

  sort(i) {
    this.descending = this.sorted === i ? !this.descending : Boolean(this.columns[i].number);
    this.sorted = i;
    this.update();
  }

  /* What is to be shown, in its order. Rows that compare equal keep theirs. */
  select() {
    let rows = this.rows;
    if (this.wanted) {
      rows = rows.filter((row) => this.search(row).toLowerCase().includes(this.wanted));
    }
    if (this.sorted !== undefined) {
      const value = this.columns[this.sorted].value, sign = this.descending ? -1 : 1;
      rows = rows.slice().sort((a, b) => sign * compareValues(value(a), value(b)));
    }
    return rows;
  }

  update() {
    this.selected = this.select();
    this.drawn = 0;
    this.body.replaceChildren();
    this.headers.forEach((header, i) => {
      if (i === this.sorted) {
        header.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
      } else {
        header.removeAttribute("aria-sort");
      }
    });
    const all = this.rows.length, n = this.selected.length;
    this.counter.textContent = n === all ? integer(all) : `${integer(n)} of ${integer(all)}`;
    this.draw(ROWS_AT_ONCE);
  }

  draw(count) {
    const rows = this.selected.slice(this.drawn, this.drawn + count);
    this.body.append(...rows.map((row) => drawRow(this.columns, row)));
    this.drawn += rows.length;
    const left = this.selected.length - this.drawn;
    this.more.className = "no-print" + (left > 0 ? " note" : "");
    this.more.textContent = left > 0 ? `${integer(left)} more: scroll on` : "";
  }

  /* Draws on when the end comes near. An observer speaks when that changes; after drawing it is asked again. */
  watch() {
    const observer = new IntersectionObserver((entries) => {
      if (entries[entries.length - 1].isIntersecting && this.drawn < this.selected.length) {
        this.draw(ROWS_AT_ONCE);
        observer.unobserve(this.more);
        observer.observe(this.more);
      }
    }, {rootMargin: "800px"});
    observer.observe(this.more);
    printing.push(() => this.drawForPaper());
  }

  drawForPaper() {
    this.draw(Math.max(0, ROWS_ON_PAPER - this.drawn));
    const left = this.selected.length - this.drawn;
    if (left > 0) {
      this.more.className = "note";
      this.more.textContent = `${integer(left)} more rows are not printed`;
    }
  }
}

/* --- Cells that several tables have. */

function methodBadge(method) {
  return method ? h("span", {class: "method text"}, shortText(method, 24)) : null;
}

function nameCell(row) {
  return h("div", {class: "request"}, methodBadge(row.method), longText(row.name));
}

function nameColumn() {
  return {title: "Request", className: "key", value: (row) => row.name + "\u0000" + row.method, cell: nameCell};
}

function numberColumn(title, value, write, hint) {
  return {title, value, hint, number: true, cell: (row) => write(value(row), row)};
}

/* The day is told only where it is not that of the start. */
function timeColumn(title, value, start) {
  const write = (at) => (start !== null && dayText(at) === dayText(start) ? clockText(at, true) : momentText(at));
  const cell = (row) => (value(row) ? h("span", {title: new Date(value(row) * 1000).toISOString()}, write(value(row))) : "\u2013");
  return {title, value: (row) => value(row) || 0, number: true, cell};
}
