package access

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

// Flags adds those that name the cluster, as kubectl's do.
func (n *Named) Flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&n.Kubeconfig, "kubeconfig", "", "the cluster (default $KUBECONFIG, .flyball/kubeconfig, ~/.kube/config)")
	cmd.Flags().StringVar(&n.Context, "context", "", "the context of the kubeconfig (default its current one)")
	// It fails only for a flag that the command does not have.
	_ = cmd.RegisterFlagCompletionFunc("context", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return n.contexts(), cobra.ShellCompDirectiveNoFileComp
	})
}

// contexts are none of a kubeconfig that cannot be read: a shell has no place for an error.
func (n *Named) contexts() []string {
	rules, _ := kubeconfigRules(n.Kubeconfig)
	config, err := rules.Load()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(config.Contexts))
}
