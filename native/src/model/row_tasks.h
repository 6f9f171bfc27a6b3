// Cuts of row-wise and column-wise work, fixed by the shape alone.
#ifndef LETHE_MODEL_ROW_TASKS_H_
#define LETHE_MODEL_ROW_TASKS_H_

#include <algorithm>
#include <cstdint>

#include "lethe/thread_pool.h"

namespace lethe {

// body(begin, count) for tasks of 64 rows.
template <typename Body>
void ForRows(ThreadPool* pool, int64_t rows, const Body& body) {
  constexpr int64_t kRows = 64;
  pool->For((rows + kRows - 1) / kRows, [&](int64_t task) { body(task * kRows, std::min(kRows, rows - task * kRows)); });
}

// body(begin, end) for tasks of 128 columns.
template <typename Body>
void ForColumns(ThreadPool* pool, int64_t columns, const Body& body) {
  constexpr int64_t kColumns = 128;
  pool->For((columns + kColumns - 1) / kColumns, [&](int64_t task) { body(task * kColumns, std::min(columns, (task + 1) * kColumns)); });
}

}  // namespace lethe

#endif  // LETHE_MODEL_ROW_TASKS_H_
