// The DICOM attributes that a volume is made from (PS3.6). Internal to this module.
#pragma once

#include <cstdint>
#include <string_view>

namespace twintrack::volume_io {

// Group in the upper, element in the lower 16 bits.
using DicomTag = std::uint32_t;

struct DicomAttribute {
  DicomTag tag;
  std::string_view name;
};

namespace attribute {
inline constexpr DicomAttribute transfer_syntax{0x00020010, "Transfer Syntax UID"};
inline constexpr DicomAttribute image_type{0x00080008, "Image Type"};
inline constexpr DicomAttribute sop_class{0x00080016, "SOP Class UID"};
inline constexpr DicomAttribute acquisition_time{0x00080032, "Acquisition Time"};
inline constexpr DicomAttribute content_time{0x00080033, "Content Time"};
inline constexpr DicomAttribute modality{0x00080060, "Modality"};
inline constexpr DicomAttribute trigger_time{0x00181060, "Trigger Time"};
inline constexpr DicomAttribute convolution_kernel{0x00181210, "Convolution Kernel"};
inline constexpr DicomAttribute study_instance{0x0020000d, "Study Instance UID"};
inline constexpr DicomAttribute series_instance{0x0020000e, "Series Instance UID"};
inline constexpr DicomAttribute acquisition_number{0x00200012, "Acquisition Number"};
inline constexpr DicomAttribute position{0x00200032, "Image Position (Patient)"};
inline constexpr DicomAttribute orientation{0x00200037, "Image Orientation (Patient)"};
inline constexpr DicomAttribute temporal_position{0x00200100, "Temporal Position Identifier"};
inline constexpr DicomAttribute stack_id{0x00209056, "Stack ID"};
inline constexpr DicomAttribute temporal_position_index{0x00209128, "Temporal Position Index"};
inline constexpr DicomAttribute samples{0x00280002, "Samples per Pixel"};
inline constexpr DicomAttribute photometric_interpretation{0x00280004, "Photometric Interpretation"};
inline constexpr DicomAttribute frames{0x00280008, "Number of Frames"};
inline constexpr DicomAttribute rows{0x00280010, "Rows"};
inline constexpr DicomAttribute columns{0x00280011, "Columns"};
inline constexpr DicomAttribute pixel_spacing{0x00280030, "Pixel Spacing"};
inline constexpr DicomAttribute bits_allocated{0x00280100, "Bits Allocated"};
inline constexpr DicomAttribute bits_stored{0x00280101, "Bits Stored"};
inline constexpr DicomAttribute high_bit{0x00280102, "High Bit"};
inline constexpr DicomAttribute pixel_representation{0x00280103, "Pixel Representation"};
inline constexpr DicomAttribute pixel_padding{0x00280120, "Pixel Padding Value"};
inline constexpr DicomAttribute pixel_padding_limit{0x00280121, "Pixel Padding Range Limit"};
inline constexpr DicomAttribute rescale_intercept{0x00281052, "Rescale Intercept"};
inline constexpr DicomAttribute rescale_slope{0x00281053, "Rescale Slope"};
inline constexpr DicomAttribute pixel_data{0x7fe00010, "Pixel Data"};

// Of the outermost data set and of the file meta information.
inline constexpr DicomAttribute of_image[] = {transfer_syntax,
                                              image_type,
                                              sop_class,
                                              acquisition_time,
                                              content_time,
                                              modality,
                                              trigger_time,
                                              convolution_kernel,
                                              study_instance,
                                              series_instance,
                                              acquisition_number,
                                              position,
                                              orientation,
                                              temporal_position,
                                              samples,
                                              photometric_interpretation,
                                              frames,
                                              rows,
                                              columns,
                                              pixel_spacing,
                                              bits_allocated,
                                              bits_stored,
                                              high_bit,
                                              pixel_representation,
                                              pixel_padding,
                                              pixel_padding_limit,
                                              rescale_intercept,
                                              rescale_slope};

// Of the functional groups of a multi-frame image (PS3.3, C.7.6.16).
inline constexpr DicomAttribute of_frame[] = {
    position, orientation, pixel_spacing, stack_id, temporal_position_index, rescale_slope, rescale_intercept};
}  // namespace attribute

}  // namespace twintrack::volume_io
