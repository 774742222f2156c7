// predict_ct BUNDLE CT MAP: finds the tumour on a CT, prints volumes and writes the calibrated map.
#include <cstdio>
#include <exception>
#include <twintrack/twintrack.hpp>

namespace {

void print_progress(const std::string& stage, std::int64_t done, std::int64_t total) {
  std::fprintf(stderr, "\r%s: %lld of %lld tiles ", stage.c_str(), static_cast<long long>(done),
               static_cast<long long>(total));
  if (done == total) std::fprintf(stderr, "\n");
}

void print_result(const twintrack::Prediction& found) {
  constexpr double kMm3PerMl = 1000;
  for (const std::string& warning : found.warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  std::printf("tumour %.2f ml, expected volume %.2f ml\n", found.tumor_volume_mm3 / kMm3PerMl,
              found.expected_volume_mm3 / kMm3PerMl);
  for (std::size_t k = 0; k < found.agreement_volume_mm3.size(); ++k)
    std::printf("  at least %zu of 5 experts: %.2f ml\n", k + 1, found.agreement_volume_mm3[k] / kMm3PerMl);
  std::printf("%s\n", twintrack::kResearchUse);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: predict_ct BUNDLE CT MAP\n");
    return 2;
  }
  try {
    twintrack::TumorPredictor predictor(argv[1]);
    std::printf("bundle %s, engine %s\n", predictor.bundle().name.c_str(), predictor.engine().c_str());
    const twintrack::Prediction found = predictor.predict(twintrack::read_volume(argv[2]), print_progress);
    twintrack::write_volume(argv[3], found.probability);
    print_result(found);
  } catch (const std::exception& error) {  // twintrack::Error, or std::bad_alloc
    std::fprintf(stderr, "predict_ct: %s\n", error.what());
    return 1;
  }
  return 0;
}
