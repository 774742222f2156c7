#include "twintrack/dicom/result_objects.hpp"

#include "twintrack/dicom/image_objects.hpp"
#include "twintrack/dicom/report_object.hpp"

#include <ctime>

namespace twintrack {

DicomTime local_time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char date[16];
  char time[16];
  std::strftime(date, sizeof date, "%Y%m%d", &local);
  std::strftime(time, sizeof time, "%H%M%S", &local);
  return {date, time};
}

ResultFiles result_files(const std::filesystem::path& folder, const std::string& case_name) {
  const auto file = [&](const char* part) { return folder / (case_name + part); };
  return {file("_segmentation.dcm"), file("_probability.dcm"), file("_probability_map.dcm"), file("_report.dcm")};
}

void write_result_objects(const ResultFiles& files, const ResultContent& content) {
  using namespace dicom_objects;
  const CaseIdentity identity = identity_of(content);
  std::filesystem::remove(files.report);  // one of an earlier run would refer to objects that are no more
  write_segmentation(files.segmentation, content, identity);
  write_probability(files.probability, content, identity);
  write_probability_map(files.probability_map, content, identity);
  write_report(files.report, content, identity);
}

}  // namespace twintrack
