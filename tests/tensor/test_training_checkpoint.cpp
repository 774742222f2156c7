#include "twintrack/tensor/training_checkpoint.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <bit>
#include <csignal>
#include <limits>

#include "tensor/checkpoint_writer.hpp"
#include "tensor/training_checkpoint_sample.hpp"

namespace twintrack {
namespace {

using namespace pickled;
using testing::ElementsAre;
using testing::HasSubstr;

void expect_same_bits(const TensorMap& expected, const TensorMap& actual) {
  ASSERT_EQ(expected.size(), actual.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(actual.contains(name)) << name;
    EXPECT_EQ(actual.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(bytes_of(actual.at(name).values), bytes_of(tensor.values)) << name;
  }
}

void expect_same(const TrainingCheckpoint& expected, const TrainingCheckpoint& actual) {
  expect_same_bits(expected.parameters, actual.parameters);
  expect_same_bits(expected.momenta, actual.momenta);
  EXPECT_EQ(actual.order, expected.order);
  EXPECT_EQ(actual.learning_rate, expected.learning_rate);
  EXPECT_EQ(actual.momentum, expected.momentum);
  EXPECT_EQ(actual.weight_decay, expected.weight_decay);
  EXPECT_EQ(actual.epoch, expected.epoch);
  EXPECT_EQ(actual.best_ema, expected.best_ema);
  EXPECT_EQ(actual.logging, expected.logging);
  EXPECT_EQ(actual.init_args, expected.init_args);
  EXPECT_EQ(actual.trainer_name, expected.trainer_name);
  EXPECT_EQ(actual.mirroring_axes, expected.mirroring_axes);
  EXPECT_EQ(actual.twintrack, expected.twintrack);
}

class TrainingCheckpointFile : public CheckpointFolder {};

TEST_F(TrainingCheckpointFile, ComesBackToTheBit) {
  const TrainingCheckpoint checkpoint = sample_training_checkpoint();
  write_training_checkpoint(path_, checkpoint);
  expect_same(checkpoint, read_training_checkpoint(path_));
}

TEST_F(TrainingCheckpointFile, OptionalPartsMayBeAbsent) {
  TrainingCheckpoint checkpoint = sample_training_checkpoint();
  checkpoint.momenta.clear();
  checkpoint.best_ema.reset();
  checkpoint.mirroring_axes.reset();
  checkpoint.twintrack = nullptr;
  checkpoint.logging = Json::object();
  checkpoint.epoch = 0;
  write_training_checkpoint(path_, checkpoint);
  expect_same(checkpoint, read_training_checkpoint(path_));
}

TEST_F(TrainingCheckpointFile, HasTheSameBytesWheneverAndWhereverItIsWritten) {
  write_training_checkpoint(path_, sample_training_checkpoint());
  write_training_checkpoint(folder_ / "checkpoint_final.pth", sample_training_checkpoint());
  EXPECT_EQ(bytes_of_file(path_), bytes_of_file(folder_ / "checkpoint_final.pth"));
}

TEST_F(TrainingCheckpointFile, IsOneThatPredictionReads) {
  const TrainingCheckpoint written = sample_training_checkpoint();
  write_training_checkpoint(path_, written);
  const Checkpoint checkpoint = read_checkpoint(path_);
  expect_same_bits(written.parameters, checkpoint.weights);
  EXPECT_EQ(checkpoint.configuration, "3d_fullres");
  EXPECT_EQ(checkpoint.trainer_name, "nnUNetTrainer");
  EXPECT_EQ(checkpoint.mirroring_axes, (std::vector<int>{0, 2}));
}

// A momentum buffer that SGD has not made yet and one of zeros lead to the same next step.
TEST_F(TrainingCheckpointFile, MissingMomentaBecomeZeros) {
  TrainingCheckpoint checkpoint = sample_training_checkpoint();
  checkpoint.momenta.erase("decoder.seg_layers.0.bias");
  write_training_checkpoint(path_, checkpoint);
  const TrainingCheckpoint read = read_training_checkpoint(path_);
  EXPECT_THAT(read.momenta.at("decoder.seg_layers.0.bias").values, ElementsAre(0, 0, 0));
  EXPECT_EQ(read.momenta.size(), checkpoint.parameters.size());
}

TEST_F(TrainingCheckpointFile, FullDiskKeepsTheEarlierFile) {
  write_training_checkpoint(path_, sample_training_checkpoint());
  const std::string earlier = bytes_of_file(path_);
  TrainingCheckpoint larger = sample_training_checkpoint();
  larger.parameters["decoder.seg_layers.0.weight"] = wavy({100000}, 0);
  larger.momenta["decoder.seg_layers.0.weight"] = wavy({100000}, 0);

  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t limit : {rlim_t{0}, rlim_t{4096}, rlim_t{100000}, rlim_t{800000}}) {
    const rlimit small{limit, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_THROW(write_training_checkpoint(path_, larger), ResourceError);
    setrlimit(RLIMIT_FSIZE, &before);
  }
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(bytes_of_file(path_), earlier);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(TrainingCheckpointFile, TruncatedFilesAreRefused) {
  write_training_checkpoint(path_, sample_training_checkpoint());
  const std::string bytes = bytes_of_file(path_);
  for (std::size_t size = 0; size < bytes.size(); size += 97) {
    const std::string cut = bytes.substr(0, size);
    EXPECT_THROW(read_training_checkpoint(SpanSource("model.pth", bytes_in(cut))), InputError) << size;
  }
}

// Where a flipped bit is not noticed it is in padding or the like: nothing that is read may differ.
TEST_F(TrainingCheckpointFile, FlippedBitsNeverChangeWhatIsRead) {
  const TrainingCheckpoint written = sample_training_checkpoint();
  write_training_checkpoint(path_, written);
  std::string bytes = bytes_of_file(path_);
  int refused = 0;
  for (std::size_t position = 0; position < bytes.size(); position += 41) {
    const char flipped = static_cast<char>(1 << (position % 8));
    bytes[position] = static_cast<char>(bytes[position] ^ flipped);
    try {
      expect_same(written, read_training_checkpoint(SpanSource("model.pth", bytes_in(bytes))));
    } catch (const InputError&) {
      ++refused;
    }
    bytes[position] = static_cast<char>(bytes[position] ^ flipped);
    ASSERT_FALSE(HasFailure()) << "at byte " << position;
  }
  EXPECT_GT(refused, 100);
}

struct Unwritable {
  std::string what;
  void (*spoil)(TrainingCheckpoint&);
  std::string expected;
};

void PrintTo(const Unwritable& unwritable, std::ostream* out) { *out << unwritable.what; }

class UnwritableCheckpoint : public CheckpointFolder, public testing::WithParamInterface<Unwritable> {};

constexpr float infinity = std::numeric_limits<float>::infinity();

TEST_P(UnwritableCheckpoint, IsRefused) {
  TrainingCheckpoint checkpoint = sample_training_checkpoint();
  GetParam().spoil(checkpoint);
  const std::string message = message_of([&] { write_training_checkpoint(path_, checkpoint); });
  EXPECT_THAT(message, testing::StartsWith(path_.string() + ": "));
  EXPECT_THAT(message, HasSubstr(GetParam().expected));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

INSTANTIATE_TEST_SUITE_P(
    Spoiled, UnwritableCheckpoint,
    testing::Values(
        Unwritable{"weight_is_infinite",
                   [](TrainingCheckpoint& c) { c.parameters["decoder.transpconvs.0.bias"].values[1] = infinity; },
                   "network_weights: 'decoder.transpconvs.0.bias': 1 of 4 values are not finite"},
        Unwritable{"momentum_is_nan",
                   [](TrainingCheckpoint& c) { c.momenta["decoder.transpconvs.0.bias"].values[1] = std::nanf(""); },
                   "momentum_buffer of 'decoder.transpconvs.0.bias': 1 of 4 values are not finite"},
        Unwritable{"too_few_values", [](TrainingCheckpoint& c) { c.parameters.begin()->second.values.pop_back(); },
                   "values, its shape is"},
        Unwritable{"no_parameters",
                   [](TrainingCheckpoint& c) {
                     c.parameters.clear();
                     c.order.clear();
                   },
                   "parameters: there are none"},
        Unwritable{"order_is_short", [](TrainingCheckpoint& c) { c.order.pop_back(); },
                   "order: should name each of 15 parameters"},
        Unwritable{"order_repeats", [](TrainingCheckpoint& c) { c.order.push_back(c.order.back()); },
                   "'decoder.seg_layers.0.bias' should stand earlier or once"},
        Unwritable{"order_names_another", [](TrainingCheckpoint& c) { c.order.push_back("x"); },
                   "order: 'x' is none of the parameters"},
        Unwritable{"decoder_first", [](TrainingCheckpoint& c) { std::ranges::reverse(c.order); },
                   "should stand earlier or once in the order of parameters"},
        Unwritable{"blocks_interleave", [](TrainingCheckpoint& c) { std::swap(c.order[3], c.order[4]); },
                   "should stand earlier or once in the order of parameters"},
        Unwritable{"name_of_no_unet",
                   [](TrainingCheckpoint& c) {
                     c.parameters["head.weight"] = wavy({1}, 0);
                     c.order.push_back("head.weight");
                   },
                   "nnU-Net's U-Nets have no 'head.weight'"},
        Unwritable{"momentum_of_nothing", [](TrainingCheckpoint& c) { c.momenta["x"] = wavy({1}, 0); },
                   "momentum_buffer of 'x': there is no such parameter"},
        Unwritable{"momentum_of_other_shape",
                   [](TrainingCheckpoint& c) {
                     c.momenta["decoder.transpconvs.0.bias"] = wavy({2, 2}, 0);
                   },
                   "its shape (2, 2) should be that of the parameter, (4,)"},
        Unwritable{"learning_rate_is_nan", [](TrainingCheckpoint& c) { c.learning_rate = std::nan(""); },
                   "learning_rate: nan should be a finite number"},
        Unwritable{"best_ema_is_infinite", [](TrainingCheckpoint& c) { c.best_ema = infinity; },
                   "best_ema: inf should be a finite number"},
        Unwritable{"epoch_is_negative", [](TrainingCheckpoint& c) { c.epoch = -1; }, "epoch: -1 should be at least 0"},
        Unwritable{"logging_is_null", [](TrainingCheckpoint& c) { c.logging = nullptr; }, "logging: should be"},
        Unwritable{"init_args_is_a_list", [](TrainingCheckpoint& c) { c.init_args = Json::array(); }, "init_args:"},
        Unwritable{"axis_is_no_axis", [](TrainingCheckpoint& c) { c.mirroring_axes = {3}; }, "mirroring_axes:"},
        Unwritable{"axis_repeats",
                   [](TrainingCheckpoint& c) {
                     c.mirroring_axes = {1, 1};
                   },
                   "mirroring_axes:"},
        Unwritable{"number_is_infinite", [](TrainingCheckpoint& c) { c.twintrack["a"]["b"] = infinity; },
                   "twintrack.a.b: inf should be a finite number"},
        Unwritable{"text_is_not_utf8", [](TrainingCheckpoint& c) { c.init_args["plans"]["name"] = "\xff"; },
                   "init_args.plans.name: '?' is not UTF-8"},
        Unwritable{"key_is_not_utf8", [](TrainingCheckpoint& c) { c.init_args["\xff"] = 1; }, "is not UTF-8"},
        Unwritable{"nested_too_deep",
                   [](TrainingCheckpoint& c) {
                     for (int i = 0; i < 200; ++i) c.twintrack = Json::array({c.twintrack});
                   },
                   "twintrack: is nested more than 100 deep"},
        Unwritable{"too_large_to_be_read", [](TrainingCheckpoint& c) { c.twintrack = std::string(65 << 20, 'x'); },
                   "at most 67108864 are read"}),
    [](const testing::TestParamInfo<Unwritable>& test) { return test.param.what; });

// What stands in a checkpoint beside the weights of one parameter, "decoder.seg_layers.0.bias", whose storage is "0";
// storage "1" is of the same size.
TrainingCheckpoint read_with(Items items) {
  items.insert(items.begin(), {"network_weights",
                               ordered_dictionary({{"decoder.seg_layers.0.bias", vector("FloatStorage", "0", 2)}})});
  const std::string bytes =
      zip_of(members_of(program(dictionary(items)), {{"0", bytes_of<float>({1, 2})}, {"1", bytes_of<float>({3, 4})}}));
  return read_training_checkpoint(SpanSource("model.pth", bytes_in(bytes)));
}

std::string real(double value) {
  std::string bytes = raw(value);
  std::ranges::reverse(bytes);
  return "G" + bytes;
}

std::string keyed_by_integer(std::int64_t key, const std::string& value) { return "}" + integer(key) + value + "s"; }

std::string optimizer(const std::string& state, const std::string& params, const std::string& momentum = real(0.9)) {
  return dictionary(
      {{"state", state},
       {"param_groups", list({dictionary({{"lr", real(0.5)}, {"momentum", momentum}, {"params", params}})})}});
}

std::string numpy_scalar(const std::string& type, const std::string& bytes, const std::string& module = "numpy.core") {
  std::string encoded;  // UTF-8 of Latin-1
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    if (value >= 0x80) encoded += static_cast<char>(0xc0 | value >> 6);
    encoded += static_cast<char>(value < 0x80 ? value : 0x80 | (value & 0x3f));
  }
  return call(global(module + ".multiarray", "scalar"),
              {call(global("numpy", "dtype"), {text(type), "\x89", "\x88"}) + tuple({integer(3), text("<")}) + "b",
               call(global("_codecs", "encode"), {text(encoded), text("latin1")})});
}

TEST(TrainingCheckpointOfOthers, WeightsAreEnough) {
  const TrainingCheckpoint checkpoint = read_with({});
  EXPECT_THAT(checkpoint.order, ElementsAre("decoder.seg_layers.0.bias"));
  EXPECT_TRUE(checkpoint.momenta.empty());
  EXPECT_EQ(checkpoint.epoch, 0);
  EXPECT_FALSE(checkpoint.best_ema.has_value());
  EXPECT_EQ(checkpoint.logging, Json::object());
  EXPECT_EQ(checkpoint.init_args, Json::object());
  EXPECT_TRUE(checkpoint.twintrack.is_null());
}

TEST(TrainingCheckpointOfOthers, NumpyScalarsBecomeNumbers) {
  const TrainingCheckpoint checkpoint = read_with(
      {{"_best_ema", numpy_scalar("f8", raw(0.7), "numpy._core")},
       {"current_epoch", numpy_scalar("i8", raw<std::int64_t>(12))},
       {"logging", dictionary({{"f8", list({numpy_scalar("f8", raw(-0.3)), numpy_scalar("f8", raw(std::nan("")))})},
                               {"f4", numpy_scalar("f4", raw(1.5f))},
                               {"f2", numpy_scalar("f2", raw<std::uint16_t>(0x3e00))},
                               {"u1", numpy_scalar("u1", "\xc8")},
                               {"wrong_size", numpy_scalar("f8", "123")},
                               {"unknown", numpy_scalar("M8", std::string(8, 'x'))},
                               {"bytes", call(global("numpy.core.multiarray", "scalar"),
                                              {call(global("numpy", "dtype"), {text("i2")}), "C\x02\x05\x01"s})}})}});
  EXPECT_EQ(checkpoint.best_ema, 0.7);
  EXPECT_EQ(checkpoint.epoch, 12);
  EXPECT_EQ(checkpoint.logging, Json({{"f8", {-0.3, nullptr}},
                                      {"f4", 1.5},
                                      {"f2", 1.5},
                                      {"u1", 200},
                                      {"wrong_size", nullptr},
                                      {"unknown", nullptr},
                                      {"bytes", 0x0105}}));
}

TEST(TrainingCheckpointOfOthers, WhatJsonCannotHoldBecomesNull) {
  const TrainingCheckpoint checkpoint =
      read_with({{"_best_ema", real(std::nan(""))},
                 {"init_args", "}(" + integer(5) + text("five") + text("twice") + integer(1) + text("device") +
                                   call(global("torch", "device"), {text("cuda"), integer(1)}) + text("infinite") +
                                   real(INFINITY) + text("long") + "\x8a\x0a"s + std::string(10, '\x7f') +
                                   text("tensor") + vector("FloatStorage", "0", 2) + text("not_utf8") + text("\xff") +
                                   text("\xff") + integer(1) + text("twice") + integer(2) + tuple({}) + integer(3) +
                                   text("tuple") + tuple({integer(1), list({})}) + "u"}});
  EXPECT_FALSE(checkpoint.best_ema.has_value());
  EXPECT_EQ(checkpoint.init_args.dump(),
            R"({"5":"five","twice":2,"device":"cuda:1","infinite":null,"long":null,"tensor":null,"not_utf8":null,)"
            R"("tuple":[1,[]]})");
}

TEST(TrainingCheckpointOfOthers, MomentaFollowTheNumbersOfTheParameters) {
  const std::string buffer = dictionary({{"momentum_buffer", vector("FloatStorage", "1", 2)}});
  const TrainingCheckpoint checkpoint =
      read_with({{"optimizer_state", optimizer(keyed_by_integer(7, buffer), list({integer(7)}))}});
  EXPECT_THAT(checkpoint.momenta.at("decoder.seg_layers.0.bias").values, ElementsAre(3, 4));
  EXPECT_EQ(checkpoint.learning_rate, 0.5);
  EXPECT_EQ(checkpoint.momentum, 0.9);
}

TEST(TrainingCheckpointOfOthers, OtherOptimizersHaveNoMomenta) {
  const std::string adam = dictionary({{"step", integer(3)}, {"exp_avg", vector("FloatStorage", "1", 2)}});
  EXPECT_TRUE(
      read_with({{"optimizer_state", optimizer(keyed_by_integer(0, adam), list({integer(0)}))}}).momenta.empty());
  const std::string none = dictionary({{"momentum_buffer", pickled::none()}});
  EXPECT_TRUE(
      read_with({{"optimizer_state", optimizer(keyed_by_integer(0, none), list({integer(0)}))}}).momenta.empty());
  EXPECT_TRUE(read_with({{"optimizer_state", pickled::none()}}).momenta.empty());
}

struct Misleading {
  std::string what;
  Items items;
  std::string expected;
};

void PrintTo(const Misleading& misleading, std::ostream* out) { *out << misleading.what; }

class MisleadingCheckpoint : public testing::TestWithParam<Misleading> {};

TEST_P(MisleadingCheckpoint, IsRefused) {
  const std::string message = message_of([] { read_with(GetParam().items); });
  EXPECT_THAT(message, testing::StartsWith("model.pth: "));
  EXPECT_THAT(message, HasSubstr(GetParam().expected));
  EXPECT_LT(message.size(), 400u);
}

// Each list holds the one before it ten times: 10^30 values in a few hundred bytes.
std::string laughs() {
  std::string all = list({integer(1)}) + "q\x01";
  for (char level = 2; level < 32; ++level) {
    const std::string before = "h" + std::string(1, static_cast<char>(level - 1));
    all += "0" + list(std::vector<std::string>(10, before)) + "q" + std::string(1, level);
  }
  return all;
}

std::string shouts() {  // a text of 10 000 characters, ten thousand times
  const std::string before = "h\x01";
  return text(std::string(10000, 'x')) +
         "q\x01"
         "0" +
         list(std::vector<std::string>(10000, before));
}

std::string buffer_of(const std::string& tensor) {
  return optimizer(keyed_by_integer(0, dictionary({{"momentum_buffer", tensor}})), list({integer(0)}));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, MisleadingCheckpoint,
    testing::Values(
        Misleading{"optimizer_is_a_list", {{"optimizer_state", list({})}}, "optimizer_state should be a dictionary"},
        Misleading{"no_groups", {{"optimizer_state", dictionary({})}}, "param_groups should be a list of groups"},
        Misleading{"groups_are_empty",
                   {{"optimizer_state", dictionary({{"param_groups", list({})}})}},
                   "param_groups should be a list of groups"},
        Misleading{"group_is_a_number",
                   {{"optimizer_state", dictionary({{"param_groups", list({integer(1)})}})}},
                   "param_groups[0] should be a dictionary, it is an integer"},
        Misleading{"momentum_is_text",
                   {{"optimizer_state", optimizer(dictionary({}), list({}), text("fast"))}},
                   "param_groups[0]: momentum should be a finite number, it is a string"},
        Misleading{"momentum_is_infinite",
                   {{"optimizer_state", optimizer(dictionary({}), list({}), real(INFINITY))}},
                   "param_groups[0]: momentum should be a finite number"},
        Misleading{"state_is_a_list", {{"optimizer_state", optimizer(list({}), list({}))}}, "state should be a dict"},
        Misleading{"state_by_name",
                   {{"optimizer_state", optimizer(dictionary({{"a", dictionary({})}}), list({}))}},
                   "optimizer_state: state: the number of a parameter should be an integer, it is a string"},
        Misleading{"state_holds_numbers",
                   {{"optimizer_state", optimizer(keyed_by_integer(0, integer(1)), list({}))}},
                   "optimizer_state: state: 0 should be a dictionary, it is an integer"},
        Misleading{"too_few_params",
                   {{"optimizer_state",
                     optimizer(keyed_by_integer(0, dictionary({{"momentum_buffer", integer(1)}})), list({}))}},
                   "one group of 1 parameters, as network_weights hold; it is 1 of 0"},
        Misleading{"buffer_is_no_tensor",
                   {{"optimizer_state", buffer_of(integer(1))}},
                   "momentum_buffer of 'decoder.seg_layers.0.bias': should be a tensor, it is an integer"},
        Misleading{"buffer_has_another_shape",
                   {{"optimizer_state", buffer_of(vector("FloatStorage", "1", 1))}},
                   "holds 8 bytes instead of 1 elements"},
        Misleading{"buffer_is_transposed",
                   {{"optimizer_state", buffer_of(tensor(storage("FloatStorage", "1", 2), 0, {2, 1}, {1, 1}))}},
                   "its shape (2, 1) should be that of the parameter, (2,)"},
        Misleading{"buffer_of_integers",
                   {{"optimizer_state", buffer_of(vector("LongStorage", "1", 1))}},
                   "should hold floating-point numbers"},
        Misleading{"buffer_is_huge",
                   {{"optimizer_state", buffer_of(tensor(storage("FloatStorage", "1", 2), 0, {1 << 30}, {0}))}},
                   "needs more memory than a file of"},
        Misleading{"epoch_is_negative", {{"current_epoch", integer(-1)}}, "current_epoch should be a whole number"},
        Misleading{"epoch_is_text", {{"current_epoch", text("1")}}, "current_epoch should be a whole number"},
        Misleading{"epoch_is_long",
                   {{"current_epoch", "\x8a\x09" + std::string(8, '\xff') + "\0"s}},
                   "current_epoch should be a whole number"},
        Misleading{"logging_is_a_list", {{"logging", list({})}}, "logging should be a dictionary, it is a list"},
        Misleading{"init_args_is_text", {{"init_args", text("")}}, "init_args should be a dictionary"},
        Misleading{"trainer_is_a_number", {{"trainer_name", integer(1)}}, "trainer_name should be a string"},
        Misleading{"axes_are_wrong",
                   {{"inference_allowed_mirroring_axes", integers({3})}},
                   "inference_allowed_mirroring_axes should hold distinct axes"},
        Misleading{"list_in_itself", {{"twintrack", "]q\x01h\x01" + "a"s}}, "twintrack: is nested more than 100 deep"},
        Misleading{"dictionary_in_itself",
                   {{"logging", "}q\x01" + text("a") + "h\x01s"}},
                   "logging: is nested more than 100 deep"},
        Misleading{"laughs", {{"twintrack", laughs()}}, "twintrack: holds more values than a file of this size"},
        Misleading{"shouts", {{"twintrack", shouts()}}, "twintrack: holds more text than a file of this size"}),
    [](const testing::TestParamInfo<Misleading>& test) { return test.param.what; });

}  // namespace
}  // namespace twintrack
