// Text of DICOM's many character sets as UTF-8. Internal to this module.
#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcspchrs.h>
#include <dcmtk/dcmdata/dcvr.h>
#include <dcmtk/ofstd/ofchrenc.h>

#include <optional>
#include <string>

namespace twintrack::dicom_objects {

// The character sets that a data set declares (PS3.3, C.12.1.1.2). The GNU C library behind Debian's DCMTK lacks the
// Japanese ones (ISO 2022 IR 13, 87, 159); these are converted as ISO-2022-JP-2, which they are but for katakana.
class CharacterSets {
 public:
  // `declared`: the values of Specific Character Set.
  explicit CharacterSets(const std::string& declared);

  // `value` of PN, LO or SH; nothing when its bytes are not of these sets.
  std::optional<std::string> convert(const std::string& value, DcmEVR representation);

 private:
  std::optional<std::string> convert_japanese(const std::string& value);

  DcmSpecificCharacterSet converter_;
  OFCharacterEncoding japanese_;
  bool is_known_ = false;
  bool is_japanese_ = false;
  bool has_katakana_ = false;
};

}  // namespace twintrack::dicom_objects
