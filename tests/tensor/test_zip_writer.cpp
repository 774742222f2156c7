#include "twintrack/tensor/zip_writer.hpp"

#include <sstream>

#include "tensor/checkpoint_writer.hpp"
#include "twintrack/tensor/zip.hpp"

namespace twintrack {
namespace {

struct Written {
  std::string name;
  std::string contents;
};

std::vector<Written> members() {
  std::vector<Written> written{{"a/data.pkl", "pickle"}, {"a/empty", ""}};
  for (std::size_t i = 1; i < 80; i += 7) written.push_back({"a/" + std::string(i, 'n'), std::string(i * i, 'c')});
  return written;
}

std::string zip_with(const std::vector<Written>& written, std::uint64_t wide_from) {
  std::ostringstream out;
  ZipWriter writer(out, wide_from);
  for (const auto& [name, contents] : written) writer.add(name, bytes_in(contents));
  writer.finish();
  return out.str();
}

// 0xffffffff is the format's own limit, the others put ever more into zip64 fields.
class ZipWriterLimit : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ZipWriterLimit, MembersComeBackFromAlignedPlaces) {
  const std::string bytes = zip_with(members(), GetParam());
  const SpanSource source("zip", bytes_in(bytes));
  const ZipArchive archive(source);
  ASSERT_EQ(archive.members().size(), members().size());
  for (const auto& [name, contents] : members()) {
    const ZipMember* member = archive.find(name);
    ASSERT_NE(member, nullptr) << name;
    EXPECT_EQ(archive.read(*member, 10000), contents);
    EXPECT_EQ(archive.stored_offset(*member) % 64, 0u) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Limits, ZipWriterLimit, testing::Values(0xffffffff, 3000, 700, 50, 0));

TEST(ZipWriter, MoreMembersThanTheNarrowFieldHolds) {
  std::vector<Written> many;
  for (int i = 0; i < 65540; ++i) many.push_back({std::to_string(i), ""});
  const std::string bytes = zip_with(many, 0xffffffff);
  const SpanSource source("zip", bytes_in(bytes));
  EXPECT_EQ(ZipArchive(source).members().size(), many.size());
}

}  // namespace
}  // namespace twintrack
