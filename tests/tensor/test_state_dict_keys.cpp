// The keys of state_dict() as PyTorch orders them, up to those of networks that nnU-Net built.
#include <map>

#include "support/golden.hpp"
#include "tensor/training_checkpoint_sample.hpp"
#include "twintrack/tensor/parameter_names.hpp"
#include "twintrack/tensor/torch_archive.hpp"
#include "twintrack/tensor/torch_tensor.hpp"

namespace twintrack {
namespace {

TEST(StateDictKeys, EncoderStandsTwiceAndBlocksAreListed) {
  const std::vector<std::string> order = {"encoder.s.conv.weight", "encoder.s.norm.bias", "decoder.stages.0.conv.bias",
                                          "decoder.transpconvs.0.weight", "decoder.seg_layers.0.weight"};
  std::vector<std::pair<std::string, std::string>> keys;
  for (const StateDictKey& key : state_dict_keys(order, "file")) keys.emplace_back(key.key, key.parameter);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"encoder.s.conv.weight", order[0]},
      {"encoder.s.norm.bias", order[1]},
      {"encoder.s.all_modules.0.weight", order[0]},
      {"encoder.s.all_modules.1.bias", order[1]},
      {"decoder.encoder.s.conv.weight", order[0]},
      {"decoder.encoder.s.norm.bias", order[1]},
      {"decoder.encoder.s.all_modules.0.weight", order[0]},
      {"decoder.encoder.s.all_modules.1.bias", order[1]},
      {"decoder.stages.0.conv.bias", order[2]},
      {"decoder.stages.0.all_modules.0.bias", order[2]},
      {"decoder.transpconvs.0.weight", order[3]},
      {"decoder.seg_layers.0.weight", order[4]},
  };
  EXPECT_EQ(keys, expected);
}

struct Entry {
  std::string key;
  TensorShape shape;
  std::size_t first_of_storage;  // position of the first entry that shares the storage
  bool operator==(const Entry&) const = default;
};

void PrintTo(const Entry& entry, std::ostream* out) {
  *out << entry.key << " " << to_string(entry.shape) << " " << entry.first_of_storage;
}

// network_weights as they stand in the file.
std::vector<Entry> entries_of(const std::filesystem::path& path) {
  const FileSource source(path);
  const TorchArchive archive(source);
  const pickle::Document& document = archive.document();
  const auto items = document.children(*document.find(document.root(), "network_weights"));
  std::vector<Entry> entries;
  std::map<std::string, std::size_t> storages;
  for (std::size_t i = 0; i < items.size(); i += 2) {
    const TorchTensor tensor = describe_tensor(document, items[i + 1], archive.file(), "");
    const std::size_t first = storages.emplace(tensor.storage_key, i / 2).first->second;
    entries.push_back({std::string(document.text(items[i])), tensor.shape, first});
  }
  return entries;
}

class GoldenTrainingCheckpoint : public CheckpointFolder, public testing::WithParamInterface<const char*> {};

TEST_P(GoldenTrainingCheckpoint, HasTheSameKeysShapesAndSharingWhenWrittenAgain) {
  TWINTRACK_REQUIRE_GOLDEN();
  const std::filesystem::path golden = test::golden_folder() / "nnunet" / GetParam() /
                                       "nnUNetTrainer__nnUNetPlans__3d_fullres" / "fold_0" / "checkpoint_final.pth";
  const TrainingCheckpoint checkpoint = read_training_checkpoint(golden);
  write_training_checkpoint(path_, checkpoint);
  EXPECT_EQ(entries_of(path_), entries_of(golden));
}

TEST_P(GoldenTrainingCheckpoint, IsReadWhole) {
  TWINTRACK_REQUIRE_GOLDEN();
  const TrainingCheckpoint checkpoint =
      read_training_checkpoint(test::golden_folder() / "nnunet" / GetParam() /
                               "nnUNetTrainer__nnUNetPlans__3d_fullres" / "fold_0" / "checkpoint_final.pth");
  EXPECT_EQ(checkpoint.parameters.size(), checkpoint.order.size());
  EXPECT_TRUE(checkpoint.momenta.empty());
  EXPECT_EQ(checkpoint.epoch, 1000);
  EXPECT_EQ(checkpoint.best_ema, 0.2);  // a numpy scalar
  EXPECT_EQ(checkpoint.learning_rate, 0.01);
  EXPECT_EQ(checkpoint.weight_decay, 0);
  EXPECT_EQ(checkpoint.logging.at("epoch_end_timestamps"), Json({2.0}));
  EXPECT_EQ(checkpoint.logging.size(), 8u);
  EXPECT_EQ(checkpoint.init_args.at("configuration"), "3d_fullres");
  EXPECT_EQ(checkpoint.init_args.at("device"), "cpu");  // a torch.device
  EXPECT_TRUE(checkpoint.init_args.at("plans").at("configurations").contains("3d_fullres"));
  EXPECT_TRUE(checkpoint.twintrack.is_null());
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenTrainingCheckpoint,
                         testing::Values("plain_aniso_sepz", "plain_fullres", "plain_lowres_oldplans",
                                         "plain_transposed", "resenc_iso"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace twintrack
