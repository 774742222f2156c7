// A bundle's networks as the nnU-Net v2 model folders that they could have come from:
// make_model_folders BUNDLE OUTPUT writes OUTPUT/localizer, OUTPUT/member_0, ... with a fold_0 each.
#include <cstdio>
#include <exception>

#include "support/tiny_models.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/pipeline/bundle.hpp"

namespace fs = std::filesystem;

namespace {

void write_folder(const fs::path& output, const twintrack::Bundle& bundle, const twintrack::BundledModel& model) {
  const fs::path fold = output / model.folder / "fold_0";
  fs::create_directories(fold);
  for (const char* file : {"plans.json", "dataset.json"}) {
    fs::copy_file(bundle.folder / model.folder / file, output / model.folder / file);
  }
  twintrack::test::put_file(fold / twintrack::test::checkpoint_name,
                            twintrack::test::checkpoint_bytes(read_bundled_model(bundle, model).folds.front()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_model_folders BUNDLE OUTPUT\n");
    return 2;
  }
  try {
    const twintrack::Bundle bundle = twintrack::read_bundle(argv[1]);
    if (bundle.localizer) write_folder(argv[2], bundle, bundle.localizer->model);
    for (const twintrack::BundledModel& member : bundle.members) write_folder(argv[2], bundle, member);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_model_folders: %s\n", error.what());
    return 1;
  }
  return 0;
}
