// Package promsim is Prometheus in simulated time: targets are scraped into a small
// store of series, recording rules run at their intervals, and queries are answered
// by the real PromQL engine, or by a shorter way for the shapes that autoscalers use.
//
// INV-1: the shorter way gives what the engine gives, bit for bit; what it does not
// know goes to the engine.
// INV-2: no clock is read for a result: the same samples and the same questions in the
// same order give the same answers.
// INV-3: forgetting samples changes no answer: every prepared query and rule, asked at
// or after the newest sample, still finds all that it looks back at.
// INV-4: series end as Prometheus ends them: at the failed scrape, at the scrape that
// lacks them, or, when the target is gone, with a marker stamped with the next scrape
// and written 1.1 intervals after it.
// INV-5: an Answer is what KEDA's prometheus scaler makes of the response: a number,
// nothing, several elements, no finite number, or an error, each a quality of its own.
// INV-6: exactly the metrics that a query, or a rule that a query needs, can select are
// stored.
// INV-7: the rules of a group run in order, at phase + k × interval, each seeing what
// those before it wrote.
//
// A DB is for one goroutine; any number of them may run side by side.
//
// The engine itself leaves one order open: the elements of a histogram_quantile over
// several label sets come in any order, so that their sum or average may differ in its
// last bit from run to run.
//
// It deliberately knows no pod, no law and no metric of vLLM, and no time but the one
// it is told; native histograms, exemplars and alerts are left out.
package promsim
