// DICOM attributes into DCMTK's data sets. Internal to this module.
//
// Of DCMTK only `dcmdata` is used: its classes for whole segmentations and parametric maps keep all frames several
// times in memory, its classes for reports bring image libraries along.
#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcvr.h>

#include <cstdint>
#include <span>
#include <string>

#include "twintrack/dicom/source_study.hpp"

class DcmItem;

namespace twintrack::dicom_objects {

// Text values are UTF-8, several of them with backslashes between. All throw ResourceError when memory runs out.
void put(DcmItem& item, const DcmTagKey& tag, DcmEVR representation, const std::string& value);
void put_short(DcmItem& item, const DcmTagKey& tag, std::uint16_t value);                     // US
void put_shorts(DcmItem& item, const DcmTagKey& tag, std::span<const std::uint16_t> values);  // US
void put_longs(DcmItem& item, const DcmTagKey& tag, std::span<const std::uint32_t> values);   // UL
void put_double(DcmItem& item, const DcmTagKey& tag, double value);                           // FD
void put_tag(DcmItem& item, const DcmTagKey& tag, const DcmTagKey& value);                    // AT
void put_empty_sequence(DcmItem& item, const DcmTagKey& tag);

// A new item at the end of the sequence.
DcmItem& add_item(DcmItem& item, const DcmTagKey& sequence);
void put_code(DcmItem& item, const DcmTagKey& sequence, const DicomCode& code);

// A number as a decimal string (DS) of at most 16 characters.
std::string decimal(double value);

// `text` as a value of at most 64 characters (LO) or without limit (UT): valid UTF-8 without control characters, in LO
// without backslash.
std::string short_text(const std::string& text);
std::string long_text(const std::string& text);

}  // namespace twintrack::dicom_objects
