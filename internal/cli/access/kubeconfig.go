package access

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/flyball-dev/flyball/internal/hint"
)

// A Cluster is where a command works: how to reach it and the namespace that the
// kubeconfig's context names.
type Cluster struct {
	Config    *rest.Config
	Namespace string
	From      string // the kubeconfig, for messages
}

// Named is the cluster that the flags of a command name.
type Named struct {
	Kubeconfig string // a file; empty: $KUBECONFIG, then the local cluster's in this directory, then the user's own
	Context    string // of that file; empty: its current one
}

// Find reads the kubeconfig that a command works with.
func (n Named) Find() (Cluster, error) {
	log.SetLogger(logr.Discard()) // a command says itself what went wrong
	rules, from := kubeconfigRules(n.Kubeconfig)
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: n.Context})
	raw, err := loader.RawConfig()
	switch {
	case err != nil:
		return Cluster{}, hint.With(fmt.Errorf("reading kubeconfig %s: %w", from, unreadable(err)), StartOrName)
	case clientcmd.IsConfigurationInvalid(clientcmd.Validate(raw)) && len(raw.Contexts) == 0:
		return Cluster{}, hint.With(fmt.Errorf("no kubeconfig: %s names no cluster", from), StartOrName)
	case n.Context != "" && raw.Contexts[n.Context] == nil:
		known := slices.Sorted(maps.Keys(raw.Contexts))
		return Cluster{}, hint.Meant(fmt.Errorf("kubeconfig %s has no context %q", from, n.Context), n.Context, known, "it has "+strings.Join(known, ", "))
	}
	raw.CurrentContext = cmp.Or(n.Context, raw.CurrentContext)
	config, err := loader.ClientConfig()
	if err != nil {
		return Cluster{}, hint.With(fmt.Errorf("using kubeconfig %s: %w", from, unusable(raw, err)), StartOrName)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return Cluster{}, fmt.Errorf("using kubeconfig %s: %w", from, err)
	}
	config.QPS = -1 // the API server has its own fairness; client-go's 5 a second is a relic
	config.WarningHandler = rest.NoWarnings{}
	return Cluster{config, namespace, from}, nil
}

// StartOrName is what to do without a cluster.
const StartOrName = "start a local cluster with flyball up, or name one: --kubeconfig FILE or export KUBECONFIG=FILE"

// kubeconfigRules also says which file it is about. $KUBECONFIG may list several,
// of which kubectl forgives the missing ones; a file that was named must be there.
func kubeconfigRules(path string) (*clientcmd.ClientConfigLoadingRules, string) {
	local := LocalKubeconfig()
	env := os.Getenv(clientcmd.RecommendedConfigPathEnvVar)
	switch _, err := os.Stat(local); {
	case path != "":
		return &clientcmd.ClientConfigLoadingRules{ExplicitPath: path}, path
	case env != "":
		return clientcmd.NewDefaultClientConfigLoadingRules(), env
	case err == nil:
		return &clientcmd.ClientConfigLoadingRules{ExplicitPath: local}, local
	default:
		return clientcmd.NewDefaultClientConfigLoadingRules(), clientcmd.RecommendedHomeFile
	}
}

// LocalKubeconfig is what flyball up writes in its directory.
func LocalKubeconfig() string { return filepath.Join(".flyball", "kubeconfig") }

// unreadable says why a file is no kubeconfig, without its name, which the message already
// has, and without the types that it is read into.
func unreadable(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	text := err.Error()
	if _, at, ok := strings.Cut(text, "Go struct field Config."); ok {
		field, _, _ := strings.Cut(at, " ")
		return fmt.Errorf("its %s has another type than that of a kubeconfig", field)
	}
	if strings.Contains(text, "couldn't get version/kind") || strings.Contains(text, "no kind ") {
		return errors.New("it is no kubeconfig, which has apiVersion: v1 and kind: Config")
	}
	_, after, _ := strings.Cut(text, `": `) // error loading config file "…":
	return errors.New(cmp.Or(after, text))
}

// unusable says what the context in use lacks, or all that is wrong with what it has.
func unusable(raw clientcmdapi.Config, err error) error {
	current := raw.Contexts[raw.CurrentContext]
	switch {
	case current != nil && raw.Clusters[current.Cluster] == nil:
		return fmt.Errorf("its context %s is of the cluster %s, which it does not have", raw.CurrentContext, cmp.Or(current.Cluster, `""`))
	case current == nil && raw.CurrentContext != "":
		return fmt.Errorf("its current context is %s, which it does not have", raw.CurrentContext)
	}
	text := strings.TrimPrefix(err.Error(), "invalid configuration: ")
	return errors.New(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
}

// Explain adds to an error of the cluster what its reader can do about it.
func (c Cluster) Explain(err error) error {
	var dial *net.OpError
	var call *url.Error
	switch {
	case err == nil:
		return nil
	case meta.IsNoMatchError(err):
		return hint.With(err, "KServe or KEDA is not installed there; flyball doctor says what is missing")
	case apierrors.IsUnauthorized(err):
		return hint.With(err, "the cluster does not know the user of %s; renew its credentials", c.From)
	case apierrors.IsForbidden(err):
		return hint.With(err, "the user of %s may not do this; ask for the right, or name another: --kubeconfig FILE", c.From)
	case errors.As(err, &dial), errors.As(err, &call):
		return hint.With(err, "no cluster answers at %s, which %s names; flyball up starts a local one", c.Config.Host, c.From)
	}
	return err
}
