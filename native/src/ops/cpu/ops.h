// The ops of a decoder on the CPU, one table a level. Raw pointers, explicit sizes, no state, no threads: a caller shares rows, columns or
// sequences between threads by calling an op on parts. Matrices are row-major; "rows" are the tokens of a packed micro-batch.
// Legend: R rows, C width, F feed-forward, V vocabulary, T tokens of one sequence, H heads, D size of a head.
// Names with d_ are gradients. "+=" says that an op adds to what is there. Each op's file says what it computes.
#ifndef LETHE_OPS_CPU_OPS_H_
#define LETHE_OPS_CPU_OPS_H_

#include <cstdint>

namespace lethe {

// C = bias + A * B (+ addend, which may be C itself when there is no bias). Element A(i, p) is a[i * a_row + p * a_column], B(p, j) is b[p * b_row + j * b_column]; one stride of b is 1.
struct MatmulArgs {
  int64_t m, n, k;
  const float* a;
  int64_t a_row, a_column;
  const float* b;
  int64_t b_row, b_column;
  float* c;                       // [m, n], row stride c_row
  int64_t c_row;
  const float* bias = nullptr;    // [n]
  const float* addend = nullptr;  // [m, n], row stride addend_row
  int64_t addend_row = 0;
};

struct BlockFormat;

// y = bias + x W (+ addend) for few rows x. By row, W is [n, k], its rows without gaps; by column [k, weights_row], of which n columns from the first count.
struct FewRowsArgs {
  int64_t m, n, k;
  const float* x;                 // [m, k], row stride x_row
  int64_t x_row;
  const BlockFormat* format;      // by column: one of single numbers
  const unsigned char* weights;
  int64_t weights_row = 0;        // by column only
  float* y;                       // [m, n], row stride y_row
  int64_t y_row;
  const float* bias = nullptr;    // [n]
  const float* addend = nullptr;  // [m, n], row stride addend_row; apart from y
  int64_t addend_row = 0;
};

// Where the heads of a row of queries, keys and values lie: [ H*D queries | H_kv*D keys | H_kv*D values ], row stride `stride`.
struct AttentionShape {
  int64_t heads, key_value_heads, head_size, stride;
};

struct TokenScore {
  double log_prob;
  int32_t arg_max;  // the lowest id among equals
};

struct Ops {
  // matmul.cc
  void (*matmul)(const MatmulArgs& args);

  // decode.cc: `count` weights, whole blocks
  void (*decode)(float* into, const BlockFormat& format, const unsigned char* data, int64_t count);

  // few_rows.cc
  void (*few_rows)(const FewRowsArgs& args);
  void (*few_rows_by_column)(const FewRowsArgs& args);

  // embedding.cc
  void (*embedding_forward)(float* x, const float* token_table, const float* position_table, const int32_t* ids, const int32_t* positions, int64_t rows,
                            int64_t width);
  void (*embedding_backward)(float* d_token_table, float* d_position_table, const float* dx, const int32_t* ids, const int32_t* positions, int64_t rows,
                             int64_t width, int64_t column_begin, int64_t column_end);

  // layernorm.cc
  void (*layernorm_forward)(float* y, float* mean, float* inverse_deviation, const float* x, const float* weight, const float* bias, int64_t rows,
                            int64_t width, float epsilon);
  void (*layernorm_backward)(float* dx, const float* dy, const float* x, const float* mean, const float* inverse_deviation, const float* weight,
                             int64_t rows, int64_t width);
  void (*layernorm_backward_weight)(float* d_weight, float* d_bias, const float* dy, const float* x, const float* mean, const float* inverse_deviation,
                                    int64_t rows, int64_t width, int64_t column_begin, int64_t column_end);

  // rmsnorm.cc
  void (*rmsnorm_forward)(float* y, float* inverse_rms, const float* x, const float* weight, int64_t rows, int64_t width, float epsilon);
  void (*rmsnorm_backward)(float* dx, const float* dy, const float* x, const float* inverse_rms, const float* weight, int64_t rows, int64_t width);
  void (*rmsnorm_backward_weight)(float* d_weight, const float* dy, const float* x, const float* inverse_rms, int64_t rows, int64_t width,
                                  int64_t column_begin, int64_t column_end);

  // gelu.cc, swiglu.cc
  void (*gelu_forward)(float* y, const float* x, int64_t count);
  void (*gelu_backward)(float* x_to_dx, float* dy_to_y, int64_t count);
  void (*swiglu_forward)(float* y, const float* gate_up, int64_t rows, int64_t feed_forward);
  void (*swiglu_backward)(float* gate_up_to_gradient, float* dy_to_y, int64_t rows, int64_t feed_forward);

  // rope.cc
  void (*rope)(float* x, const float* cosines, const float* sines, const int32_t* positions, int64_t rows, int64_t stride, int64_t heads, int64_t head_size,
               bool inverse);

  // attention.cc: the query heads of one key head of one sequence; scratch AttentionScratch(tokens)
  void (*attention_forward)(float* out, float* scratch, const float* qkv, const AttentionShape& shape, int64_t key_head, int64_t tokens);
  void (*attention_backward)(float* d_qkv, float* out, float* scratch, const float* d_out, const float* qkv, const AttentionShape& shape, int64_t key_head,
                             int64_t tokens);
  void (*cache_append)(float* key_cache, float* value_cache, const float* qkv, const AttentionShape& shape, int64_t key_head, int64_t position, int64_t context);
  void (*attention_cached)(float* out, float* scratch, const float* qkv, const float* key_cache, const float* value_cache, const AttentionShape& shape,
                           int64_t key_head, int64_t tokens, int64_t context);

  // cross_entropy.cc
  void (*cross_entropy)(TokenScore* scores, float* logits_to_gradient, bool keep_gradient, float scale, const int32_t* targets, int64_t rows, int64_t vocabulary);
  int32_t (*arg_max)(const float* logits, int64_t vocabulary);

  // reduce.cc
  void (*column_sums)(float* sums, const float* x, int64_t rows, int64_t stride, int64_t column_begin, int64_t column_end);  // sums +=
  double (*sum_of_squares)(const float* x, int64_t count);
  void (*scale)(float* x, float factor, int64_t count);

  // adamw.cc
  void (*adamw)(float* parameter, float* first, float* second, const float* gradient, float gradient_scale, int64_t count, float beta1, float beta2,
                float step_size, float inverse_root_correction2, float epsilon, float decay);
};

namespace generic { extern const Ops kOps; }
namespace avx2 { extern const Ops kOps; }
namespace avx512 { extern const Ops kOps; }

// The table of ActiveCpuLevel().
const Ops& ActiveOps();

// Rows of probabilities are padded to whole vectors.
constexpr int64_t PaddedKeys(int64_t tokens) { return (tokens + 7) / 8 * 8; }

// Attention runs over this many queries at once: whole tiles of the matrix product on every level.
constexpr int64_t kQueryBlock = 48;
// Floats of scratch memory: probabilities of a block of queries and their gradients.
constexpr int64_t AttentionScratch(int64_t tokens) { return 2 * kQueryBlock * PaddedKeys(tokens); }

// Largest head that the attention's stack buffers hold.
constexpr int64_t kLargestHead = 256;

}  // namespace lethe

#endif  // LETHE_OPS_CPU_OPS_H_
