// The figures of a case report, as HTML.
#pragma once

#include "twintrack/report/case_data.hpp"
#include "twintrack/report/case_summary.hpp"

#include <string>
#include <vector>

namespace twintrack {

// A file that the report was made from.
struct FileIdentity {
  std::string role;  // "CT", "rater 2"
  std::string name;  // without its folder
  std::string sha256;
};

// What the tables are made of.
struct ReportedCase {
  const CaseData& data;
  const CaseSummary& summary;
  std::vector<FileIdentity> files;
};

// All return HTML whose texts are escaped; empty where there is nothing to tell. They throw InputError naming the
// summary's field that is not what `predict` writes.
std::string warnings_html(const std::vector<std::string>& warnings);
std::string key_figures_html(const ReportedCase& facts);
std::string agreement_html(const ReportedCase& facts);
std::string vascular_html(const ReportedCase& facts);
std::string region_html(const ReportedCase& facts);
std::string timings_html(const ReportedCase& facts);
std::string provenance_html(const ReportedCase& facts);
std::string files_html(const ReportedCase& facts);

}  // namespace twintrack
