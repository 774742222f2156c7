// make_tiny_bundle FOLDER writes FOLDER/bundle, whose networks are so small that a prediction takes a moment.
#include <cstdio>
#include <exception>

#include "api/scene.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    twintrack::test::write_tiny_bundle(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_tiny_bundle: %s\n", error.what());
    return 1;
  }
  return 0;
}
