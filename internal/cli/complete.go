package cli

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	"github.com/flyball-dev/flyball/internal/cli/access"
	"github.com/flyball-dev/flyball/internal/kserve"
)

// completionTimeout is how long somebody who presses Tab waits for a cluster.
const completionTimeout = 2 * time.Second

// completeNames lets the shell complete a namespace and a service of status by what the
// cluster has.
func completeNames(cmd *cobra.Command, o *statusOptions) {
	// It fails only for a flag that the command does not have.
	_ = cmd.RegisterFlagCompletionFunc("namespace", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		all := namesIn(cmd.Context(), o.cluster, corev1.SchemeGroupVersion.WithResource("namespaces"), func(access.Cluster) string { return "" })
		return all, cobra.ShellCompDirectiveNoFileComp
	})
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 || o.all {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all := namesIn(cmd.Context(), o.cluster, kserve.InferenceServiceKind.GroupVersion().WithResource("inferenceservices"),
			func(c access.Cluster) string { return cmp.Or(o.namespace, c.Namespace) })
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// namesIn are none where the cluster does not answer in time or refuses: a shell has no
// place for an error.
func namesIn(ctx context.Context, in access.Named, of schema.GroupVersionResource, within func(access.Cluster) string) []string {
	c, err := in.Find()
	if err != nil {
		return nil
	}
	api, err := metadata.NewForConfig(c.Config)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	list, err := api.Resource(of).Namespace(within(c)).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	all := make([]string, len(list.Items))
	for i := range list.Items {
		all[i] = list.Items[i].Name
	}
	return all
}
