// Values as DICOM wants them.
#include "twintrack/dicom/data_set.hpp"

#include <dcmtk/dcmdata/dctk.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace twintrack::dicom_objects {
namespace {

TEST(Decimal, FitsAndIsAsExactAsItCanBe) {
  EXPECT_EQ(decimal(0), "0");
  EXPECT_EQ(decimal(-0.0), "0");
  EXPECT_EQ(decimal(0.7), "0.7");
  EXPECT_EQ(decimal(-123.456), "-123.456");
  std::mt19937 random(1);
  std::uniform_real_distribution<double> exponent(-12, 12);
  for (int i = 0; i < 20000; ++i) {
    const double value = (i % 2 == 0 ? -1 : 1) * std::pow(10.0, exponent(random));
    const std::string text = decimal(value);
    ASSERT_LE(text.size(), 16U) << text;
    ASSERT_TRUE(DcmDecimalString::checkStringValue(text.c_str(), "1").good()) << text;
    ASSERT_NEAR(std::stod(text) / value, 1, 1e-8) << text;
  }
  EXPECT_LE(decimal(-std::numeric_limits<double>::max()).size(), 16U);
  EXPECT_LE(decimal(-std::numeric_limits<double>::denorm_min()).size(), 16U);
}

TEST(ShortText, HasAtMost64Characters) {
  EXPECT_EQ(short_text(std::string(70, 'x')), std::string(64, 'x'));
  std::string umlauts;
  for (int i = 0; i < 70; ++i) umlauts += "ü";
  EXPECT_EQ(short_text(umlauts), umlauts.substr(0, 128));
  EXPECT_EQ(short_text(""), "");
}

TEST(ShortText, IsValidUtf8WithoutControlsAndBackslashes) {
  EXPECT_EQ(short_text("a\\b\nc"), "a/b c");
  EXPECT_EQ(short_text("a\xff"
                       "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(long_text("a\\b\x1b[31m"), "a\\b [31m");
}

}  // namespace
}  // namespace twintrack::dicom_objects
