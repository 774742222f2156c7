// Synthetic DICOM slices, written with GDCM.
#pragma once

#include <gdcmImageChangeTransferSyntax.h>
#include <gdcmImageReader.h>
#include <gdcmImageWriter.h>
#include <gdcmSequenceOfItems.h>
#include <gdcmWriter.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace twintrack::test {

// Values are given as the file holds them, backslashes between several.
struct DicomImage {
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.2";
  std::string study = "1.2.826.0.1.3680043.9.2";
  std::string series = "1.2.826.0.1.3680043.9.1";
  std::string modality = "CT";
  std::string image_type = "ORIGINAL\\PRIMARY\\AXIAL";
  std::string position = "-100.5\\20.25\\-300";
  std::string orientation = "1\\0\\0\\0\\1\\0";
  std::string pixel_spacing = "0.75\\0.5";
  std::string slope = "1";
  std::string intercept = "-1024";
  std::string frames;
  std::string acquisition_number;
  std::string photometric_interpretation;  // empty: as `samples` has it
  std::string padding;                     // two bytes
  std::string padding_limit;
  bool with_sequence = false;
  std::uint16_t rows = 3;
  std::uint16_t columns = 4;
  std::uint16_t samples = 1;
  std::uint16_t bits_allocated = 16;
  std::uint16_t bits_stored = 16;
  std::uint16_t pixel_representation = 1;
  std::vector<std::int16_t> pixels = std::vector<std::int16_t>(12, 1000);
};

inline void put_element(gdcm::DataSet& data, gdcm::Tag tag, gdcm::VR vr, std::string bytes) {
  if (bytes.size() % 2 != 0) bytes += vr == gdcm::VR::UI ? '\0' : ' ';
  gdcm::DataElement element(tag);
  element.SetVR(vr);
  element.SetByteValue(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  data.Replace(element);
}

inline void put_number(gdcm::DataSet& data, gdcm::Tag tag, std::uint16_t value) {
  put_element(data, tag, gdcm::VR::US, {reinterpret_cast<const char*>(&value), sizeof(value)});
}

inline void put_text(gdcm::DataSet& data, gdcm::Tag tag, gdcm::VR vr, const std::string& text) {
  if (!text.empty()) put_element(data, tag, vr, text);
}

// A sequence of two items, the first with a sequence inside that has no length.
inline void put_sequence(gdcm::DataSet& data) {
  const auto inner = gdcm::SequenceOfItems::New();
  inner->SetLengthToUndefined();
  gdcm::Item leaf;
  leaf.SetVLToUndefined();
  put_text(leaf.GetNestedDataSet(), {0x0008, 0x0100}, gdcm::VR::SH, "T-65000");
  inner->AddItem(leaf);
  gdcm::DataElement element(gdcm::Tag(0x0040, 0xa168));
  element.SetVR(gdcm::VR::SQ);
  element.SetValue(*inner);
  element.SetVLToUndefined();

  const auto outer = gdcm::SequenceOfItems::New();
  gdcm::Item first;
  first.SetVLToUndefined();
  first.GetNestedDataSet().Insert(element);
  outer->AddItem(first);
  outer->AddItem(leaf);
  outer->SetLengthToUndefined();
  gdcm::DataElement sequence(gdcm::Tag(0x0040, 0x0275));
  sequence.SetVR(gdcm::VR::SQ);
  sequence.SetValue(*outer);
  sequence.SetVLToUndefined();
  data.Replace(sequence);
}

inline void write_dicom(const std::filesystem::path& path, const DicomImage& image) {
  gdcm::Writer writer;
  writer.GetFile().GetHeader().SetDataSetTransferSyntax(gdcm::TransferSyntax::ExplicitVRLittleEndian);
  gdcm::DataSet& data = writer.GetFile().GetDataSet();
  put_text(data, {0x0008, 0x0008}, gdcm::VR::CS, image.image_type);
  put_text(data, {0x0008, 0x0016}, gdcm::VR::UI, image.sop_class);
  put_text(data, {0x0008, 0x0018}, gdcm::VR::UI,
           "1.2.3." + std::to_string(std::hash<std::string>()(path.filename().string()) % 1000000007));
  put_text(data, {0x0008, 0x0060}, gdcm::VR::CS, image.modality);
  put_text(data, {0x0020, 0x000d}, gdcm::VR::UI, image.study);
  put_text(data, {0x0020, 0x000e}, gdcm::VR::UI, image.series);
  put_text(data, {0x0020, 0x0012}, gdcm::VR::IS, image.acquisition_number);
  put_text(data, {0x0020, 0x0032}, gdcm::VR::DS, image.position);
  put_text(data, {0x0020, 0x0037}, gdcm::VR::DS, image.orientation);
  put_number(data, {0x0028, 0x0002}, image.samples);
  put_text(data, {0x0028, 0x0004}, gdcm::VR::CS,
           !image.photometric_interpretation.empty() ? image.photometric_interpretation
           : image.samples == 1                      ? "MONOCHROME2"
                                                     : "RGB");
  put_text(data, {0x0028, 0x0008}, gdcm::VR::IS, image.frames);
  put_number(data, {0x0028, 0x0010}, image.rows);
  put_number(data, {0x0028, 0x0011}, image.columns);
  put_text(data, {0x0028, 0x0030}, gdcm::VR::DS, image.pixel_spacing);
  put_number(data, {0x0028, 0x0100}, image.bits_allocated);
  put_number(data, {0x0028, 0x0101}, image.bits_stored);
  put_number(data, {0x0028, 0x0102}, static_cast<std::uint16_t>(image.bits_stored - 1));
  put_number(data, {0x0028, 0x0103}, image.pixel_representation);
  put_text(data, {0x0028, 0x0120}, gdcm::VR::SS, image.padding);
  put_text(data, {0x0028, 0x0121}, gdcm::VR::SS, image.padding_limit);
  put_text(data, {0x0028, 0x1052}, gdcm::VR::DS, image.intercept);
  put_text(data, {0x0028, 0x1053}, gdcm::VR::DS, image.slope);
  if (image.with_sequence) put_sequence(data);
  put_element(data, {0x7fe0, 0x0010}, gdcm::VR::OW,
              {reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size() * sizeof(std::int16_t)});
  writer.SetFileName(path.c_str());
  if (!writer.Write()) throw std::runtime_error("cannot write " + path.string());
}

// Writes the file at `from` again with its pixels in another transfer syntax.
inline void transcode(const std::filesystem::path& from, const std::filesystem::path& to,
                      gdcm::TransferSyntax::TSType syntax) {
  gdcm::ImageReader reader;
  reader.SetFileName(from.c_str());
  gdcm::ImageChangeTransferSyntax change;
  change.SetTransferSyntax(syntax);
  if (!reader.Read()) throw std::runtime_error("cannot read " + from.string());
  change.SetInput(reader.GetImage());
  if (!change.Change()) throw std::runtime_error("cannot transcode " + from.string());
  gdcm::ImageWriter writer;
  writer.SetFile(reader.GetFile());
  writer.SetImage(change.GetOutput());
  writer.SetFileName(to.c_str());
  if (!writer.Write()) throw std::runtime_error("cannot write " + to.string());
}

}  // namespace twintrack::test
