// SPDX-License-Identifier: Apache-2.0
// The only C++ here: google-benchmark 1.7.1 behind a C function.
//
// What its limits ask for: iterations are given explicitly (with manual time nothing else bounds
// the loop), each batch is a repetition of one iteration (so that every raw sample comes back), the
// registry is emptied after each run (it is the process's), nothing is printed, no flag is read
// from a command line, and no exception passes the border.
#include "timed/engine.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

namespace
{

constexpr double ns_in_s = 1e9;

class Tap final : public benchmark::BenchmarkReporter
{
      public:
	Tap(engine_sink *sink, void *context) : sink_(sink), context_(context)
	{
	}

	bool ReportContext(const Context &) override
	{
		return true;
	}

	void ReportRuns(const std::vector<Run> &runs) override
	{
		for (const Run &run : runs)
			if (run.run_type == Run::RT_Iteration && !run.error_occurred) {
				sink_(context_, std::llround(run.real_accumulated_time * ns_in_s));
				count_++;
			}
	}

	int count() const
	{
		return count_;
	}

      private:
	engine_sink *sink_;
	void *context_;
	int count_ = 0;
};

} // namespace

extern "C" int engine_run(
	const char *name, unsigned batches, engine_body *body, engine_sink *sink, void *context)
try {
	Tap tap(sink, context);
	benchmark::RegisterBenchmark(name,
		[=](benchmark::State &state) {
			while (state.KeepRunning())
				state.SetIterationTime(
					static_cast<double>(body(context)) / ns_in_s);
		})
		->Iterations(1)
		->Repetitions(static_cast<int>(batches))
		->UseManualTime();
	benchmark::RunSpecifiedBenchmarks(&tap, nullptr, "all");
	benchmark::ClearRegisteredBenchmarks();
	return tap.count();
} catch (...) {
	return -1;
}
