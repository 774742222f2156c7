// Tables sorted by the header that is pressed: at first the order that `data-first` names, then the other way round.
// Cells without a value come last either way.
addEventListener("DOMContentLoaded", () => {
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    if (column === 0) return cell.textContent;
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  };
  const order = (a, b) => (typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
  const sort = (table, column, descending) => {
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, value: valueOf(row, column) }));
    rows.sort((a, b) => {
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
      return descending ? order(b.value, a.value) : order(a.value, b.value);
    });
    table.tBodies[0].append(...rows.map(({ row }) => row));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      header.querySelector("button").addEventListener("click", () => {
        const opposite = { ascending: "descending", descending: "ascending" };
        const next = opposite[header.getAttribute("aria-sort")] ?? header.dataset.first;
        for (const other of headers) other.removeAttribute("aria-sort");
        header.setAttribute("aria-sort", next);
        sort(table, column, next === "descending");
      });
    });
  }
});
