// A library that does nothing, to be preloaded: what a start takes with it takes any preloaded library.
namespace {
[[maybe_unused]] int nothing;
}
