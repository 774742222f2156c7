#!/usr/bin/env python3
"""Tables of an evaluation, as Markdown: results_to_markdown.py RESULTS

RESULTS holds metrics.json (`twintrack evaluate`), comparison.json (`twintrack compare`) and, in test, what `twintrack
predict` wrote for the cases of metrics.json; scripts/evaluate-phantom-bundle makes it. Needs Python 3 and nothing else.
"""
import glob
import json
import os
import statistics
import sys

METRICS = {  # key: title, decimals; docs/metrics.md defines each
    "tdsc": ("TDSC (higher is better)", 3),
    "dsc": ("DSC against STAPLE (higher)", 3),
    "soft_dice": ("soft Dice (higher)", 3),
    "ece_mean": ("ECE, mean over raters (lower)", 4),
    "response_calibration_error": ("calibration error against the mean human response (lower)", 4),
    "brier.score": ("Brier score (lower)", 4),
    "crps": ("CRPS, mm3 (lower)", 1),
    "crps_exact": ("CRPS over the whole line, mm3 (lower)", 1),
    "generalized_energy_distance": ("generalized energy distance (lower)", 3),
    "hd95_mm": ("95 % Hausdorff distance, mm (lower)", 1),
    "average_surface_distance_mm": ("average surface distance, mm (lower)", 2),
}
COMPARED = {"tdsc": ("TDSC (higher)", 3), "ece_mean": ("ECE (lower)", 4), "crps": ("CRPS, mm3 (lower)", 1)}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)


def number(value, decimals):
    return "-" if value is None else f"{value:.{decimals}f}"


def interval(row, decimals):
    return f"{number(row['mean'], decimals)} [{number(row['ci_low'], decimals)}, {number(row['ci_high'], decimals)}]"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def facts(results, metrics):
    """What was run, from the cases' own summaries."""
    runs = [read(path) for path in sorted(glob.glob(os.path.join(glob.escape(results), "test", "*.json")))]
    if not runs:
        sys.exit(f"results_to_markdown: {results}/test: no CASE.json in it")
    first = runs[0]
    seconds = [sum(run["run"]["seconds"].values()) for run in runs]
    engines = ", ".join(sorted({f"{run['run']['engine']} ({run['run']['precision']})" for run in runs}))
    text = [f"Bundle `{first['bundle']['name']}`, sha256 {first['bundle']['sha256']}, {first['bundle']['members']} members; "
            f"TwinTrack {metrics['twintrack']}."]
    text.append(f"{len(metrics['cases'])} cases; engine {engines}, threads: {first['run']['threads']}, "
                f"{statistics.median(seconds):.1f} s a case (median).")
    warned = sum(bool(run["warnings"]) for run in runs)
    text.append(f"Cases with warnings: {warned}.")
    return "\n".join(text) + "\n"


def metrics_table(metrics):
    rows = [[title, interval(metrics["summary"][key], decimals), str(metrics["summary"][key]["n"])]
            for key, (title, decimals) in METRICS.items() if key in metrics["summary"]]
    return table(["calibrated, mean over cases", "bootstrap mean [95 % interval]", "cases"], rows)


def comparison_table(comparison):
    rows = []
    for row in comparison["rows"]:
        cells = [row["calibration_target"]]
        for key, (_, decimals) in COMPARED.items():
            cell = interval(row["metrics"][key], decimals)
            if row["difference_to_mhr"]:
                cell += f" p {number(row['difference_to_mhr'][key]['p'], 4)}"
            cells.append(cell)
        rows.append(cells)
    return table(["calibration target"] + [title for title, _ in COMPARED.values()], rows)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, end="")
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    results = sys.argv[1]
    metrics, comparison = read(results, "metrics.json"), read(results, "comparison.json")
    print(facts(results, metrics))
    print(metrics_table(metrics))
    print(f"Calibration targets, fitted to {comparison['fit']['cases']} other cases "
          f"(hard label: {comparison['settings']['hard_label']}; one rater: number {comparison['settings']['rater']}; "
          "p: paired difference to the row MHR):\n")
    print(comparison_table(comparison))


if __name__ == "__main__":
    main()
