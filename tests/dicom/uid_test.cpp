// Identifiers of our own.
#include "twintrack/dicom/uid.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <gtest/gtest.h>

#include <set>

namespace twintrack {
namespace {

// From Python: int.from_bytes of the digest's first 16 bytes, version and variant set.
TEST(DerivedUid, is_the_decimal_uuid_of_the_digest) {
  EXPECT_EQ(derived_uid(""), "2.25.302652579918966106791432553938847512868");
  EXPECT_EQ(derived_uid("TwinTrack"), "2.25.26280953835248268526975522679373851522");
  EXPECT_EQ(derived_uid("tumour 1"), "2.25.46311820623916898934152588259237661102");
}

TEST(DerivedUid, is_valid_and_differs_with_the_text) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string uid = derived_uid(std::to_string(i));
    EXPECT_TRUE(DcmUniqueIdentifier::checkStringValue(uid.c_str(), "1").good()) << uid;
    EXPECT_TRUE(seen.insert(uid).second) << uid;
  }
}

}  // namespace
}  // namespace twintrack
