// The op files, compiled by themselves, are the generic level.
#include <type_traits>

#include "ops/cpu/level.h"
#include "ops/cpu/ops.h"
#include "ops/cpu/table.inc"
