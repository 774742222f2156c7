#include "twintrack/report/cohort_metric.hpp"

#include "twintrack/plot/scale.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace twintrack {
namespace {

constexpr ReportedMetric kTdsc{"tdsc", "TDSC", "", "tdsc", 3, true};
constexpr ReportedMetric kEce{"ece_mean", "ECE", "", "ece", 4, false};
constexpr ReportedMetric kCrps{"crps", "CRPS", "mm\u00b3", "crps", 1, false};
constexpr std::array<ReportedMetric, 6> kCaseMetrics{
    {kTdsc,
     {"dsc", "DSC", "", "dsc", 3, true},
     kEce,
     {"response_calibration_error", "Calibration error", "", "calibration-error", 4, false},
     kCrps,
     {"hd95_mm", "HD95", "mm", "hd95", 1, false}}};
constexpr std::array<ReportedMetric, 3> kPaperMetrics{{kTdsc, kEce, kCrps}};

}  // namespace

std::span<const ReportedMetric> case_metrics() { return kCaseMetrics; }
std::span<const ReportedMetric> paper_metrics() { return kPaperMetrics; }

std::string title_with_unit(const ReportedMetric& metric) {
  return *metric.unit == '\0' ? metric.title : fmt::format("{}, {}", metric.title, metric.unit);
}

std::string interval_text(const Estimate& estimate, int decimals) {
  if (!std::isfinite(estimate.mean)) return plot::number_text(estimate.mean, decimals);
  return fmt::format("{} [{}, {}]", plot::number_text(estimate.mean, decimals),
                     plot::number_text(estimate.ci_low, decimals), plot::number_text(estimate.ci_high, decimals));
}

std::string counted(std::int64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string p_text(double p) {
  if (!std::isfinite(p)) return plot::number_text(p, 4);
  return p < 0.0001 ? "< 0.0001" : fmt::format("{:.4f}", p);
}

}  // namespace twintrack
