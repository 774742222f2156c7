#include "twintrack/network/torch_plugin.hpp"

#include "twintrack/core/error.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace fs = std::filesystem;

namespace twintrack {
namespace {

constexpr const char* kFile = "libtwintrack_torch.so";
constexpr const char* kEntry = "twintrack_torch_plugin";

std::vector<fs::path> candidates() {
  if (const char* folder = std::getenv("TWINTRACK_PLUGINS"); folder != nullptr && *folder != '\0') {
    return {fs::path(folder) / kFile};
  }
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<fs::path> paths;
  // Installed (bin beside lib) and in a build tree, whose programs lie one or two folders below its top.
  for (const char* folder :
       {".", "../" TWINTRACK_LIBRARY_FOLDER "/twintrack", "../lib/twintrack", "../../lib/twintrack"}) {
    paths.push_back((here / folder / kFile).lexically_normal());
  }
  return paths;
}

struct Loaded {
  const TorchPlugin* plugin = nullptr;
  std::string problem;
};

Loaded load() {
  const std::vector<fs::path> paths = candidates();
  for (const fs::path& path : paths) {
    if (!fs::exists(path)) continue;
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return {nullptr, fmt::format("{}: cannot be loaded: {}", path.string(), dlerror())};
    const auto entry = reinterpret_cast<const TorchPlugin* (*)()>(dlsym(library, kEntry));
    if (entry == nullptr) return {nullptr, fmt::format("{}: is no plug-in of TwinTrack", path.string())};
    const TorchPlugin* const plugin = entry();
    if (plugin->interface_version != kTorchPluginVersion) {
      return {nullptr, fmt::format("{}: belongs to another version of TwinTrack (interface {}, not {})", path.string(),
                                   plugin->interface_version, kTorchPluginVersion)};
    }
    return {plugin, ""};
  }
  return {nullptr, fmt::format("{} is missing (looked for {}). Training and --device cuda:N need libtorch: install "
                               "libtorch-dev and build TwinTrack again",
                               kFile, paths.front().string())};
}

const Loaded& loaded() {
  static const Loaded once = load();
  return once;
}

}  // namespace

const TorchPlugin& torch_plugin() {
  if (loaded().plugin == nullptr) throw ResourceError("{}", loaded().problem);
  return *loaded().plugin;
}

bool has_torch_plugin() { return loaded().plugin != nullptr; }

}  // namespace twintrack
