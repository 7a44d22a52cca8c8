package lab

import (
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/vllmsim"
)

func newVLLMSim(s *terminal.Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "vllmsim [vllm serve] MODEL [vLLM arguments]",
		Short: "Run a server that looks like vLLM, without a GPU",
		Long: `Run an HTTP server with vLLM's API, errors and metrics, timed by a model of a GPU.
The arguments are vLLM's: --model, --served-model-name, --host, --port,
--max-num-seqs, --max-num-batched-tokens, --max-model-len,
--tensor-parallel-size, --gpu-memory-utilization, --block-size, --dtype,
--[no-]enable-prefix-caching, --[no-]async-scheduling, --shutdown-timeout and
--show-hidden-metrics-for-version act; others are accepted and named in the log.

What only a simulation has is read from the environment:
  FLYBALL_SIM_PROFILE   model and GPU (default qwen3-14b-h100)
  FLYBALL_SIM_WEIGHTS   how long loading weights takes, such as 20s
  FLYBALL_SIM_WARMUP    how long compiling and warming up takes after that
  FLYBALL_SIM_JITTER    share by which steps and phases vary, 0 to 1
  FLYBALL_SIM_SPEED     how many times as fast as the GPU, at least 1
  FLYBALL_POD_IP        where to listen unless --host names an address

A prompt counts one token per four bytes; a prompt given as token ids, one each.
An answer ends at max_tokens or, unless the request says ignore_eos, after 64 to
448 tokens, which follow from the prompt.`,
		Example: "  flyball vllmsim Qwen/Qwen3-14B --port 8000\n" +
			"  flyball vllmsim vllm serve /mnt/models --served-model-name llama --max-num-seqs 64",
		DisableFlagParsing: true, // the flags are vLLM's
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") {
				return cmd.Help()
			}
			parsed, err := vllmsim.ParseArgs(args)
			if err != nil {
				return hint.With(err, "flyball vllmsim --help lists what is understood")
			}
			settings, err := vllmsim.ParseSettings(os.Getenv)
			if err != nil {
				return err
			}
			server, err := vllmsim.New(vllmsim.Config{
				Args: parsed, Settings: settings, Registry: prometheus.NewRegistry(),
				Log: slog.New(slog.NewTextHandler(s.Err, nil)),
			})
			if err != nil {
				return err
			}
			return server.Run(cmd.Context())
		},
	}
}
