#include "twintrack/volume/dicom_header.hpp"

#include <algorithm>
#include <span>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/dicom_bytes.hpp"

namespace twintrack::volume_io {
namespace {

constexpr std::string_view magic = "DICM";
constexpr std::uint32_t undefined_length = 0xffffffff;
constexpr std::uint64_t longest_value_kept = 1024;
constexpr int deepest_nesting = 32;
constexpr std::size_t most_frames = 65536;

constexpr DicomTag item_tag = 0xfffee000;
constexpr DicomTag item_end_tag = 0xfffee00d;
constexpr DicomTag sequence_end_tag = 0xfffee0dd;
constexpr DicomTag shared_groups_tag = 0x52009229;
constexpr DicomTag frame_groups_tag = 0x52009230;
// Frame Content, Plane Position, Plane Orientation, Pixel Measures, Pixel Value Transformation.
constexpr DicomTag group_tags[] = {0x00209111, 0x00209113, 0x00209116, 0x00289110, 0x00289145};

// PS3.5, table 6.2-1: value representations with a length of 16 bits, and those with one of 32 bits.
constexpr std::string_view short_representations[] = {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FL", "FD", "IS", "LO",
                                                      "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"};
constexpr std::string_view long_representations[] = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ",
                                                     "SV", "UC", "UN", "UR", "UT", "UV"};

struct Syntax {
  bool explicit_representation = true;
  bool big_endian = false;
};

struct Element {
  DicomTag tag = 0;
  std::string representation;
  std::uint32_t length = 0;
};

// What a sequence is walked through for.
enum class Purpose { pass, shared_groups, frame_groups, group };

bool is_one_of(std::span<const std::string_view> representations, std::string_view representation) {
  return std::ranges::find(representations, representation) != representations.end();
}

bool is_one_of(std::span<const DicomAttribute> attributes, DicomTag tag) {
  return std::ranges::find(attributes, tag, &DicomAttribute::tag) != attributes.end();
}

class Walker {
 public:
  explicit Walker(const std::filesystem::path& file) : bytes_(file) { header_.file = file; }

  DicomHeader walk() {
    bytes_.pass(dicom_preamble_bytes);
    meta_information();
    const Syntax syntax = data_set_syntax();
    header_.big_endian = syntax.big_endian;
    while (!bytes_.at_end()) outermost(read_element(syntax), syntax);
    return std::move(header_);
  }

 private:
  DicomTag read_tag(bool big_endian) {
    const std::uint32_t group = bytes_.number(2, big_endian);
    return group << 16 | bytes_.number(2, big_endian);
  }

  Element read_element(const Syntax& syntax) {
    Element element;
    element.tag = read_tag(syntax.big_endian);
    if (!syntax.explicit_representation || element.tag >> 16 == item_tag >> 16) {
      element.length = bytes_.number(4, syntax.big_endian);
    } else {
      element.representation = bytes_.text(2);
      if (is_one_of(long_representations, element.representation)) {
        if (bytes_.number(2, syntax.big_endian) != 0) bytes_.fail("no length");
        element.length = bytes_.number(4, syntax.big_endian);
      } else if (is_one_of(short_representations, element.representation)) {
        element.length = bytes_.number(2, syntax.big_endian);
      } else {
        bytes_.fail("no value representation");
      }
    }
    if (element.length != undefined_length && element.length % 2 != 0) bytes_.fail("an odd length");
    return element;
  }

  // Group 0002, always explicit little endian; its first element says how long it is.
  void meta_information() {
    const Element group_length = read_element({});
    if (group_length.tag != 0x00020000 || group_length.representation != "UL" || group_length.length != 4)
      bytes_.fail("no file meta information");
    const std::uint64_t length = bytes_.number(4, false);
    if (bytes_.left() < length) bytes_.fail("the file meta information breaks off");
    const std::uint64_t end = bytes_.position() + length;
    while (bytes_.position() < end) {
      const Element element = read_element({});
      if (element.tag >> 16 != 2 || element.length == undefined_length) bytes_.fail("no file meta information");
      keep_or_pass(element, attribute::of_image, &header_.values);
    }
    if (bytes_.position() != end) bytes_.fail("file meta information of another length");
  }

  Syntax data_set_syntax() {
    const auto found = header_.values.find(attribute::transfer_syntax.tag);
    if (found == header_.values.end()) bytes_.fail("no Transfer Syntax UID");
    const std::string uid = found->second.substr(0, found->second.find('\0'));
    if (uid == "1.2.840.10008.1.2") return {false, false};
    if (uid == "1.2.840.10008.1.2.2") return {true, true};
    if (!uid.starts_with("1.2.840.10008.1.2."))
      throw InputError("{}: unknown Transfer Syntax UID '{}'", header_.file.string(), uid.substr(0, 64));
    if (uid == "1.2.840.10008.1.2.1.99") {
      header_.deflated_offset = bytes_.position();
      bytes_.inflate_rest();
    }
    return {true, false};
  }

  void outermost(const Element& element, const Syntax& syntax) {
    if (element.tag >> 16 == item_tag >> 16 || element.tag >> 16 == 0) bytes_.fail("an element out of place");
    if (element.tag == attribute::pixel_data.tag) return pixel_data(element, syntax);
    const bool of_all = element.tag == shared_groups_tag;
    const bool of_each = element.tag == frame_groups_tag;
    if ((of_all && !header_.shared.empty()) || (of_each && !header_.per_frame.empty()))
      bytes_.fail("functional groups twice");
    if (is_sequence(element, syntax, of_all || of_each)) {
      sequence(element, syntax, 0,
               of_all    ? Purpose::shared_groups
               : of_each ? Purpose::frame_groups
                         : Purpose::pass,
               nullptr);
    } else {
      keep_or_pass(element, attribute::of_image, &header_.values);
    }
  }

  void pixel_data(const Element& element, const Syntax& syntax) {
    if (header_.has_pixel_data) bytes_.fail("pixel data twice");
    header_.has_pixel_data = true;
    header_.pixel_offset = bytes_.position();
    if (element.length == undefined_length) {
      if (element.representation != "OB" && element.representation != "OW") bytes_.fail("pixel data without a length");
      fragments(syntax);
    } else {
      bytes_.pass(element.length);
    }
    header_.pixel_bytes = bytes_.position() - header_.pixel_offset;
  }

  void fragments(const Syntax& syntax) {
    for (bool first = true;; first = false) {
      const Element element = read_element(syntax);
      if (element.tag == sequence_end_tag && element.length == 0) break;
      if (element.tag != item_tag || element.length == undefined_length) bytes_.fail("no fragment of pixel data");
      if (first) {
        if (element.length > most_frames * 4) bytes_.fail("an offset table that is too long");
        header_.offset_table = bytes_.text(element.length);
      } else {
        header_.fragments.push_back({bytes_.position(), element.length});
        bytes_.pass(element.length);
      }
    }
    if (header_.fragments.empty()) bytes_.fail("pixel data without fragments");
  }

  void keep_or_pass(const Element& element, std::span<const DicomAttribute> wanted, DicomValues* values) {
    if (element.length == undefined_length) bytes_.fail("a value without a length");
    if (values == nullptr || element.length > longest_value_kept || !is_one_of(wanted, element.tag))
      return bytes_.pass(element.length);
    if (!values->emplace(element.tag, bytes_.text(element.length)).second) bytes_.fail("an element twice");
  }

  // Implicit data sets do not say which values are sequences, unless they have no length.
  static bool is_sequence(const Element& element, const Syntax& syntax, bool known) {
    if (element.length == undefined_length)
      return element.representation.empty() || element.representation == "SQ" || element.representation == "UN";
    return element.representation == "SQ" || (known && !syntax.explicit_representation);
  }

  // Inside a value of unknown representation all is implicit little endian.
  void sequence(const Element& element, const Syntax& outer, int depth, Purpose purpose, DicomValues* values) {
    if (depth >= deepest_nesting) bytes_.fail("sequences nested too deep");
    const Syntax syntax = element.representation == "UN" ? Syntax{false, false} : outer;
    const bool ends_itself = element.length == undefined_length;
    if (!ends_itself && bytes_.left() < element.length) bytes_.fail("a sequence breaks off");
    const std::uint64_t end = bytes_.position() + element.length;
    std::size_t items = 0;
    while (ends_itself || bytes_.position() < end) {
      const Element next = read_element(syntax);
      if (ends_itself && next.tag == sequence_end_tag && next.length == 0) return;
      if (next.tag != item_tag) bytes_.fail("no item of a sequence");
      if (purpose != Purpose::pass && purpose != Purpose::frame_groups && items > 0)
        bytes_.fail("a functional group with two items");
      ++items;
      item(next.length, syntax, depth, purpose, values_of(purpose, values));
    }
    if (bytes_.position() != end) bytes_.fail("a sequence of another length");
  }

  DicomValues* values_of(Purpose purpose, DicomValues* values) {
    if (purpose == Purpose::shared_groups) return &header_.shared;
    if (purpose != Purpose::frame_groups) return values;
    if (header_.per_frame.size() == most_frames) bytes_.fail(fmt::format("more than {} frames", most_frames));
    return &header_.per_frame.emplace_back();
  }

  void item(std::uint32_t length, const Syntax& syntax, int depth, Purpose purpose, DicomValues* values) {
    const bool ends_itself = length == undefined_length;
    if (!ends_itself && bytes_.left() < length) bytes_.fail("an item breaks off");
    const std::uint64_t end = bytes_.position() + length;
    while (ends_itself || bytes_.position() < end) {
      const Element element = read_element(syntax);
      if (ends_itself && element.tag == item_end_tag && element.length == 0) return;
      if (element.tag >> 16 == item_tag >> 16) bytes_.fail("an element out of place");
      const bool is_group = (purpose == Purpose::shared_groups || purpose == Purpose::frame_groups) &&
                            std::ranges::find(group_tags, element.tag) != std::end(group_tags);
      if (is_sequence(element, syntax, is_group)) {
        sequence(element, syntax, depth + 1, is_group ? Purpose::group : Purpose::pass, is_group ? values : nullptr);
      } else {
        keep_or_pass(element, attribute::of_frame, purpose == Purpose::group ? values : nullptr);
      }
    }
    if (bytes_.position() != end) bytes_.fail("an item of another length");
  }

  DicomBytes bytes_;
  DicomHeader header_;
};

}  // namespace

bool is_dicom(std::string_view head) {
  return head.size() >= dicom_preamble_bytes && head.substr(dicom_preamble_bytes - magic.size(), magic.size()) == magic;
}

DicomHeader read_dicom_header(const std::filesystem::path& file) { return Walker(file).walk(); }

}  // namespace twintrack::volume_io
